"""One HTTP call with everything that can go wrong in it, tried again as `pace` says."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar
from typing import Any

import httpx

from archiver import __version__
from archiver.errors import (
    ArchiverError,
    AuthError,
    BadAnswer,
    ConfigError,
    PermissionMissing,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from archiver.liveperson.pace import next_wait_s
from archiver.liveperson.rate_limit import RateLimiter
from archiver.rawrecord import number

TIMEOUT = httpx.Timeout(60.0, connect=15.0)
LARGEST_SKEW = timedelta(minutes=2)
_SHOWN_CHARACTERS = 300
_HEADERS = {"User-Agent": f"archiver/{__version__}", "Accept": "application/json"}
_NO_ACCESS = "Ask your LivePerson administrator for the permission Data > Conversation History / Messaging Interactions"


@dataclass(frozen=True, slots=True)
class Patience:
    """How a call waits: `sleep` takes seconds and may raise to end it, `notify` is told why. `tries` bounds attempts.

    `budget` is shared by all calls to one account: after a 429 they all wait. Without one nothing paces them.
    """

    sleep: Callable[[float], None] = time.sleep
    notify: Callable[[str], None] = lambda message: None
    tries: int = 7
    budget: RateLimiter | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def make_client(transport: httpx.BaseTransport | None = None, *, is_local: bool = False) -> httpx.Client:
    """A client that trusts what the operating system trusts, keeps no cookies and follows no redirect.

    Proxies come from the environment (HTTPS_PROXY, NO_PROXY); a simulator on this machine is asked directly.
    Raises ConfigError for a proxy that can't be used.
    """
    try:
        return httpx.Client(
            transport=transport,
            cookies=_NoCookies(),
            timeout=TIMEOUT,
            verify=ssl.create_default_context(),
            headers=_HEADERS,
            follow_redirects=False,
            trust_env=not is_local,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # of a proxy that it can't use
        raise ConfigError(
            f"the environment's proxy can't be used: {error}",
            hint="Correct HTTPS_PROXY, HTTP_PROXY and ALL_PROXY. For socks proxies: pip install 'httpx[socks]'",
        ) from error


class _NoCookies(CookieJar):
    """Takes no cookie, and so sends none to anybody; the one that a login needs is the login's own affair."""

    def extract_cookies(self, response: object, request: object) -> None: ...


def request(method: str, url: str, **content: Any) -> httpx.Request:
    """A request to be yielded by an authentication flow, which httpx gives neither a timeout nor our name."""
    headers = {**_HEADERS, **content.pop("headers", {})}
    return httpx.Request(method, url, headers=headers, extensions={"timeout": TIMEOUT.as_dict()}, **content)


def persist(call: Callable[[], httpx.Response], patience: Patience) -> httpx.Response:
    """The answer of a call (200 or 204), tried again while that can help. Raises SourceError."""
    attempt = 0
    while True:
        try:
            start_in_s = patience.budget.take() if patience.budget else 0.0
            if start_in_s > 0:
                patience.sleep(start_in_s)
            return _checked(call, patience.clock)
        except ArchiverError as error:
            wait_s = next_wait_s(error, attempt) if attempt + 1 < patience.tries else None
            is_paced = isinstance(error, RateLimited) and patience.budget is not None
            if is_paced and patience.budget:
                patience.budget.slow_down(wait_s or 0.0)
            if wait_s is None:
                raise
            patience.notify(f"{error.message}; trying again in {wait_s:.0f} s")
            if not is_paced:
                patience.sleep(wait_s)
            attempt += 1


def _checked(call: Callable[[], httpx.Response], clock: Callable[[], datetime]) -> httpx.Response:
    try:
        response = call()
    except httpx.ConnectError as error:
        raise SourceUnavailable(
            f"cannot reach {_host(error)}: {error}", hint="Check the network, the account's host and domain_url."
        ) from error
    except httpx.DecodingError as error:
        raise BadAnswer(f"{_host(error)} sent an answer that cannot be unpacked: {error}") from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise SourceUnavailable(f"{type(error).__name__} from {_host(error)}: {error}") from error
    if response.status_code not in (200, 204):
        raise refusal(response, clock())
    return response


def _host(error: Exception) -> str:
    request = getattr(error, "_request", None)
    return request.url.netloc.decode() if isinstance(request, httpx.Request) else "LivePerson"


def refusal(response: httpx.Response, now: datetime, *, is_quotable: bool = True) -> SourceError:
    """What a status other than 200 and 204 means for us (Messaging Interactions API, Conversations; Retry Policy).

    Not `is_quotable` is an answer to a request that held a secret: it may repeat it.
    """
    status = response.status_code
    said = f"{response.request.url.host} answered {status}{_excerpt(response) if is_quotable else ''}"
    if status in (401, 403, 451):
        return _denied(status, said, skew_hint(response, now))
    if status == 429:
        return RateLimited(f"LivePerson asks to slow down: {said}", retry_after_s=_retry_after_s(response, now))
    if status >= 500:
        return SourceUnavailable(said, hint="Run the same command again later; it goes on where it stopped.")
    if response.has_redirect_location:
        return SourceError(
            f"{said}: a redirect to another place, which is never followed", hint="Check domain_url and proxies."
        )
    return SourceError(f"LivePerson refused the request: {said}")


def _denied(status: int, said: str, about_the_clock: str | None) -> AuthError:
    if status == 401:
        hint = about_the_clock or f"Check the account's id and the credentials (archiver config show). {_NO_ACCESS}."
        return AuthError(f"LivePerson refused the credentials: {said}", hint=hint)
    if status == 403:
        hint = f"{_NO_ACCESS} (OAuth 2.0: the msgHist scope) for these credentials."
        return PermissionMissing(f"LivePerson refused the permission: {said}", hint=hint)
    return AuthError(
        f"LivePerson has blocked this account or user: {said}",
        hint="Only LivePerson's support can lift that. Do not try again before they have.",
    )


def clock_skew(response: httpx.Response, now: datetime) -> timedelta | None:
    """How far our clock is ahead of the server's, by the `Date` of its answer; None if it does not say."""
    said_at = _date(response.headers.get("Date", ""))
    age = number(response.headers.get("Age")) or 0.0  # of an answer that somebody kept
    return None if said_at is None else now - said_at - timedelta(seconds=age)


def skew_hint(response: httpx.Response, now: datetime) -> str | None:
    """Advice if our clock is so wrong that signatures and tokens fail."""
    skew = clock_skew(response, now)
    if skew is None or abs(skew) < LARGEST_SKEW:
        return None
    where = "ahead of" if skew > timedelta(0) else "behind"
    return f"This machine's clock is {abs(skew.total_seconds()):.0f} s {where} LivePerson's. Correct it (NTP)."


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _retry_after_s(response: httpx.Response, now: datetime) -> float | None:
    """The server's wish, in seconds or as a date; a date is read by the server's own clock."""
    wish = response.headers.get("Retry-After", "").strip()
    seconds = number(wish)
    if seconds is not None:
        return max(seconds, 0.0)
    until = _date(wish)
    if until is None:
        return None
    return max((until - (_date(response.headers.get("Date", "")) or now)).total_seconds(), 0.0)


def _excerpt(response: httpx.Response) -> str:
    text = " ".join(response.text.split())
    return f": {text[:_SHOWN_CHARACTERS]}" if text else ""
