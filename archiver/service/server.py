"""A small HTTP server for health and metrics, by default for this machine only, which no client can exhaust."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from archiver.config import names_this_machine
from archiver.errors import ConfigError
from archiver.logs import EventLogger
from archiver.service.health import PATHS, Response
from archiver.service.waiting import as_ours

_log = EventLogger("service")
Respond = Callable[[str], Response | None]
_TEXT = "text/plain; charset=utf-8"
_MOST_CONNECTIONS, _PATIENCE_S = 64, 10.0


class _Server(ThreadingHTTPServer):
    """Holds a bounded number of connections. A new one ends the oldest, which is half-open or very slow."""

    daemon_threads = True
    request_queue_size = 128
    is_local = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.append(request)
            oldest = self._open[0] if len(self._open) > _MOST_CONNECTIONS else None
        if oldest is not None:
            self._forget(oldest)
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)  # its thread ends, and closes it
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._forget(request)
        super().shutdown_request(request)

    def _forget(self, request: socket.socket) -> None:
        with self._lock, suppress(ValueError):
            self._open.remove(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that resets its connection, or sends nothing, is no event."""


def _handler(respond: Respond) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server: _Server
        server_version, sys_version = "archiver", ""
        timeout = _PATIENCE_S

        def do_GET(self) -> None:
            status, kind, body = self._response()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  (named by http.server)

        def _response(self) -> Response:
            host = self.headers.get("Host")  # none: HTTP/1.0
            if self.server.is_local and host is not None and not names_this_machine(host):
                return 421, _TEXT, b"this server is for requests to this machine\n"
            try:
                found = respond(self.path.partition("?")[0])
            except Exception as error:  # noqa: BLE001  (a fault in the program must not silence its health)
                message = f"health can't be told: {as_ours(error).message}"
                _log.error("health.failed", message)
                return 500, _TEXT, f"{message}\n".encode()
            return found or (404, _TEXT, f"{' '.join(PATHS)}\n".encode())

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler


def _bound(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> _Server:
    try:
        server = _Server((host, port), handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"health and metrics can't be served on {host}:{port}: {error}",
            hint="Choose another address with --listen HOST:PORT, or none with --listen off.",
        ) from error
    server.is_local = ip_address(str(server.server_address[0])).is_loopback
    return server


@contextmanager
def served(respond: Respond, host: str, port: int) -> Iterator[str]:
    """Serves the responses of `respond` to paths within the context; the URL. Where it is bound to this machine only,
    requests that name another host are refused (421). Raises ConfigError if the port is not available.
    """
    server = _bound(host, port, _handler(respond))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
