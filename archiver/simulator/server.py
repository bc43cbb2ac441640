"""Serves the simulator on a port of this machine."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from archiver.errors import ConfigError
from archiver.simulator.faults import Cut

Respond = Callable[[httpx.Request], httpx.Response]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    respond: Respond

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"


def _written(response: httpx.Response) -> bytes:
    """Head and body in one piece: sent apart, they would wait for each other's acknowledgement."""
    assert isinstance(response.stream, httpx.SyncByteStream)
    body = b"".join(response.stream)
    headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
    head = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}".rstrip()]
    head += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join((*head, f"Content-Length: {len(body)}", "", "")).encode("latin-1") + body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = httpx.Request(
            self.command,
            f"{self.server.url}{self.path}",
            headers=list(self.headers.items()),
            content=self.rfile.read(length),
        )
        try:
            self.wfile.write(_written(self.server.respond(request)))
        except Cut as cut:
            self._break_off(b"" if cut.sent is None else _written(cut.response)[: cut.sent])

    def _break_off(self, sent: bytes) -> None:
        """Ends the connection with a reset after a part of the response, or before any of it."""
        self.wfile.write(sent)
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def finish(self) -> None:
        with suppress(OSError, ValueError):  # after a reset there is nothing to flush to
            super().finish()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  (names of the base class)

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing: request lines would fill the terminal."""


def bind(port: int) -> Server:
    """A server on loopback; port 0 takes a free one. Raises ConfigError if the port is taken."""
    try:
        return Server(("127.0.0.1", port), _Handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"port {port} cannot be used: {error}", hint="Use --port 0 for a free one.") from error


@contextmanager
def running(server: Server, respond: Respond) -> Iterator[Server]:
    """Serves in a thread of its own within the context."""
    server.respond = respond
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
