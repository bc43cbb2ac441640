"""LivePerson's services as one function from request to response: Domain API, authorization, conversations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from archiver.jsontext import decode, raw_json
from archiver.simulator.access import LoginService, SignatureCheck, TokenService, answer, error
from archiver.simulator.kinds import BadRequest
from archiver.simulator.world import MOST_PER_PAGE, Selection, World

_SERVICES = ("msgHist", "sentinel", "agentVep")
_ORDERS = ("start:asc", "start:desc", "end:asc", "end:desc")


@dataclass(slots=True)
class Simulator:
    """One account and its authentication. `host` is the host that the Domain API names for every service."""

    world: World
    host: str = "lp.simulator.test"
    no_content: bool = False  # whether a search without results is answered 204
    is_lenient: bool = False  # whether a limit or sort that can't be is put right, and not refused
    deepest: int | None = None  # largest offset + limit that is answered; None: no limit
    date_is_off: timedelta = timedelta(0)  # how far the `Date` of the answers is ahead of the account's clock
    has_date: bool = True  # whether answers have a `Date`
    tokens: TokenService = field(init=False)
    signatures: SignatureCheck = field(init=False)
    logins: LoginService = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = TokenService(self.world.account, self.now)
        self.signatures = SignatureCheck(self.now)
        self.logins = LoginService(self.world.account, self.now)

    def now(self) -> datetime:
        """The present time of the account's clock."""
        return self.world.clock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.dated(self._serve(request))

    def dated(self, response: httpx.Response) -> httpx.Response:
        """The response with the account's time in its `Date` header, if it has none of its own and answers have one."""
        if self.has_date:
            response.headers.setdefault("Date", format_datetime(self.now() + self.date_is_off, usegmt=True))
        return response

    def _serve(self, request: httpx.Request) -> httpx.Response:
        account = self.world.account
        routes: tuple[tuple[str, Callable[[httpx.Request, str], httpx.Response]], ...] = (
            (f"/api/account/{account}/service/", self._domain),
            (f"/sentinel/api/v2/account/{account}/app/token", lambda found, _: self.tokens.give(found)),
            (f"/sentinel/api/account/{account}/app/token", lambda found, _: self.tokens.give(found)),
            (f"/api/account/{account}/", self._login),
            (f"/messaging_history/api/account/{account}/conversations/", self._conversations),
        )
        path = request.url.path
        for prefix, serve in routes:
            if path.startswith(prefix):
                return serve(request, path.removeprefix(prefix))
        return error(401, "invalid site") if path.startswith("/api/account/") else error(404, "no such resource")

    def expire_tokens(self) -> None:
        """Invalidates every token and session so far, as a restart of LivePerson's servers would."""
        self.tokens.forget()
        self.logins.forget()

    def credentials(self) -> dict[str, str]:
        """Credentials for every authentication, by the names of the settings."""
        return {
            "client_id": self.tokens.client_id, "client_secret": self.tokens.client_secret,
            "app_key": self.signatures.key, "app_secret": self.signatures.secret,
            "access_token": self.signatures.token, "access_token_secret": self.signatures.token_secret,
            "username": self.logins.username, "password": self.logins.password,
        }  # fmt: skip

    def _base_uris(self) -> list[dict[str, str]]:
        return [{"service": name, "account": self.world.account, "baseURI": self.host} for name in _SERVICES]

    def _domain(self, _: httpx.Request, rest: str) -> httpx.Response:
        service = rest.removesuffix("baseURI.json").strip("/")
        if not service:
            return answer({"baseURIs": self._base_uris()})
        entries = [item for item in self._base_uris() if item["service"] == service]
        return answer(entries[0]) if entries else error(404, f"no service {service}")

    def _login(self, request: httpx.Request, step: str) -> httpx.Response:
        if step not in ("login", "refresh", "logout"):
            return error(404, "no such resource")
        return self.logins.serve(request, step, self._base_uris())

    def _is_allowed(self, request: httpx.Request) -> bool:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind == "OAuth":
            return self.signatures.accepts(request)
        return kind == "Bearer" and (self.tokens.accepts(token) or self.logins.accepts(token))

    def _conversations(self, request: httpx.Request, method: str) -> httpx.Response:
        if not self._is_allowed(request):
            return error(401, "no valid token, session or signature")
        if request.method != "POST":
            return error(405, "use POST")
        try:
            body = decode(request.content)
            if not isinstance(body, dict):
                raise BadRequest("the body is no JSON object")
            return self._answer(request, method, body)
        except (BadRequest, ValueError) as fault:
            return error(400, str(fault))

    def _answer(self, request: httpx.Request, method: str, body: dict[str, Any]) -> httpx.Response:
        parameters = _Parameters(request, is_lenient=self.is_lenient)
        if self.deepest is not None and parameters.offset + parameters.limit > self.deepest:
            return error(500, "Elastic search exception", internal_code=7)
        if method == "search":
            selection = self.world.search(
                body, parameters.offset, parameters.limit, order=parameters.order, version=parameters.version
            )
            return self._page(parameters, selection)
        if method == "consumer/search":
            selection = self.world.of_consumer(body, parameters.offset, parameters.limit, parameters.version)
            return self._page(parameters, selection)
        if method == "conversation/search":
            ids = body.get("conversationIds") or [body.get("conversationId")]
            if not all(isinstance(id_, str) for id_ in ids) or len(ids) > MOST_PER_PAGE:
                raise BadRequest(f"1 to {MOST_PER_PAGE} conversationIds are required")
            return self._page(None, self.world.look_up(ids, body, parameters.version))
        return error(404, "no such method")

    def _page(self, parameters: _Parameters | None, selection: Selection) -> httpx.Response:
        if self.no_content and not selection.count:
            return httpx.Response(204)
        links = parameters.links(selection.count) if parameters else {}
        shards = {"partialResult": False, "failureShards": 0, "totalShards": 5}
        metadata = {"count": selection.count, **links, "shardsStatusResult": shards}
        records = [raw_json(record) for record in selection.records]
        return answer({"_metadata": metadata, "conversationHistoryRecords": records})


class _Parameters:
    """The URL parameters of a request. Raises BadRequest."""

    def __init__(self, request: httpx.Request, *, is_lenient: bool) -> None:
        params = request.url.params
        self._path = request.url.path
        self.offset, self.limit = int(params.get("offset", 0)), int(params.get("limit", 50))
        self.order = params.get("sort") or "start:asc"
        self.version = int(params.get("v", 1))
        if not 0 < len(params.get("source", "")) <= 20:
            raise BadRequest("source must name the calling program, in at most 20 characters")
        if is_lenient:
            self.limit = min(max(self.limit, 1), MOST_PER_PAGE)
            self.order = self.order if self.order in _ORDERS else "start:asc"
        if self.offset < 0 or not 0 < self.limit <= MOST_PER_PAGE or self.order not in _ORDERS:
            raise BadRequest("offset, limit or sort is out of range")
        if self.version not in (1, 2):
            raise BadRequest("v is 1 or 2")

    def links(self, count: int) -> dict[str, Any]:
        """Links as LivePerson returns them: to a host of its internal network, so no client should follow them."""
        links = {"self": self._link("self", self.offset)}
        if self.offset + self.limit < count:
            links["next"] = self._link("next", self.offset + self.limit)
            links["last"] = self._link("last", (count - 1) // self.limit * self.limit)
        if self.offset:
            links["prev"] = self._link("prev", max(self.offset - self.limit, 0))
        return links

    def _link(self, rel: str, at: int) -> dict[str, str]:
        return {"rel": rel, "href": f"http://internal.lp.invalid{self._path}?limit={self.limit}&offset={at}"}
