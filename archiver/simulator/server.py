"""The simulator on a port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from archiver.errors import ConfigError

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
        response = self.server.respond(request)
        head = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}".rstrip()]
        head += [f"{name}: {value}" for name, value in response.headers.items() if name.lower() != "content-length"]
        head += [f"Content-Length: {len(response.content)}", "", ""]
        # One write: a head and a body sent apart would wait for each other's acknowledgement.
        self.wfile.write("\r\n".join(head).encode("latin-1") + response.content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  (names of the base class)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: request lines would fill the terminal."""


def bind(port: int) -> Server:
    """A server on loopback; port 0 takes a free one. Raises ConfigError if the port is taken."""
    try:
        return Server(("127.0.0.1", port), _Handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"port {port} cannot be used: {error}", hint="Use --port 0 for a free one.") from error


@contextmanager
def running(server: Server, respond: Respond) -> Iterator[Server]:
    """Answers in a thread of its own while the block runs."""
    server.respond = respond
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
