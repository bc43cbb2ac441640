"""Imports saved objects into a running Kibana (Kibana API, Import saved objects)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from archiver.config import Secret, ServerUrl, server_url
from archiver.errors import ArchiverError, ConfigError, StoreDenied, StoreError, StoreUnavailable
from archiver.jsontext import decode
from archiver.kibana.objects import Object, ndjson
from archiver.proxies import EnvironmentTransport

_CALL_S = 120.0


@dataclass(frozen=True, slots=True)
class KibanaAddress:
    """Where Kibana is, which space of it, and the credentials."""

    url: str
    space: str | None = None
    api_key: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    ca: Path | None = None


def import_objects(
    address: KibanaAddress, objects: Sequence[Object], *, transport: httpx.BaseTransport | None = None
) -> int:
    """Imports the objects into Kibana, replacing those of an earlier import. Returns how many. Raises StoreError,
    ConfigError.

    Kibana answers 200 even when some objects failed, and lists them in the body.
    """
    path = (f"/s/{address.space}" if address.space else "") + "/api/saved_objects/_import"
    files = {"file": ("archiver.ndjson", ndjson(list(objects)), "application/ndjson")}
    with _client(address, transport) as client:
        try:
            answer = client.post(path, params={"overwrite": "true"}, files=files, headers={"kbn-xsrf": "true"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StoreUnavailable(
                f"Kibana at {_url(address)} does not answer: {error}", hint="Start it or check ARCHIVER_KIBANA_URL."
            ) from error
    content = _content(answer)
    if not answer.is_success:
        raise _refused(address, answer.status_code, content)
    if content.get("success") is not True:
        faults = [_fault(item) for item in content.get("errors", [])]
        raise StoreError(
            f"Kibana did not take {len(faults)} of {len(objects)} objects: {'; '.join(faults[:5])}",
            hint="Kibana must be 8.9 or newer.",
        )
    return int(content.get("successCount", 0))


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
