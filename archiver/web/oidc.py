"""Logs people in at an OpenID Connect provider: the authorization code flow with PKCE, state and nonce.

OpenID Connect Core 1.0, 3.1; RFC 7636. Signatures and claims are checked by joserfc and authlib.
"""

from __future__ import annotations

import hmac
import secrets
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
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
from archiver.jsontext import decode, encode
from archiver.logs import EventLogger
from archiver.proxies import EnvironmentTransport
from archiver.value import Value
from archiver.web.sessions import Identity

_log = EventLogger("web")
_WITHIN_S = 10.0
_LEEWAY_S = 60
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_BEGUN_FOR, _DESCRIBED_FOR = timedelta(minutes=10), timedelta(minutes=10)


class _Begun(Value):
    """A login that was begun: what has to come back, and where the person wanted to go. The browser keeps it, signed,
    so that nobody can make this program remember too many.
    """

    state: str
    nonce: str
    verifier: str
    goal: str
    until: float


class OidcLogin:
    """Logins at one provider."""

    def __init__(self, settings: Oidc, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._key = secrets.token_bytes(32)
        self._description: tuple[datetime, dict[str, Any]] | None = None
        self._trust = ssl.create_default_context()

    def begin(self, redirect_uri: str, goal: str) -> tuple[str, str]:
        """The provider's address at which a person logs in, and what their browser has to send when they come back to
        `redirect_uri`. Raises SourceUnavailable.
        """
        until = (self._clock() + _BEGUN_FOR).timestamp()
        begun = _Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), goal, until)
        return prepare_grant_uri(
            self._described()["authorization_endpoint"], self._settings.client_id, "code", redirect_uri,
            self._settings.scopes, begun.state, nonce=begun.nonce, code_challenge_method="S256",
            code_challenge=create_s256_code_challenge(begun.verifier),
        ), self._signed(begun)  # fmt: skip

    def finish(self, redirect_uri: str, answer: dict[str, str], kept: str | None) -> tuple[Identity, str]:
        """Who has logged in, and where they wanted to go. `answer` is what the provider sent by the browser, `kept`
        what the browser was given when it was sent there. Raises AccessDenied, SourceUnavailable.
        """
        begun = self._read(kept or "")
        if begun is None or not hmac.compare_digest(answer.get("state", ""), begun.state):
            raise AccessDenied("this login was not begun here, or has expired", hint="Log in again.")
        if "code" not in answer:
            told = answer.get("error", "no code")
            raise AccessDenied(f"the provider refused the login: {told[:100]}", hint="Log in again.")
        token = self._token(redirect_uri, answer["code"], begun)
        claims = self._with_more(self._claims(token, begun), token)
        groups = claims.get(self._settings.groups)
        names = tuple(map(str, groups)) if isinstance(groups, list) else (str(groups),) if groups else ()
        return Identity("oidc", _name(claims), names), begun.goal

    def _signed(self, begun: _Begun) -> str:
        content = urlsafe_b64encode(encode(begun))
        return f"{content.decode()}.{hmac.digest(self._key, content, 'sha256').hex()}"

    def _read(self, kept: str) -> _Begun | None:
        content, _, signature = kept.partition(".")
        if not hmac.compare_digest(signature, hmac.digest(self._key, content.encode(), "sha256").hex()):
            return None
        begun = _Begun(**decode(urlsafe_b64decode(content)))
        return begun if self._clock().timestamp() < begun.until else None

    def _token(self, redirect_uri: str, code: str, begun: _Begun) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "code_verifier": begun.verifier,
        }  # fmt: skip
        login = (self._settings.client_id, self._settings.client_secret.reveal())
        return self._asked("POST", self._described()["token_endpoint"], data=form, auth=login)

    def _claims(self, token: dict[str, Any], begun: _Begun) -> dict[str, Any]:
        """The checked claims of an ID token. Raises AccessDenied."""
        found = self._asked("GET", self._described()["jwks_uri"])
        try:
            keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
            read = jwt.decode(str(token.get("id_token")), keys, algorithms=list(_ALGORITHMS))
            wanted = {"iss": {"essential": True, "value": self._described()["issuer"]}, "aud": {"essential": True}}
            known = {"nonce": begun.nonce, "client_id": self._settings.client_id}
            claims = CodeIDToken(read.claims, read.header, wanted, known)
            claims.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY_S)
            self._check_audience(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            _log.warning("login.refused", f"the ID token was refused: {type(error).__name__}")
            raise AccessDenied(
                "the provider's answer can't be trusted", hint="Look into the server's log, and log in again."
            ) from error
        return dict(claims)

    def _check_audience(self, claims: dict[str, Any]) -> None:
        """Raises ValueError unless the token was made for this page alone (OpenID Connect Core 1.0, 3.1.3.7)."""
        audience = claims.get("aud")
        listed = audience if isinstance(audience, list) else [audience]
        if self._settings.client_id not in listed:
            raise ValueError("it is for another client")
        if len(listed) > 1 and claims.get("azp") != self._settings.client_id:
            raise ValueError("it was made for another client")

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
        """The provider's own description, asked for every ten minutes (OpenID Connect Discovery 1.0)."""
        now = self._clock()
        if self._description is None or now - self._description[0] > _DESCRIBED_FOR:
            found = self._asked("GET", f"{self._settings.issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self._settings.issuer:
                raise SourceUnavailable(
                    "the provider calls itself by another name than oidc_issuer", hint="Correct oidc_issuer."
                )
            self._description = now, found
        return self._description[1]

    def _asked(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        try:
            transport = EnvironmentTransport(self._trust)
            with httpx.Client(timeout=_WITHIN_S, trust_env=False, transport=transport) as client:
                answer = client.request(method, url, **how)
                if method == "POST" and answer.is_client_error:
                    raise _refused(answer)
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("login.failed", f"the login's provider gave no usable answer: {type(error).__name__}")
            raise SourceUnavailable("the login's provider does not answer", hint="Try again in a minute.") from error
        return found


def _refused(answer: httpx.Response) -> AccessDenied:
    """The provider does not take the code, or not this page's secret."""
    _log.warning("login.refused", f"the login's provider answered {answer.status_code} to the code")
    return AccessDenied(
        "the provider refused the login", hint="Log in again. If that fails, check oidc_client_id and its secret."
    )


def _name(claims: dict[str, Any]) -> str:
    """How a person is called here: by their address, if the provider vouches for it, or else its own id of them, which
    is marked, so that it is no address or name that somebody else has.
    """
    if claims.get("email") and claims.get("email_verified") is True:
        return str(claims["email"])
    return f"sub:{claims['sub']}"
