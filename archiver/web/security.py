"""What every answer and every request must keep to: headers, and who may ask. As ASGI middleware."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archiver.config import names_this_machine

_NOTHING = "'none'"
_OWN = "'self'"
POLICY = "; ".join(
    (
        f"default-src {_NOTHING}", f"script-src {_OWN}", f"style-src {_OWN}", f"img-src {_OWN}", f"connect-src {_OWN}",
        f"font-src {_OWN}", f"form-action {_OWN}", f"base-uri {_NOTHING}", f"frame-ancestors {_NOTHING}",
    )
)  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # queries are in addresses
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_MOST_ADDRESS_BYTES = 32_768
_METHODS = ("GET", "HEAD")


class Guard:
    """Refuses requests that no page of ours makes, and sets the headers of every answer.

    Only requests that name this machine are answered: a page of another site can't make one by a name that leads here
    (DNS rebinding). Nothing here changes anything, so that only GET and HEAD are answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        answer = PlainTextResponse(f"{refusal[1]}\n", refusal[0]) if refusal else self._app
        await answer(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        if scope["method"] not in _METHODS:
            return 405, "only GET and HEAD are answered here"
        if len(scope.get("query_string", b"")) + len(scope.get("raw_path", b"")) > _MOST_ADDRESS_BYTES:
            return 414, "the address is too long"
        headers = Headers(scope=scope)
        is_unnamed = scope.get("http_version") == "1.0" and "host" not in headers
        if not is_unnamed and not names_this_machine(headers.get("host", "")):
            return 421, "this server is for requests to this machine"
        if _is_of_another_site(headers):
            return 403, "another site asked for this"
        return None


def _is_of_another_site(headers: Headers) -> bool:
    """Whether a page of another site asks for a part of its own; a link that a person follows is none."""
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_link


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
