"""Logs people in at an OpenID Connect provider: the authorization code flow with PKCE, state and nonce.

OpenID Connect Core 1.0, 3.1; RFC 7636. Signatures and claims are checked by authlib and joserfc.
"""

from __future__ import annotations

import secrets
import ssl
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from archiver.config import Oidc
from archiver.errors import AccessDenied, SourceUnavailable
from archiver.logs import EventLogger
from archiver.proxies import EnvironmentTransport
from archiver.value import Value
from archiver.web.sessions import Identity

_log = EventLogger("web")
_WITHIN_S = 10.0
_LEEWAY_S = 60
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_PENDING_FOR, _MOST_PENDING = timedelta(minutes=10), 1_000


class _Pending(Value):
    """A login that was begun: what has to come back, and where the person wanted to go."""

    nonce: str
    verifier: str
    goal: str
    until: datetime


class OidcLogin:
    """Logins at one provider. `redirect_uri` is the address of this page to which the provider sends people back."""

    def __init__(self, settings: Oidc, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._pending: dict[str, _Pending] = {}
        self._lock = threading.Lock()

    def begin(self, redirect_uri: str, goal: str) -> tuple[str, str]:
        """The provider's address at which a person logs in, and the state by which they are known when they come back.
        Raises SourceUnavailable.
        """
        state, now = secrets.token_urlsafe(32), self._clock()
        pending = _Pending(secrets.token_urlsafe(32), secrets.token_urlsafe(48), goal, now + _PENDING_FOR)
        with self._lock:
            over = [key for key, item in self._pending.items() if item.until <= now]
            for key in over or list(self._pending)[: len(self._pending) + 1 - _MOST_PENDING]:
                del self._pending[key]
            self._pending[state] = pending
        return prepare_grant_uri(
            self._described()["authorization_endpoint"], self._settings.client_id, "code", redirect_uri,
            self._settings.scopes, state, nonce=pending.nonce, code_challenge_method="S256",
            code_challenge=create_s256_code_challenge(pending.verifier),
        ), state  # fmt: skip

    def finish(self, redirect_uri: str, answer: dict[str, str], state: str | None) -> tuple[Identity, str]:
        """Who has logged in, and where they wanted to go. `answer` is what the provider sent by the browser, `state` is
        what this browser was given. Raises AccessDenied, SourceUnavailable.
        """
        with self._lock:
            pending = self._pending.pop(answer.get("state", ""), None)
        if pending is None or answer.get("state") != state or pending.until <= self._clock():
            raise AccessDenied("this login was not begun here, or is over", hint="Log in again.")
        if "code" not in answer:
            told = answer.get("error", "no code")
            raise AccessDenied(f"the provider refused the login: {told[:100]}", hint="Log in again.")
        token = self._token(redirect_uri, answer["code"], pending)
        claims = self._with_more(self._claims(token, pending), token)
        groups = claims.get(self._settings.groups)
        names = tuple(map(str, groups)) if isinstance(groups, list) else (str(groups),) if groups else ()
        return Identity("oidc", _name(claims), names), pending.goal

    def _token(self, redirect_uri: str, code: str, pending: _Pending) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "code_verifier": pending.verifier,
        }  # fmt: skip
        login = (self._settings.client_id, self._settings.client_secret.reveal())
        return self._asked("POST", self._described()["token_endpoint"], data=form, auth=login)

    def _claims(self, token: dict[str, Any], pending: _Pending) -> dict[str, Any]:
        """The checked claims of an ID token. Raises AccessDenied."""
        keys = KeySet.import_key_set(self._asked("GET", self._described()["jwks_uri"]))  # type: ignore[arg-type]
        try:
            read = jwt.decode(str(token.get("id_token")), keys, algorithms=list(_ALGORITHMS))
            wanted = {"iss": {"essential": True, "value": self._described()["issuer"]}}
            known = {"nonce": pending.nonce, "client_id": self._settings.client_id}
            claims = CodeIDToken(read.claims, read.header, wanted, known)
            claims.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY_S)
            if claims.get("nonce") != pending.nonce:
                raise AccessDenied("the provider's answer is to another login", hint="Log in again.")
        except (JoseError, ValueError) as error:
            _log.warning("login.refused", f"the ID token was refused: {type(error).__name__}")
            raise AccessDenied(
                "the provider's answer can't be trusted", hint="Look into the server's log, and log in again."
            ) from error
        return dict(claims)

    def _with_more(self, claims: dict[str, Any], token: dict[str, Any]) -> dict[str, Any]:
        """The claims with those that the provider tells only when it is asked with the access token (OpenID Connect
        Core 1.0, 5.3).
        """
        address = self._described().get("userinfo_endpoint")
        if not address or {"email", self._settings.groups} <= claims.keys():
            return claims
        more = self._asked("GET", address, headers={"Authorization": f"Bearer {token.get('access_token')}"})
        return {**more, **claims} if more.get("sub") == claims["sub"] else claims

    def _described(self) -> dict[str, Any]:
        """The provider's own description (OpenID Connect Discovery 1.0)."""
        found = self._asked("GET", f"{self._settings.issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise SourceUnavailable("the provider calls itself by another name than oidc_issuer", hint="Correct it.")
        return found

    def _asked(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        try:
            transport = EnvironmentTransport(ssl.create_default_context())
            with httpx.Client(timeout=_WITHIN_S, trust_env=False, transport=transport) as client:
                answer = client.request(method, url, **how)
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("login.failed", f"the login's provider gave no usable answer: {type(error).__name__}")
            raise SourceUnavailable("the login's provider does not answer", hint="Try again in a minute.") from error
        return found


def _name(claims: dict[str, Any]) -> str:
    """How a person is called here: by their address, if the provider vouches for it, or else its own id of them."""
    if claims.get("email") and claims.get("email_verified") is True:
        return str(claims["email"])
    return str(claims["sub"])
