"""One Elasticsearch cluster as its client library shows it: the only module that knows that library.

What the library and the server say is turned into our own errors here, and the first contact checks that the two fit.
"""

from __future__ import annotations

import random
import ssl
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import elasticsearch
from elasticsearch import Elasticsearch

from archiver.config import StoreAddress, is_loopback
from archiver.errors import ArchiverError, ConfigError, StoreDenied, StoreError, StoreTooLarge, StoreUnavailable

LOWEST_MAJOR = 8
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
_PATIENCE_S = 6.0
_TRANSIENT = frozenset((429, 502, 503, 504))
_CALL_S, _BULK_S = 60.0, 120.0
_EXAMPLE = "It looks like https://elasticsearch.example:9200"
_SENDERS = 8  # connections kept open

warnings.simplefilter("ignore", elasticsearch.ElasticsearchWarning)  # hints for administrators, not for our users


class Server:
    """Calls that come back with plain values, or raise StoreError, StoreUnavailable or ConfigError."""

    def __init__(self, client: Elasticsearch, name: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep
        self._patience_s = _PATIENCE_S
        self.version: str | None = None

    def ask(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None, *, absent: Any = ...
    ) -> Any:
        """One call, tried again as long as patience lasts while the server is busy. `absent` is given for a 404."""
        waited_s, wait_s = 0.0, _FIRST_WAIT_S
        while True:
            try:
                self._meet()
                return self._call(method, path, body, params, absent)
            except StoreUnavailable:
                if waited_s >= self._patience_s:
                    raise
                self._sleep(wait_s * (0.5 + random.random() / 2))  # noqa: S311  (no secret)
                waited_s, wait_s = waited_s + wait_s, min(2 * wait_s, _LONGEST_WAIT_S)

    @contextmanager
    def patient(self, patience_s: float) -> Iterator[None]:
        """For a while, a server that does not answer is waited for longer than a person at a screen would."""
        usual, self._patience_s = self._patience_s, patience_s
        try:
            yield
        finally:
            self._patience_s = usual

    def bulk(self, lines: Sequence[bytes], *, is_seen_at_once: bool = False) -> dict[str, Any]:
        """One bulk request, tried once: {"errors": bool, "items": [{"index": {"status": …, "error": …}}, …]}."""
        params = {"filter_path": "errors,items.*.status,items.*.error.type,items.*.error.reason"}
        if is_seen_at_once:
            params["refresh"] = "true"
        return self._call("POST", "/_bulk", lines, params, ..., timeout_s=_BULK_S) or {}

    def _call(self, method: str, path: str, body: Any, params: Any, absent: Any, timeout_s: float = _CALL_S) -> Any:
        headers = {"accept": "application/json"}
        if body is not None:
            kind = "x-ndjson" if path.endswith("_bulk") else "json"
            headers["content-type"] = f"application/{kind}"
        try:
            client = self._client.options(request_timeout=timeout_s)
            return client.perform_request(method, path, params=params, headers=headers, body=body).body
        except elasticsearch.NotFoundError as error:
            if absent is not ...:
                return absent
            raise self._answered(error) from error
        except elasticsearch.UnsupportedProductError as error:
            raise ConfigError(f"{self._name} is not Elasticsearch", hint="Check ARCHIVER_STORE.") from error
        except elasticsearch.ApiError as error:
            raise self._answered(error) from error
        except elasticsearch.SSLError as error:
            raise ConfigError(
                f"{self._name} shows a certificate that is not trusted: {error.message}",
                hint="Name the file of its certificate authority with ARCHIVER_STORE_CA.",
            ) from error
        except (elasticsearch.TransportError, OSError) as error:
            raise self._silent(str(error)) from error

    def _silent(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"Elasticsearch at {self._name} does not answer: {reason}",
            hint="Start it or check ARCHIVER_STORE, then run the same command again.",
        )

    def _answered(self, error: elasticsearch.ApiError) -> ArchiverError:
        status, (kind, reason) = error.meta.status, _reason(error.body)
        if kind == "media_type_header_exception":
            return self._wrong_client()
        if status == 413:
            return StoreTooLarge(f"{self._name} takes no request of this size: {reason}")
        if status in _TRANSIENT or kind == "cluster_block_exception":
            return StoreUnavailable(
                f"Elasticsearch at {self._name} takes no requests now: {reason} ({status})",
                hint="See its log and its disk (a full disk makes indices read-only), then run the same command again.",
            )
        if status == 401:
            return StoreDenied(
                f"{self._name} refuses our credentials",
                hint="Check ARCHIVER_STORE_API_KEY, or ARCHIVER_STORE_USER and ARCHIVER_STORE_PASSWORD.",
            )
        if status == 403:
            return StoreDenied(
                f"{self._name} does not allow this: {reason}", hint="docs/elasticsearch.md lists rights."
            )
        return StoreError(f"{self._name} refuses the request: {reason} ({status})")

    def _wrong_client(self) -> ConfigError:
        major = elasticsearch.__version__[0]
        return ConfigError(
            f"the installed client (elasticsearch {_client_version()}) does not speak to this server",
            hint=f"Run: pip install 'elasticsearch>=8.19,<{major}'",
        )

    def _meet(self) -> None:
        """Learns the server's version on first contact. A server that does not tell it is taken as it is."""
        if self.version is not None:
            return
        version = self._told_version()
        self.version = version or "unknown"
        major = int(version.split(".")[0]) if version else None
        if major is not None and major < LOWEST_MAJOR:
            raise ConfigError(f"{self._name} is Elasticsearch {version}", hint="Use Elasticsearch 8 or newer.")

    def _told_version(self) -> str | None:
        """From the root page, or from the node list, where a minimal distribution has no root page."""
        try:
            return str(self._call("GET", "/", None, None, ...)["version"]["number"])
        except (StoreUnavailable, ConfigError):
            raise
        except (StoreError, KeyError, TypeError):
            pass
        try:
            nodes = self._call("GET", "/_nodes/_local", None, {"filter_path": "nodes.*.version"}, ...)["nodes"]
            return str(next(iter(nodes.values()))["version"])
        except (StoreUnavailable, ConfigError):
            raise
        except (StoreError, KeyError, TypeError, StopIteration):
            return None

    def close(self) -> None:
        self._client.close()


def _reason(body: Any) -> tuple[str, str]:
    """Kind and words of an error answer, of the innermost cause that has words."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", str(error or body)[:300]
    causes = error.get("root_cause")
    cause = causes[0] if isinstance(causes, list) and causes and isinstance(causes[0], dict) else error
    return str(cause.get("type") or error.get("type") or ""), str(cause.get("reason") or error.get("reason") or "")[
        :300
    ]


def _client_version() -> str:
    return ".".join(map(str, elasticsearch.__version__))


def connect(address: StoreAddress) -> Server:
    """Checks the address, and asks nothing yet. Raises ConfigError."""
    options: dict[str, Any] = {
        "max_retries": 0, "retry_on_status": (), "request_timeout": _CALL_S, "connections_per_node": _SENDERS,
    }  # fmt: skip
    if address.api_key:
        key = address.api_key.reveal()  # as Kibana shows it, or "id:key"
        options["api_key"] = tuple(key.split(":", 1)) if ":" in key else key
    elif address.user and address.password:
        options["basic_auth"] = (address.user, address.password.reveal())
    kind, _, rest = (address.url or "").partition(":")
    if kind == "cloud":
        return Server(_client(cloud_id=rest, **options), f"cloud deployment {rest.partition(':')[0]}")
    url, is_encrypted = _checked_url(address.url or "")
    if is_encrypted:
        options["ssl_context"] = _trust(address)
    return Server(_client(hosts=[url], **options), url)


def _checked_url(url: str) -> tuple[str, bool]:
    """The URL as the client wants it, with its port; and whether it is encrypted."""
    try:
        parts = urlsplit(url)
        host, port, is_encrypted = parts.hostname or "", parts.port, parts.scheme == "https"
    except ValueError as error:
        raise ConfigError(f"store {url!r} is no URL: {error}", hint=_EXAMPLE) from None
    if not host:
        raise ConfigError(f"store {url!r} names no host", hint=_EXAMPLE)
    if not is_encrypted and not is_loopback(host):
        raise ConfigError(f"store {url} would carry transcripts unencrypted", hint="Use https://… .")
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{place}:{port or (443 if is_encrypted else 80)}{parts.path.rstrip('/')}", is_encrypted


def _client(**options: Any) -> Elasticsearch:
    try:
        return Elasticsearch(**options)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"the address of the store is not usable: {error}", hint="Check ARCHIVER_STORE.") from error


def _trust(address: StoreAddress) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(address.ca) if address.ca else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificate file {address.ca} cannot be used: {error}") from error
