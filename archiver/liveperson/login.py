"""A user's login: a session with a bearer token, a cookie and a csrf token (Login Service API: User Login, Refresh,
Logout).

LivePerson asks third-party programs not to use it, and it does not work with single sign-on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx

from archiver.errors import AuthError, RateLimited, SourceUnavailable
from archiver.jsontext import decode, encode
from archiver.liveperson.auth import BearerAccess, Bearers, User, refused
from archiver.liveperson.calls import request
from archiver.rawrecord import number, text_of

TOO_MANY_LOGINS_S = 5.0  # Login Service API, Retry policy
REFRESH_EVERY = timedelta(minutes=4)  # while the session is in use, so that it does not expire at LivePerson
_MARGIN = timedelta(minutes=1)
_DEFAULT_LIFE, _LONGEST_LIFE_MS = timedelta(hours=8), 7 * 86_400_000
_COOKIE = "Session_id"
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Session:
    bearer: str = field(repr=False)
    csrf: str = field(repr=False)
    cookie: str | None = field(repr=False)
    renew_at: datetime
    refreshed_at: datetime


class Login(BearerAccess):
    """Logs in with the first request, refreshes while in use, logs in again once after a 401, and logs out."""

    def __init__(self, base_url: Callable[[], str], account: str, user: User, *, clock: Callable[[], datetime]) -> None:
        self._base_url = base_url
        self._account = account
        self._user = user
        self._clock = clock
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._refusals: list[AuthError] = []

    def _current(self) -> Bearers:
        """The bearer token of the present session, refreshed when due, or of a new session."""
        refusals = len(self._refusals)
        with self._lock:
            now = self._clock()
            if self._session is None or now >= self._session.renew_at:
                self._session = yield from self._log_in_once(refusals)
            elif now - self._session.refreshed_at >= REFRESH_EVERY:
                self._session = replace(
                    self._session, refreshed_at=now
                )  # also without a response: the session may still be open
                self._session = yield from self._refreshed(self._session)
            return self._session.bearer

    def _other_than(self, used: str) -> Bearers:
        refusals = len(self._refusals)
        with self._lock:
            if self._session is None or self._session.bearer == used:
                self._session = yield from self._log_in_once(refusals)
            return self._session.bearer

    def _log_in_once(self, refusals: int) -> Generator[httpx.Request, httpx.Response, Session]:
        """A new session, unless one was refused while this thread waited for the lock, after so many `refusals`: each
        refused login brings the user nearer to being locked.
        """
        if len(self._refusals) > refusals:
            raise self._refusals[-1]
        try:
            return (yield from self._log_in())
        except AuthError as error:
            self._refusals.append(error)
            raise

    def _log_in(self) -> Generator[httpx.Request, httpx.Response, Session]:
        body = encode({"username": self._user.name, "password": self._user.password.reveal()})
        url = self._url("login")
        response = yield request("POST", url, params={"v": "1.3"}, headers=_JSON, content=body)
        response.read()
        if response.status_code != 200:
            error = refused(response, "the login", "username and password; SSO users can't log in here", self._clock())
            if isinstance(error, RateLimited):
                raise RateLimited(error.message, retry_after_s=max(error.retry_after_s or 0.0, TOO_MANY_LOGINS_S))
            raise error
        return _session(response, self._clock())

    def _refreshed(self, session: Session) -> Generator[httpx.Request, httpx.Response, Session]:
        """Refreshes the session; the response's body is empty. A session that cannot be refreshed is replaced by a new
        one.
        """
        response = yield self._in_session("refresh", session)
        if response.status_code == 401:
            return (yield from self._log_in())
        # After any other response, even an error, the next request shows whether the session is still valid.
        return replace(session, cookie=_cookie(response) or session.cookie)

    def _url(self, step: str) -> str:
        return f"{self._base_url()}/api/account/{self._account}/{step}"

    def _in_session(self, step: str, session: Session) -> httpx.Request:
        headers = {**_JSON, **({"Cookie": f"{_COOKIE}={session.cookie}"} if session.cookie else {})}
        return request("POST", self._url(step), headers=headers, content=encode({"csrf": session.csrf}))

    def leave(self, client: httpx.Client) -> None:
        session, self._session = self._session, None
        if session:
            with suppress(httpx.HTTPError):  # it expires by itself anyway
                client.send(self._in_session("logout", session), auth=None)


def _session(response: httpx.Response, now: datetime) -> Session:
    try:
        answer = decode(response.content)
        bearer = text_of(answer["bearer"])
    except (ValueError, KeyError, TypeError):
        answer, bearer = {}, None
    if bearer is None:
        raise SourceUnavailable("LivePerson's login answered without a bearer")
    life_ms = number(answer.get("sessionTTl"))  # a string in the published sample
    life = timedelta(milliseconds=min(life_ms, _LONGEST_LIFE_MS)) if life_ms and life_ms > 0 else _DEFAULT_LIFE
    return Session(
        bearer=bearer,
        csrf=text_of(answer.get("csrf")) or "",
        cookie=_cookie(response) or text_of(answer.get("sessionId")),
        renew_at=now + max(life - _MARGIN, life / 2),
        refreshed_at=now,
    )


def _cookie(response: httpx.Response) -> str | None:
    """The value of the session's cookie, from Set-Cookie. Its other attributes are not needed: it is sent to the Login
    Service only.
    """
    for line in response.headers.get_list("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        if name.strip() == _COOKIE:
            return value.strip()
    return None
