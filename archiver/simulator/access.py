"""Authentication of the simulated account: OAuth 2.0 tokens, OAuth 1.0 signatures, sessions of the Login Service.

The signature is checked by our own reading of RFC 5849, not with the library that the program signs with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

import httpx

from archiver.jsontext import decode, encode

Clock = Callable[[], datetime]
_LARGEST_SKEW = timedelta(minutes=5)
_FAST_LOGINS, _FAST = 10, timedelta(seconds=5)


def answer(value: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=encode(value), headers={"Content-Type": "application/json;charset=utf-8"})


def error(status: int, message: str, internal_code: int = 0) -> httpx.Response:
    """An error response in the form of LivePerson's services."""
    content = {"time": "", "message": message, "internalCode": internal_code, "responseStatus": str(status)}
    return answer({"error": content}, status)


def _is_same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())


@dataclass(slots=True)
class TokenService:
    """Sentinel: OAuth 2.0 client credentials, versions 1 and 2. `expires_in` is written as `life_as` says."""

    account: str
    clock: Clock
    client_id: str = "11111111-2222-3333-4444-555555555555"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    life_s: int = 3600
    life_as: str = "string"  # or "int", or "absent"
    _tokens: dict[str, datetime] = field(default_factory=dict)

    def give(self, request: httpx.Request) -> httpx.Response:
        """The response to a token request."""
        if request.method != "POST" or "x-www-form-urlencoded" not in request.headers.get("Content-Type", ""):
            return answer({"error": "invalid_request", "error_description": "POST a form"}, 400)
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if form.get("grant_type") != "client_credentials":
            return answer({"error": "unsupported_grant_type"}, 400)
        is_known = _is_same(form.get("client_id", ""), self.client_id)
        if not (_is_same(form.get("client_secret", ""), self.client_secret) and is_known):
            return answer({"error": "invalid_client"}, 401)
        given: dict[str, Any] = {"access_token": self._token(), "token_type": "Bearer"}
        if self.life_as != "absent":
            given["expires_in"] = str(self.life_s) if self.life_as == "string" else self.life_s
        return answer(given)

    def _token(self) -> str:
        now = self.clock()
        expires = now + timedelta(seconds=self.life_s)
        header = {"kid": "simulator", "typ": "JWT", "alg": "RS256"}
        claims = {
            "aud": self.account, "azp": self.client_id, "scope": "msghist", "iss": "Sentinel",
            "exp": int(expires.timestamp()), "iat": int(now.timestamp()),
        }  # fmt: skip
        parts = [base64.urlsafe_b64encode(encode(part)).decode().rstrip("=") for part in (header, claims)]
        token = ".".join((*parts, secrets.token_urlsafe(32)))  # only the simulator checks it, against its own list
        self._tokens[token] = expires
        return token

    def accepts(self, token: str) -> bool:
        expires = self._tokens.get(token)
        return expires is not None and expires > self.clock()

    def forget(self) -> None:
        """Makes every token given so far worthless, as a restart of the authorization server would."""
        self._tokens.clear()


@dataclass(slots=True)
class SignatureCheck:
    """OAuth 1.0: HMAC-SHA1 over method, URL and query; each nonce once; a client clock that is right."""

    clock: Clock
    key: str = "simulated-app-key"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    token_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _nonces: set[str] = field(default_factory=set)

    def accepts(self, request: httpx.Request) -> bool:
        given = _oauth_parameters(request.headers["Authorization"])
        try:
            signature, nonce = given.pop("oauth_signature"), given["oauth_nonce"]
            at = datetime.fromtimestamp(int(given["oauth_timestamp"]), self.clock().tzinfo)
        except (KeyError, ValueError):
            return False
        is_known = (given.get("oauth_consumer_key"), given.get("oauth_token")) == (self.key, self.token)
        is_timely = abs(self.clock() - at) <= _LARGEST_SKEW and nonce not in self._nonces
        self._nonces.add(nonce)
        return is_known and is_timely and _is_same(signature, self._signature(request, given))

    def _signature(self, request: httpx.Request, given: dict[str, str]) -> str:
        key = f"{_encoded(self.secret)}&{_encoded(self.token_secret)}"
        digest = hmac.digest(key.encode(), base_string(request.method, str(request.url), given).encode(), hashlib.sha1)
        return base64.b64encode(digest).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")


def _oauth_parameters(header: str) -> dict[str, str]:
    pairs = re.findall(r'(\w+)="([^"]*)"', header.partition("OAuth ")[2])
    return {name: unquote(value) for name, value in pairs}


def base_string(method: str, url: str, given: dict[str, str]) -> str:
    """RFC 5849, 3.4.1: method, URL without query, and all parameters encoded and sorted."""
    parts = urlsplit(url)
    default_port = {"http": 80, "https": 443}[parts.scheme]
    host = (parts.hostname or "").lower()
    netloc = host if parts.port in (None, default_port) else f"{host}:{parts.port}"
    pairs = [*given.items(), *parse_qsl(parts.query, keep_blank_values=True)]
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in pairs)
    parameters = "&".join(f"{name}={value}" for name, value in encoded)
    bare = f"{parts.scheme}://{netloc}{parts.path or '/'}"
    return "&".join((method.upper(), _encoded(bare), _encoded(parameters)))


@dataclass(slots=True)
class _Session:
    cookie: str
    csrf: str
    ends_at: datetime


@dataclass(slots=True)
class LoginService:
    """The Login Service: a bearer token, a cookie and a csrf token; refresh and logout require the latter two."""

    account: str
    clock: Clock
    username: str = "archivist"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    life_s: int = 28_800
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _logins: list[datetime] = field(default_factory=list)

    def serve(self, request: httpx.Request, step: str, base_uris: list[dict[str, str]]) -> httpx.Response:
        """Handles login, refresh or logout."""
        try:
            body = decode(request.content)
        except ValueError:
            return error(400, "the body is no JSON")
        if request.method != "POST" or not isinstance(body, dict):
            return error(400, "POST a JSON object")
        if step == "login":
            return self._log_in(request, body, base_uris)
        return self._in_session(request, body, step)

    def _log_in(self, request: httpx.Request, body: dict[str, Any], base_uris: list[dict[str, str]]) -> httpx.Response:
        now = self.clock()
        self._logins = [at for at in self._logins if now - at < _FAST] + [now]
        if request.url.params.get("v") != "1.3":
            return error(400, "v=1.3 is required")
        if len(self._logins) > _FAST_LOGINS:
            return error(429, "too many logins")
        is_known = _is_same(str(body.get("username")), self.username)
        if not (_is_same(str(body.get("password")), self.password) and is_known):
            return error(401, "invalid credentials")
        bearer, csrf, cookie = (secrets.token_hex(32) for _ in range(3))
        self._sessions[bearer] = _Session(cookie, csrf, now + timedelta(seconds=self.life_s))
        response = answer(self._described(bearer, csrf, base_uris))
        response.headers["Set-Cookie"] = f"Session_id={cookie}; Path=/; HttpOnly"
        return response

    def _described(self, bearer: str, csrf: str, base_uris: list[dict[str, str]]) -> dict[str, Any]:
        now_ms = int(self.clock().timestamp() * 1000)
        return {
            "csrf": csrf,
            "wsuk": "1234567890",
            "config": {
                "loginName": self.username, "userId": "3601", "userPid": "pid-3601", "userPrivileges": [1, 2],
                "serverCurrentTime": now_ms, "timeDiff": 0, "serverTimeZoneName": "UTC", "serverTimeGMTDiff": 0,
                "isLPA": False, "isAdmin": False, "accountTimeZoneId": "UTC",
            },
            "csdsCollectionResponse": {"baseURIs": base_uris},
            "accountData": {"agentGroupsData": {"items": [], "revision": 0}},
            "sessionTTl": str(self.life_s * 1000),
            "bearer": bearer,
        }  # fmt: skip

    def _in_session(self, request: httpx.Request, body: dict[str, Any], step: str) -> httpx.Response:
        cookie = _session_cookie(request)
        bearer = next((bearer for bearer, session in self._sessions.items() if session.cookie == cookie), None)
        if bearer is None:
            return error(401, "no session")
        if not _is_same(str(body.get("csrf")), self._sessions[bearer].csrf):
            return error(401, "CSRF token invalid! Rejecting request", internal_code=10)
        if step == "logout":
            del self._sessions[bearer]
        else:
            self._sessions[bearer].ends_at = self.clock() + timedelta(seconds=self.life_s)
        return httpx.Response(200)

    def accepts(self, bearer: str) -> bool:
        session = self._sessions.get(bearer)
        return session is not None and session.ends_at > self.clock()

    def forget(self) -> None:
        self._sessions.clear()

    def count(self) -> int:
        """How many sessions are open."""
        return len(self._sessions)


def _session_cookie(request: httpx.Request) -> str | None:
    try:
        cookie = SimpleCookie(request.headers.get("Cookie", "")).get("Session_id")
    except CookieError:
        return None
    return cookie.value if cookie else None
