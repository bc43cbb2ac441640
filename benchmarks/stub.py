"""An Elasticsearch that keeps nothing: it answers just enough for a catch-up, so that the client's own cost is seen."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HEADERS = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = 200, b'{"acknowledged":true}'
        if self.path.startswith("/_bulk"):
            count = body.count(b"\n") // 2
            content = b'{"errors":false,"items":[' + b",".join([b'{"index":{"status":201}}'] * count) + b"]}"
        elif self.path == "/":
            content = json.dumps({"version": {"number": "9.4.3"}}).encode()
        elif "/_search" in self.path:
            content = b'{"hits":{"hits":[],"total":{"value":0}}}'
        elif "/_doc/" in self.path and self.command == "GET":
            status, content = 404, b"{}"
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
