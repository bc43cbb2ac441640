"""Imports saved objects into a running Kibana (Kibana API, Import saved objects)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from archiver.config import Secret, ServerUrl, server_url
from archiver.errors import ArchiverError, ConfigError, StoreDenied, StoreError, StoreUnavailable
from archiver.jsontext import decode
from archiver.kibana.objects import Object, ndjson
from archiver.proxies import EnvironmentTransport
from archiver.value import Value

_CALL_S = 120.0


class KibanaAddress(Value):
    """Where Kibana is, which space of it, and the credentials."""

    url: str
    space: str | None = None
    api_key: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    ca: Path | None = None


class Imported(Value):
    """How many objects Kibana took, and how many it had already, which stay as they are."""

    taken: int
    kept: int


def import_objects(
    address: KibanaAddress, objects: Sequence[Object], *, view: str, replaces: bool = False,
    transport: httpx.BaseTransport | None = None,
) -> Imported:  # fmt: skip
    """Imports the objects into Kibana. Those of an earlier import stay as they are, as somebody may have changed them,
    unless it `replaces` them. `view` becomes the data view that Kibana opens first, if it has none yet. Raises
    StoreError, ConfigError.

    Kibana answers 200 even when some objects failed, and lists them in the body.
    """
    files = {"file": ("archiver.ndjson", ndjson(list(objects)), "application/ndjson")}
    params = {"overwrite": "true"} if replaces else {}
    with _client(address, transport) as client:
        content = _posted(client, address, "/api/saved_objects/_import", params=params, files=files)
        faults = content.get("errors", [])
        kept = [item for item in faults if item.get("error", {}).get("type") == "conflict"]
        if content.get("success") is not True and (not faults or len(kept) < len(faults)):
            raise _incomplete([item for item in faults if item not in kept], len(objects))
        _posted(client, address, "/api/data_views/default", json={"data_view_id": view, "force": False})
    return Imported(int(content.get("successCount", 0)), len(kept))


def _posted(client: httpx.Client, address: KibanaAddress, path: str, **content: Any) -> dict[str, Any]:
    space = f"/s/{address.space}" if address.space else ""
    try:
        answer = client.post(space + path, headers={"kbn-xsrf": "true"}, **content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise StoreUnavailable(
            f"Kibana at {_url(address)} does not answer: {error}", hint="Start it or check ARCHIVER_KIBANA_URL."
        ) from error
    found = _content(answer)
    if not answer.is_success:
        raise _refused(address, answer.status_code, found)
    return found


def _incomplete(faults: Sequence[Any], count: int) -> StoreError:
    words = "; ".join(map(_fault, faults[:5]))
    return StoreError(
        f"Kibana did not take {len(faults)} of {count} objects: {words}", hint="Kibana must be 8.9 or newer."
    )


def _url(address: KibanaAddress) -> ServerUrl:
    """Without what may be secret in it."""
    return server_url(address.url, setting="kibana_url", example="https://kibana.example:5601")


def _client(address: KibanaAddress, transport: httpx.BaseTransport | None) -> httpx.Client:
    url = _url(address)
    headers, auth = {}, None
    if address.api_key:
        headers["Authorization"] = f"ApiKey {address.api_key.reveal()}"
    elif address.user and address.password:
        auth = httpx.BasicAuth(address.user, address.password.reveal())
    return httpx.Client(
        base_url=str(url), headers=headers, auth=auth, timeout=_CALL_S, trust_env=False,
        transport=transport or EnvironmentTransport(_trust(address)),
    )  # fmt: skip


def _trust(address: KibanaAddress) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(address.ca) if address.ca else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificate file {address.ca} cannot be used: {error}") from error


def _content(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = decode(answer.content)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _refused(address: KibanaAddress, status: int, content: dict[str, Any]) -> ArchiverError:
    words = f"Kibana at {_url(address)} answered {status}: {str(content.get('message', ''))[:300]}"
    if status in (401, 403):
        return StoreDenied(words, hint="Its key needs all rights in the space: docs/elasticsearch.md lists them.")
    if status in (429, 502, 503, 504):
        return StoreUnavailable(words, hint="Run the same command again when Kibana is ready.")
    return StoreError(words)


def _fault(item: Any) -> str:
    error = item.get("error", {})
    return f"{item.get('type')} {item.get('id')}: {error.get('message') or error.get('type')}"
