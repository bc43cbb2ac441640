"""One Elasticsearch cluster through its client library: the only module that uses that library.

Errors of the library and of the server become ours here. The first call checks that client and server versions fit.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import elasticsearch
from elastic_transport import ApiResponseMeta, HttpHeaders, Urllib3HttpNode
from elasticsearch import Elasticsearch

from archiver.config import StoreAddress, server_url
from archiver.errors import ArchiverError, ConfigError, StoreDenied, StoreError, StoreTooLarge, StoreUnavailable
from archiver.retry import RetryPolicy, call_with_retries, doubling
from archiver.value import replace

LOWEST_MAJOR = 8
# A person at a screen waits a few seconds; `Server.patient` sets the time for longer work.
_RETRIES = RetryPolicy(delays_s=doubling(0.2, 10.0), patience_s=6.0, spread=0.5)
# After such a wait failed, calls are tried once for so long, so that a page with several questions waits once.
_SILENT_S = 5.0
_TRANSIENT = frozenset((429, 502, 503, 504))
_CALL_S, _BULK_S = 60.0, 120.0
_SENDERS = 8  # connections kept open


class _QuietNode(Urllib3HttpNode):
    """Removes the server's `Warning` headers, which the client would raise as Python warnings in this process.

    They address administrators of Elasticsearch, who find them in its deprecation log.
    """

    def perform_request(self, *args: Any, **options: Any) -> Any:
        meta, body = answer = super().perform_request(*args, **options)
        if "warning" not in meta.headers:
            return answer
        headers = HttpHeaders({name: value for name, value in meta.headers.items() if name.lower() != "warning"})
        return type(answer)(ApiResponseMeta(meta.status, meta.http_version, headers, meta.duration, meta.node), body)


class _Refused(StoreError):
    """An error response; `kind` is Elasticsearch's type of the error."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Overloaded(StoreUnavailable):
    """The server rejects work because it has too much of it, or because one piece is too large for it (429)."""


class Server:
    """Calls that return plain values, or raise StoreError, StoreUnavailable or ConfigError."""

    def __init__(
        self, make_client: Callable[[], Elasticsearch], name: str, *, sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._make_client = make_client
        self._client = make_client()
        self.name = name
        self._sleep = sleep
        self._retries = _RETRIES
        self._clock, self._silent_until = clock, clock()
        self.version: str | None = None

    def ask(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None, *, absent: Any = ...,
        accepted: str | None = None,
    ) -> Any:  # fmt: skip
        """The response to one call, retried while the server is busy, unless it has just been waited for in vain.

        `absent` is returned for a 404, {} for an error whose type is `accepted`.
        """

        def call() -> Any:
            self._meet()
            try:
                return self._call(method, path, body, params, absent)
            except _Refused as error:
                if error.kind == accepted:
                    return {}
                raise

        is_silent = self._retries is _RETRIES and self._clock() < self._silent_until
        policy = replace(_RETRIES, tries=1) if is_silent else self._retries
        try:
            answer = call_with_retries(call, policy, wait=lambda error, delay_s: self._sleep(delay_s))
        except StoreUnavailable:
            if not is_silent:
                self._silent_until = self._clock() + _SILENT_S
            raise
        self._silent_until = self._clock()
        return answer

    def wait(self, seconds: float) -> None:
        """Waits as between two attempts."""
        self._sleep(seconds)

    @contextmanager
    def patient(self, patience_s: float) -> Iterator[None]:
        """Within the context, a server that does not answer is waited for this long."""
        usual, self._retries = self._retries, replace(self._retries, patience_s=patience_s)
        try:
            yield
        finally:
            self._retries = usual

    def bulk(self, lines: Sequence[bytes], *, is_seen_at_once: bool = False) -> dict[str, Any]:
        """One bulk request, tried once: {"errors": bool, "items": [{"index": {"status": …, "error": …}}, …]}."""
        params = {"filter_path": "errors,items.*.status,items.*.error.type,items.*.error.reason"}
        if is_seen_at_once:
            params["refresh"] = "true"
        return self._call("POST", "/_bulk", lines, params, timeout_s=_BULK_S) or {}

    def _call(
        self, method: str, path: str, body: Any, params: Any, absent: Any = ..., timeout_s: float = _CALL_S
    ) -> Any:
        headers = {"accept": "application/json"}
        if body is not None:
            kind = "x-ndjson" if path.endswith(("_bulk", "_msearch")) else "json"
            headers["content-type"] = f"application/{kind}"
        try:
            client = self._client.options(request_timeout=timeout_s)
            return client.perform_request(method, path, params=params, headers=headers, body=body).body
        except elasticsearch.NotFoundError as error:
            if absent is not ...:
                return absent
            raise self._answered(error) from error
        except elasticsearch.UnsupportedProductError as error:
            raise ConfigError(f"{self.name} is not Elasticsearch", hint="Check ARCHIVER_STORE.") from error
        except elasticsearch.ApiError as error:
            raise self._answered(error) from error
        except elasticsearch.SSLError as error:
            raise ConfigError(
                f"{self.name} shows a certificate that is not trusted: {error.message}",
                hint="Name the file of its certificate authority with ARCHIVER_STORE_CA.",
            ) from error
        except (elasticsearch.TransportError, OSError) as error:
            raise self._silent(str(error)) from error

    def _silent(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"Elasticsearch at {self.name} does not answer: {reason}",
            hint="Start it or check ARCHIVER_STORE, then run the same command again.",
        )

    def _answered(self, error: elasticsearch.ApiError) -> ArchiverError:
        status, (kind, reason) = error.meta.status, _reason(error.body)
        if kind == "media_type_header_exception":
            return self._wrong_client()
        if status == 413:
            return StoreTooLarge(f"{self.name} takes no request of this size: {reason}")
        if status in _TRANSIENT or kind == "cluster_block_exception":
            return (Overloaded if status == 429 else StoreUnavailable)(
                f"Elasticsearch at {self.name} takes no requests now: {reason} ({status})",
                hint="See its log and its disk (a full disk makes indices read-only), then run the same command again.",
            )
        if status == 401:
            return StoreDenied(
                f"{self.name} refuses our credentials",
                hint="Check ARCHIVER_STORE_API_KEY, or ARCHIVER_STORE_USER and ARCHIVER_STORE_PASSWORD.",
            )
        if status == 403:
            return StoreDenied(f"{self.name} does not allow this: {reason}", hint="docs/elasticsearch.md lists rights.")
        return _Refused(f"{self.name} refuses the request: {reason} ({status})", kind)

    def _wrong_client(self) -> ConfigError:
        major = elasticsearch.__version__[0]
        return ConfigError(
            f"the installed client (elasticsearch {_client_version()}) does not speak to this server",
            hint=f"Run: pip install 'elasticsearch>=8.19,<{major}'",
        )

    def _meet(self) -> None:
        """Learns the server's version on first contact. A server that does not report it is accepted."""
        if self.version is not None:
            return
        version = self._told_version()
        self.version = version or "unknown"
        major = int(version.split(".")[0]) if version else None
        if major is not None and major < LOWEST_MAJOR:
            raise ConfigError(f"{self.name} is Elasticsearch {version}", hint="Use Elasticsearch 8 or newer.")

    def _told_version(self) -> str | None:
        """The version from the root page, or from the node list where a minimal distribution has no root page."""
        try:
            return str(self._call("GET", "/", None, None)["version"]["number"])
        except (StoreUnavailable, ConfigError):
            raise
        except (StoreError, KeyError, TypeError):
            pass
        try:
            nodes = self._call("GET", "/_nodes/_local", None, {"filter_path": "nodes.*.version"})["nodes"]
            return str(next(iter(nodes.values()))["version"])
        except (StoreUnavailable, ConfigError):
            raise
        except (StoreError, KeyError, TypeError, StopIteration):
            return None

    def close(self) -> None:
        """Closes all connections. The next call opens new ones."""
        self._client.close()
        self._client = self._make_client()  # a closed client can't be used again; a new one has no connection yet


def _reason(body: Any) -> tuple[str, str]:
    """Type and text of an error response, from the innermost cause that has a text."""
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


def connect(address: StoreAddress, *, sleep: Callable[[float], None] = time.sleep) -> Server:
    """Checks the address; makes no request yet. `sleep` waits between attempts. Raises ConfigError."""
    options: dict[str, Any] = {
        "max_retries": 0, "retry_on_status": (), "request_timeout": _CALL_S, "connections_per_node": _SENDERS,
        "node_class": _QuietNode,
    }  # fmt: skip
    if address.api_key:
        key = address.api_key.reveal()  # as Kibana shows it, or "id:key"
        options["api_key"] = tuple(key.split(":", 1)) if ":" in key else key
    elif address.user and address.password:
        options["basic_auth"] = (address.user, address.password.reveal())
    kind, _, rest = (address.url or "").partition(":")
    if kind == "cloud":
        name = f"cloud deployment {rest.partition(':')[0]}"
        return Server(partial(_client, cloud_id=rest, **options), name, sleep=sleep)
    url = server_url(address.url or "", setting="store", example="https://elasticsearch.example:9200")
    if url.is_encrypted:
        options["ssl_context"] = _trust(address)
    return Server(partial(_client, hosts=[url.with_port], **options), url.with_port, sleep=sleep)


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
