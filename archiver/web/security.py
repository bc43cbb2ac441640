"""What every answer and every request must keep to: headers, and who may ask. As ASGI middleware."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archiver.config import WebAuth, host_of, is_address, names_this_machine
from archiver.service import HEALTH_PATHS
from archiver.web.authentication import Authentication
from archiver.web.problems import BASE, refusal

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
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_MOST_ADDRESS_BYTES = 32_768
_METHODS_OF_PROGRAMS = ("GET", "HEAD")
_METHODS = (*_METHODS_OF_PROGRAMS, "POST")


class Guard:
    """Refuses requests that no page of ours makes, and sets the headers of every answer.

    Only requests that name this server are answered: a page of another site can't make one by a name that leads here
    (DNS rebinding). A form is taken from our own pages only.
    """

    def __init__(self, app: ASGIApp, authentication: Authentication) -> None:
        self._app, self._settings = app, authentication.settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope) or self._app
        await answer(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        methods = _METHODS_OF_PROGRAMS if scope["path"].startswith(BASE) else _METHODS
        if scope["method"] not in methods:
            headers = {"Allow": ", ".join(methods)}
            return refusal(scope["path"], 405, "this method is not answered here", headers)
        fault = self._fault(scope)
        return refusal(scope["path"], *fault) if fault else None

    def _fault(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the words for a request that no page of ours makes."""
        if len(scope.get("query_string", b"")) + len(scope.get("raw_path", b"")) > _MOST_ADDRESS_BYTES:
            return 414, "the address is too long"
        headers = Headers(scope=scope)
        is_unnamed = scope.get("http_version") == "1.0" and "host" not in headers
        if not is_unnamed and not self._is_named_by(headers.get("host", "")) and not self._is_for_any_name(scope):
            return 421, "this server is not known by that name"
        is_foreign = not self._is_own_form(headers) if scope["method"] == "POST" else _is_of_another_site(headers)
        return (403, "another site asked for this") if is_foreign else None

    def _is_named_by(self, host: str) -> bool:
        """Whether a Host header names this server: this machine, the address of the settings, or, where people log in
        and no address is set, any address in digits.
        """
        name = host_of(host)
        if names_this_machine(host) or (name and name == self._settings.host):
            return True
        return self._settings.auth is not WebAuth.NONE and self._settings.host is None and is_address(name)

    def _is_for_any_name(self, scope: Scope) -> bool:
        """Whether a monitor may ask by any name: for health and metrics, where others than this machine ask."""
        return scope["path"] in HEALTH_PATHS and self._settings.auth is not WebAuth.NONE

    def _is_own_form(self, headers: Headers) -> bool:
        """Whether a form was sent by a page of ours. A browser says so by Sec-Fetch-Site, or by Origin over plain http,
        where the other is left out.
        """
        if "sec-fetch-site" in headers:
            return headers["sec-fetch-site"] in ("same-origin", "none")
        origin = headers.get("origin", "")
        return bool(origin) and origin.partition("://")[2] in (headers.get("host"), self._netloc)

    @property
    def _netloc(self) -> str | None:
        return self._settings.url.partition("://")[2] if self._settings.url else None


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
