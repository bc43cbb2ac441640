"""Serves health and metrics alone, where no page is served: by default for this machine only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from archiver.config import names_this_machine
from archiver.http_server import bind, is_local, serving
from archiver.logs import EventLogger
from archiver.service.health import HEALTH_PATHS, Response
from archiver.service.waiting import as_ours

_log = EventLogger("service")
Respond = Callable[[str], Response | None]
_TEXT = "text/plain; charset=utf-8"
_METHODS = ("GET", "HEAD")


class _Health:
    """The ASGI application."""

    def __init__(self, respond: Respond, *, is_local: bool) -> None:
        self._respond, self._is_local = respond, is_local

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("there is nothing to begin or to end")  # which the server takes for an answer
        refusal = self._refusal(scope)
        status, kind, body = refusal if refusal else await asyncio.to_thread(self._answer, scope["path"])
        headers = {
            "content-type": kind, "content-length": str(len(body)), "cache-control": "no-store", "connection": "close",
        }  # fmt: skip
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope: dict[str, Any]) -> Response | None:
        if scope["method"] not in _METHODS:
            return 405, _TEXT, b"only GET and HEAD are answered here\n"
        host = dict(scope["headers"]).get(b"host")  # none: HTTP/1.0
        if self._is_local and host is not None and not names_this_machine(host.decode("latin-1")):
            return 421, _TEXT, b"this server is for requests to this machine\n"
        return None

    def _answer(self, path: str) -> Response:
        try:
            found = self._respond(path)
        except Exception as error:  # noqa: BLE001  (a fault in the program must not silence its health)
            message = f"health can't be told: {as_ours(error).message}"
            _log.error("health.failed", message)
            return 500, _TEXT, f"{message}\n".encode()
        return found or (404, _TEXT, f"{' '.join(HEALTH_PATHS)}\n".encode())


@contextmanager
def served(respond: Respond, host: str, port: int) -> Iterator[str]:
    """Serves the responses of `respond` to paths within the context; the URL. Where it is bound to this machine only,
    requests that name another host are refused (421). Raises ConfigError if the port is not available.
    """
    listener = bind(host, port, "health and metrics")
    with serving(_Health(respond, is_local=is_local(listener)), listener, host) as url:
        yield url
