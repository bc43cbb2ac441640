"""Authentication with LivePerson: OAuth 2.0, OAuth 1.0, a user's login. Each is an httpx authentication flow.

Pages: API Guidelines, OAuth 2.0 Client Credentials and OAuth 1.0 API keys; Login Service API.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any

import httpx

from archiver.config import Secret
from archiver.errors import AuthError, SourceUnavailable
from archiver.jsontext import decode
from archiver.liveperson.calls import refusal, request
from archiver.liveperson.server_time import skew_hint
from archiver.rawrecord import number
from archiver.value import Value

_MARGIN = timedelta(seconds=60)
_DEFAULT_LIFE, _LONGEST_LIFE = timedelta(hours=1), timedelta(days=1)

Flow = Generator[httpx.Request, httpx.Response, None]
Bearers = Generator[httpx.Request, httpx.Response, str]


class ClientCredentials(Value):
    """An OAuth 2.0 client. Version 2 of the authorization API is for the data APIs; version 1 for the Connector API
    only.
    """

    client_id: str
    client_secret: Secret
    version: int = 2


class AppKeys(Value):
    """An OAuth 1.0 API key: consumer key and secret, access token and its secret."""

    key: str
    secret: Secret
    token: Secret
    token_secret: Secret


class User(Value):
    """A user of the brand's account. Does not work with single sign-on."""

    name: str
    password: Secret


Credentials = ClientCredentials | AppKeys | User


class Access(httpx.Auth):
    """Authenticates requests. A 401 that it cannot resolve is returned to the caller."""

    requires_response_body = True

    def leave(self, client: httpx.Client) -> None:
        """Closes what was opened at LivePerson, such as a session. Raises nothing."""


class BearerAccess(Access):
    """Authenticates with a bearer token. A request answered 401 is sent once more with a new token."""

    def sync_auth_flow(self, call: httpx.Request) -> Flow:
        bearer = yield from self._current()
        call.headers["Authorization"] = f"Bearer {bearer}"
        response = yield call
        if response.status_code == 401:
            bearer = yield from self._other_than(bearer)
            call.headers["Authorization"] = f"Bearer {bearer}"
            yield call

    def _current(self) -> Bearers:
        """The bearer token to use now."""
        raise NotImplementedError

    def _other_than(self, used: str) -> Bearers:
        """A bearer token to replace `used`, which is old or was refused. One thread requests it; the others get the
        same one.
        """
        raise NotImplementedError


class OAuth2(BearerAccess):
    """OAuth 2.0 client credentials.

    The token is renewed a minute before it expires, and once when a call is answered 401. This grant has no refresh
    token. `clock` gives the present time; `token_url` is called whenever a token is needed.
    """

    def __init__(
        self, token_url: Callable[[], str], client_id: str, client_secret: Secret, *, clock: Callable[[], datetime]
    ) -> None:
        self._token_url = token_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at: datetime | None = None

    def _current(self) -> Bearers:
        token = self._token
        if token is None or self._is_old():
            token = yield from self._other_than(token)
        return token

    def _is_old(self) -> bool:
        return self._renew_at is not None and self._clock() >= self._renew_at

    def _other_than(self, used: str | None) -> Bearers:
        with self._lock:
            if self._token is None or self._token == used:
                response = yield self._token_request()
                response.read()
                self._accept(response)
            assert self._token is not None
            return self._token

    def _token_request(self) -> httpx.Request:
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
            "grant_type": "client_credentials",
        }
        return request("POST", self._token_url(), data=form)

    def _accept(self, response: httpx.Response) -> None:
        if response.status_code != 200:
            raise refused(response, "the client credentials", "client_id and client_secret", self._clock())
        try:
            answer = decode(response.content)
            token = answer["access_token"]
        except (ValueError, KeyError, TypeError):
            answer, token = {}, None
        if not isinstance(token, str) or not token:
            raise SourceUnavailable("LivePerson's authorization server answered without an access_token")
        self._token = token
        life = _life(answer, token, self._clock())
        self._renew_at = self._clock() + max(life - _MARGIN, life / 2)


def refused(response: httpx.Response, what: str, settings: str, now: datetime) -> Exception:
    """The error for a refused token request: wrong credentials, or a server that failed. `settings` names the settings
    to check.
    """
    error = refusal(response, now, is_quotable=False)
    if response.status_code in (400, 401, 403):
        return AuthError(
            f"LivePerson refused {what} ({response.status_code})",
            hint=skew_hint(response, now) or f"Check account, {settings} (archiver config show).",
        )
    return error


def _life(answer: dict[str, Any], token: str, now: datetime) -> timedelta:
    """How long a token is valid: from `expires_in` (a string, a number or absent), else from the token's own claims,
    else an hour. A day at most.
    """
    seconds = number(answer.get("expires_in")) or _claimed_life_s(token, now)
    if not seconds or seconds <= 0:
        return _DEFAULT_LIFE
    return timedelta(seconds=min(seconds, _LONGEST_LIFE.total_seconds()))


def _claimed_life_s(token: str, now: datetime) -> float | None:
    """Seconds from issue to expiry, which do not depend on the local clock; from now to expiry where the issue time is
    absent.
    """
    try:
        payload = token.split(".")[1]
        claims = decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires, issued = number(claims["exp"]), number(claims.get("iat"))
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return None if expires is None else expires - (now.timestamp() if issued is None else issued)
