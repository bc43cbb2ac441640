"""A proxy in front of a real server that makes it fail on demand: what a healthy server will not do by itself."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Exchange:
    """One request on its way. `forward` asks the server; a fault may change what goes in and comes out."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    target: str

    def forward(self, body: bytes | None = None) -> Reply:
        connection = http.client.HTTPConnection(self.target, timeout=60)
        try:
            connection.request(self.method, self.path, self.body if body is None else body, self.headers)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


@dataclass
class Reply:
    """`None` as status resets the connection; `cut` sends that many bytes of the body only."""

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None

    def changed(self, change: Callable[[Any], Any]) -> Reply:
        return Reply(self.status, self.headers, json.dumps(change(json.loads(self.body))).encode())


RESET = Reply(None)
Fault = Callable[[Exchange], Reply | None]


def busy(status: int = 429) -> Reply:
    error = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
    headers = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}
    return Reply(status, headers, json.dumps({"error": error, "status": status}).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    target = ""
    fault: Fault

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")
        }
        exchange = Exchange(self.command, self.path, headers, body, self.target)
        try:
            self._answer(type(self).fault(exchange) or exchange.forward())
        except OSError:
            self._answer(RESET)

    def _answer(self, reply: Reply) -> None:
        if reply.status is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
        self.close_connection = self.close_connection or reply.cut is not None

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def proxy(url: str, fault: Fault, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL of a proxy on loopback in front of `url`; with a `context` it speaks TLS."""
    handler = type("Handler", (_Handler,), {"target": urlsplit(url).netloc, "fault": staticmethod(fault)})
    server = _Server(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
