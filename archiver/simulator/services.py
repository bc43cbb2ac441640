"""LivePerson's services as one function from request to response: Domain API, authorization, conversations."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

from archiver.encoding import decode, encode, raw_json
from archiver.simulator.world import MOST_PER_PAGE, Answer, BadRequest, World

_SERVICES = ("msgHist", "sentinel")
_SORTS = {None: False, "start:asc": False, "start:desc": True}


@dataclass(slots=True)
class Simulator:
    """One account and who may read it. `host` is what the Domain API answers; it is also ours."""

    world: World
    host: str = "lp.simulator.test"
    client_id: str = "11111111-2222-3333-4444-555555555555"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    token_life_s: int = 3600
    _tokens: dict[str, datetime] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        routes: tuple[tuple[str, Callable[[httpx.Request], httpx.Response]], ...] = (
            (f"/api/account/{self.world.account}/service/", self._domain),
            (f"/sentinel/api/v2/account/{self.world.account}/app/token", self._token),
            (f"/messaging_history/api/account/{self.world.account}/conversations/", self._conversations),
        )
        for prefix, serve in routes:
            if path.startswith(prefix):
                return serve(request)
        if path.startswith("/api/account/"):
            return _error(401, "invalid site")
        return _error(404, "no such resource")

    def _domain(self, request: httpx.Request) -> httpx.Response:
        service = request.url.path.split("/service/", 1)[1].removesuffix("baseURI.json").strip("/")
        named = {name: {"service": name, "account": self.world.account, "baseURI": self.host} for name in _SERVICES}
        if not service:
            return _json({"baseURIs": list(named.values())})
        return _json(named[service]) if service in named else _error(404, f"no service {service}")

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if request.method != "POST" or form.get("grant_type") != "client_credentials":
            return _json({"error": "unsupported_grant_type"}, 400)
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        if not secrets.compare_digest(repr(given).encode(), repr((self.client_id, self.client_secret)).encode()):
            return _json({"error": "invalid_client"}, 401)
        token = secrets.token_urlsafe(32)
        self._tokens[token] = self.world.clock() + timedelta(seconds=self.token_life_s)
        return _json({"access_token": token, "token_type": "Bearer", "expires_in": str(self.token_life_s)})

    def expire_tokens(self) -> None:
        """Makes every token given so far worthless, as a restart of the authorization server would."""
        self._tokens.clear()

    def _conversations(self, request: httpx.Request) -> httpx.Response:
        expires = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if expires is None or expires <= self.world.clock():
            return _error(401, "no valid token")
        if request.method != "POST":
            return _error(405, "use POST")
        try:
            body = decode(request.content)
            if not isinstance(body, dict):
                raise BadRequest("the body is no JSON object")
            return self._answer(request, body)
        except (BadRequest, ValueError) as error:
            return _error(400, str(error))

    def _answer(self, request: httpx.Request, body: dict[str, Any]) -> httpx.Response:
        method = request.url.path.rsplit("/conversations/", 1)[1]
        if not 0 < len(request.url.params.get("source", "")) <= 20:
            raise BadRequest("source must name the calling program, in at most 20 characters")
        if method == "search":
            return self._search(request, body)
        if method == "conversation/search":
            ids = body.get("conversationIds") or [body.get("conversationId")]
            if not all(isinstance(id_, str) for id_ in ids) or len(ids) > MOST_PER_PAGE:
                raise BadRequest(f"1 to {MOST_PER_PAGE} conversationIds are required")
            return _page(self.world.look_up(ids, body.get("contentToRetrieve")), {})
        return _error(404, "no such method")

    def _search(self, request: httpx.Request, body: dict[str, Any]) -> httpx.Response:
        params = request.url.params
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 50))
        if offset < 0 or not 0 < limit <= MOST_PER_PAGE or params.get("sort") not in _SORTS:
            raise BadRequest("offset, limit or sort is out of range")
        answer = self.world.search(body, offset, limit, descending=_SORTS[params.get("sort")])
        return _page(answer, _links(request.url.path, offset, limit, answer.count))


def _links(path: str, offset: int, limit: int, count: int) -> dict[str, Any]:
    """References as LivePerson gives them: to a host of its own network, so nobody should follow them."""

    def link(rel: str, at: int) -> dict[str, str]:
        return {"rel": rel, "href": f"http://internal.lp.invalid{path}?limit={limit}&offset={at}"}

    links = {"self": link("self", offset)}
    if offset + limit < count:
        links["next"] = link("next", offset + limit)
        links["last"] = link("last", (count - 1) // limit * limit)
    return links


def _page(answer: Answer, links: dict[str, Any]) -> httpx.Response:
    metadata = {"count": answer.count, **links, "shardsStatusResult": {"partialResult": False}}
    records = [raw_json(record) for record in answer.records]
    return _json({"_metadata": metadata, "conversationHistoryRecords": records})


def _json(value: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=encode(value), headers={"Content-Type": "application/json;charset=utf-8"})


def _error(status: int, message: str) -> httpx.Response:
    return _json({"error": {"message": message, "responseStatus": str(status)}}, status)
