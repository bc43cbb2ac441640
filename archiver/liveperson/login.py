"""A user's login: a session with a bearer, a cookie and a csrf token (Login Service API: User Login, Refresh, Logout).

LivePerson asks that third-party programs do not use it, and it does not work with single sign-on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie

import httpx

from archiver.encoding import decode, encode
from archiver.errors import AuthError, BadAnswer, RateLimited
from archiver.liveperson.auth import Access, Flow, User, refused
from archiver.records import number, text_of

TOO_MANY_LOGINS_S = 5.0  # Login Service API, Retry policy
REFRESH_EVERY = timedelta(minutes=4)  # while the session is used; it lives on the server
_MARGIN = timedelta(minutes=1)
_DEFAULT_LIFE = timedelta(hours=8)
_COOKIE = "Session_id"
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Session:
    bearer: str
    csrf: str
    cookie: str | None
    renew_at: datetime
    refreshed_at: datetime


class Login(Access):
    """Logs in when the first request needs it, refreshes while in use, logs in anew once after a 401, and logs out."""

    def __init__(self, base_url: Callable[[], str], account: str, user: User, *, clock: Callable[[], datetime]) -> None:
        self._base_url = base_url
        self._account = account
        self._user = user
        self._clock = clock
        self._lock = threading.Lock()
        self._session: Session | None = None

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        session = yield from self._current()
        request.headers["Authorization"] = f"Bearer {session.bearer}"
        response = yield request
        if response.status_code == 401:
            session = yield from self._other_than(session)
            request.headers["Authorization"] = f"Bearer {session.bearer}"
            yield request

    def _current(self) -> Generator[httpx.Request, httpx.Response, Session]:
        """The session to use now: the one there is, refreshed when that is due, or a new one."""
        with self._lock:
            now = self._clock()
            if self._session is None or now >= self._session.renew_at:
                self._session = yield from self._log_in()
            elif now - self._session.refreshed_at >= REFRESH_EVERY:
                self._session = yield from self._refreshed(self._session)
            return self._session

    def _other_than(self, used: Session) -> Generator[httpx.Request, httpx.Response, Session]:
        with self._lock:
            if self._session is None or self._session.bearer == used.bearer:
                self._session = yield from self._log_in()
            return self._session

    def _log_in(self) -> Generator[httpx.Request, httpx.Response, Session]:
        body = encode({"username": self._user.name, "password": self._user.password.reveal()})
        url = self._url("login")
        response = yield httpx.Request("POST", url, params={"v": "1.3"}, headers=_JSON, content=body)
        response.read()
        if response.status_code != 200:
            error = refused(response, "the login", "username and password; SSO users can't log in here", self._clock())
            if isinstance(error, RateLimited) and error.retry_after_s is None:
                error.retry_after_s = TOO_MANY_LOGINS_S
            raise error
        return _session(response, self._clock())

    def _refreshed(self, session: Session) -> Generator[httpx.Request, httpx.Response, Session]:
        """The answer's body is empty. A session that cannot be refreshed is replaced by a new one."""
        response = yield self._in_session("refresh", session)
        if response.status_code == 401:
            return (yield from self._log_in())
        # Any other answer, also a fault: the next request will tell whether the session still lives.
        return replace(session, refreshed_at=self._clock(), cookie=_cookie(response) or session.cookie)

    def _url(self, step: str) -> str:
        return f"{self._base_url()}/api/account/{self._account}/{step}"

    def _in_session(self, step: str, session: Session) -> httpx.Request:
        headers = {**_JSON, **({"Cookie": f"{_COOKIE}={session.cookie}"} if session.cookie else {})}
        return httpx.Request("POST", self._url(step), headers=headers, content=encode({"csrf": session.csrf}))

    def leave(self, client: httpx.Client) -> None:
        session, self._session = self._session, None
        if session:
            with suppress(httpx.HTTPError):  # it ends by itself, too
                client.send(self._in_session("logout", session), auth=None)


def _session(response: httpx.Response, now: datetime) -> Session:
    try:
        answer = decode(response.content)
        bearer = text_of(answer["bearer"])
    except (ValueError, KeyError, TypeError):
        raise BadAnswer("LivePerson's login answered without a bearer") from None
    if bearer is None:
        raise AuthError("LivePerson's login gave no bearer", hint="Check that the user may log in to this account.")
    life_ms = number(answer.get("sessionTTl"))  # a string in the published sample
    life = timedelta(milliseconds=life_ms) if life_ms and life_ms > 0 else _DEFAULT_LIFE
    return Session(
        bearer=bearer,
        csrf=text_of(answer.get("csrf")) or "",
        cookie=_cookie(response) or text_of(answer.get("sessionId")),
        renew_at=now + max(life - _MARGIN, life / 2),
        refreshed_at=now,
    )


def _cookie(response: httpx.Response) -> str | None:
    """The session's cookie, whatever domain the answer names for it: it goes back to this service only."""
    for line in response.headers.get_list("Set-Cookie"):
        with suppress(CookieError):
            found = SimpleCookie(line).get(_COOKIE)
            if found:
                return found.value
    return None
