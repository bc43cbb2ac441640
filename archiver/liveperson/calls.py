"""One HTTP call to LivePerson: what each failure means, and when the call is retried."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
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
    PermissionMissing,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from archiver.liveperson.rate_limit import RateLimiter
from archiver.logs import EventLogger
from archiver.proxies import EnvironmentTransport
from archiver.rawrecord import number
from archiver.retry import RetryPolicy, call_with_retries

_log = EventLogger("liveperson")
TIMEOUT = httpx.Timeout(60.0, connect=15.0)
LARGEST_SKEW = timedelta(minutes=2)
_SHOWN_CHARACTERS = 300
_HEADERS = {"User-Agent": f"archiver/{__version__}", "Accept": "application/json"}
_NO_ACCESS = "Ask your LivePerson administrator for the permission Data > Conversation History / Messaging Interactions"


# LivePerson's own advice: three tries after 5, 10 and 15 seconds, then minutes (Retry Policy Recommendations).
_DELAYS_S = (5.0, 10.0, 15.0, 120.0, 240.0, 480.0)
_THROTTLED_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


RETRIES = RetryPolicy(delays_s=_DELAYS_S, throttled_s=_THROTTLED_S, tries=7)


@dataclass(frozen=True, slots=True)
class CallSettings:
    """How calls to one account are made.

    `retries` says when a failed call is retried; `limiter` paces the calls. The limiter is shared by all calls to the
    account, so that after a 429 they all wait; None means no limit. `sleep` waits for seconds and may raise to cancel
    the call.
    """

    retries: RetryPolicy = RETRIES
    limiter: RateLimiter | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def with_tries(self, tries: int) -> CallSettings:
        """The same settings with another number of attempts."""
        return replace(self, retries=replace(self.retries, tries=tries))


def make_client(transport: httpx.BaseTransport | None = None, *, is_local: bool = False) -> httpx.Client:
    """An HTTP client that trusts the operating system's certificates, keeps no cookies and follows no redirect.

    Proxies come from the environment (HTTPS_PROXY, NO_PROXY); a simulator on this machine is called directly. Raises
    ConfigError for an unusable proxy.
    """
    trust = ssl.create_default_context()
    if transport is None and not is_local:
        transport = EnvironmentTransport(trust)
    return httpx.Client(
        transport=transport,
        cookies=_NoCookies(),
        timeout=TIMEOUT,
        verify=trust,
        headers=_HEADERS,
        follow_redirects=False,
        trust_env=False,
        event_hooks={"response": [_note_answer]},
    )


def _note_answer(response: httpx.Response) -> None:
    request, status = response.request, response.status_code
    message = f"{request.method} {request.url.host}{request.url.path} answered {status}"
    _log.debug("request.answered", message, host=request.url.host, path=request.url.path, status=status)


class _NoCookies(CookieJar):
    """Stores no cookie, and so sends none. The cookie that a login needs is handled by the login itself."""

    def extract_cookies(self, response: object, request: object) -> None: ...


def request(method: str, url: str, **content: Any) -> httpx.Request:
    """A request for an authentication flow to yield: httpx gives those neither a timeout nor the User-Agent."""
    headers = {**_HEADERS, **content.pop("headers", {})}
    return httpx.Request(method, url, headers=headers, extensions={"timeout": TIMEOUT.as_dict()}, **content)


def perform(call: Callable[[], httpx.Response], settings: CallSettings) -> httpx.Response:
    """The response to a call (200 or 204), retried while a retry can help. Raises SourceError."""
    limiter = settings.limiter

    def call_at_pace() -> httpx.Response:
        start_in_s = limiter.reserve() if limiter else 0.0
        if start_in_s > 0:
            settings.sleep(start_in_s)
        return _checked(call, settings.clock)

    def wait(error: ArchiverError, delay_s: float) -> None:
        message = f"{error.message}; trying again in {delay_s:.0f} s"
        _log.warning("request.retried", message, code=error.code, wait_s=round(delay_s, 1))
        if limiter and isinstance(error, RateLimited):
            limiter.back_off(delay_s)  # the wait is part of reserving the next start, for this call and all others
        else:
            settings.sleep(delay_s)

    try:
        return call_with_retries(call_at_pace, settings.retries, wait=wait)
    except RateLimited:
        if limiter:
            limiter.back_off(0.0)
        raise


def _checked(call: Callable[[], httpx.Response], clock: Callable[[], datetime]) -> httpx.Response:
    try:
        response = call()
    except httpx.ConnectError as error:
        raise SourceUnavailable(
            f"cannot reach {_host(error)}: {error}",
            hint="Check the network, and account and domain_url (archiver config show).",
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
    """The error for a status other than 200 and 204 (Messaging Interactions API, Conversations; Retry Policy).

    Pass `is_quotable=False` for the response to a request that contained a secret: such a response may repeat it.
    """
    status = response.status_code
    said = f"{response.request.url.host} answered {status}{_excerpt(response) if is_quotable else ''}"
    if status in (401, 403, 451):
        return _denied(status, said, skew_hint(response, now))
    if status == 429:
        return RateLimited(f"LivePerson asks to slow down: {said}", retry_after_s=_retry_after_s(response, now))
    if status >= 500:
        return SourceUnavailable(said, hint="Run the same command again later; it continues where it stopped.")
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
        hint="Only LivePerson's support can lift that. Do not try again before they have lifted it.",
    )


def clock_skew(response: httpx.Response, now: datetime) -> timedelta | None:
    """How far the local clock is ahead of the server's, by the `Date` header of a response; None without one."""
    said_at = _date(response.headers.get("Date", ""))
    age = number(response.headers.get("Age")) or 0.0  # of a cached response
    return None if said_at is None else now - said_at - timedelta(seconds=age)


def skew_hint(response: httpx.Response, now: datetime) -> str | None:
    """Advice to correct the local clock if it is so wrong that signatures and tokens fail; None otherwise."""
    skew = clock_skew(response, now)
    if skew is None or abs(skew) < LARGEST_SKEW:
        return None
    where = "ahead of" if skew > timedelta(0) else "behind"
    return f"This machine's clock is {abs(skew.total_seconds()):.0f} s {where} LivePerson's. Correct it (NTP)."


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _retry_after_s(response: httpx.Response, now: datetime) -> float | None:
    """The wait that the server demands, in seconds or as a date; a date is compared with the server's own clock."""
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
