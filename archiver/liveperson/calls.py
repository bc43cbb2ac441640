"""One HTTP call to LivePerson: what each failure means, and when the call is retried."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from typing import Any, TypeVar

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
from archiver.liveperson.server_time import answered_at, parse_date, skew_hint
from archiver.logs import EventLogger
from archiver.proxies import EnvironmentTransport
from archiver.rawrecord import number
from archiver.retry import Retries, RetryPolicy
from archiver.value import Value, replace

_log = EventLogger("liveperson")
TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_SHOWN_CHARACTERS = 300
_HEADERS = {"User-Agent": f"archiver/{__version__}", "Accept": "application/json"}
_LATER = "Run the same command again later; it continues where it stopped."
_NO_ACCESS = "Ask your LivePerson administrator for the permission Data > Conversation History / Messaging Interactions"


# LivePerson's own advice: three tries after 5, 10 and 15 seconds, then minutes (Retry Policy Recommendations).
_DELAYS_S = (5.0, 10.0, 15.0, 120.0, 240.0, 480.0)
_THROTTLED_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


RETRIES = RetryPolicy(delays_s=_DELAYS_S, throttled_s=_THROTTLED_S, tries=7)


def _may_pass(error: ArchiverError) -> bool:
    """Whether a refusal may be an accident of one server or of a proxy: not one of the credentials."""
    return type(error) in (SourceError, PermissionMissing)


_TRIES_IF_REFUSED = 3
_REFUSED = RetryPolicy(delays_s=_DELAYS_S, is_worth_it=_may_pass)
_LONG_WAIT_S = 15.0
_MOST_MOVES = 3  # of a service in one call: a Domain API that names two hosts in turn does not cause an endless loop

T = TypeVar("T")


class CallSettings(Value):
    """How calls to one account are made.

    `retries` says when a failed call is retried, `throttled` when one that LivePerson asked to slow down is, by default
    alike; `limiter` paces the calls. The limiter is shared by all calls to the
    account, so that after a 429 they all wait; None means no limit. `sleep` waits for seconds and may raise to cancel
    the call. `clock` is this machine's; `steady_s` counts seconds and never jumps.
    """

    retries: RetryPolicy = RETRIES
    throttled: RetryPolicy | None = None
    limiter: RateLimiter | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    steady_s: Callable[[], float] = time.monotonic

    def with_tries(self, tries: int) -> CallSettings:
        """The same settings with another number of attempts, except where LivePerson asks to slow down."""
        return replace(self, retries=replace(self.retries, tries=tries), throttled=self.throttled or self.retries)


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
        event_hooks={"request": [_note_request], "response": [_note_answer]},
    )


def _note_request(request: httpx.Request) -> None:
    message = f"{request.method} {request.url.host}{request.url.path} {request.url.query.decode()}".rstrip()
    _log.debug("request.sent", message, host=request.url.host, path=request.url.path, query=request.url.query.decode())


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


def perform(
    call: Callable[[], httpx.Response], settings: CallSettings, *, read: Callable[[httpx.Response], T],
    has_moved: Callable[[], bool] = lambda: False,
) -> T:  # fmt: skip
    """What `read` makes of the response to a call (200 or 204). The call is made again while that can help, also if
    `read` raises a SourceError. Raises SourceError.

    Before a long wait, before it gives up, and whenever a host looks like the wrong one, `has_moved` is called, which
    asks whether the service is at another host now: then the call is made there at once.
    """
    lasting, passing, moves = Retries(_refused(settings)), Retries(settings.retries), 0
    throttled = Retries(settings.throttled) if settings.throttled else passing
    while True:
        try:
            return read(_checked(call, settings))
        except RateLimited as error:
            _slow_down(error, throttled, settings, has_moved)
        except SourceError as error:
            delay_s = (passing if error.transient else lasting).next_delay(error)
            if moves < _MOST_MOVES and _may_have_moved(error, delay_s) and has_moved():
                moves += 1
                continue
            if delay_s is None:
                raise
            _note_retry(error, delay_s)
            settings.sleep(delay_s)


class _WrongHost(SourceUnavailable):
    """A host that can't be reached, does not answer in time, or does not know the account."""


def _may_have_moved(error: SourceError, delay_s: float | None) -> bool:
    is_long = delay_s is None or delay_s > _LONG_WAIT_S
    return is_long or isinstance(error, _WrongHost) or not error.transient


def _refused(settings: CallSettings) -> RetryPolicy:
    """How a refusal is retried: less often than a failure, and never more often."""
    return replace(_REFUSED, tries=min(_TRIES_IF_REFUSED, settings.retries.tries or _TRIES_IF_REFUSED))


def _slow_down(error: RateLimited, retries: Retries, settings: CallSettings, has_moved: Callable[[], bool]) -> None:
    """Makes this call and all others wait, also if the service has moved meanwhile: LivePerson demanded it."""
    limiter = settings.limiter
    try:
        delay_s = retries.delay_after(error)
    except RateLimited:
        if limiter:
            limiter.back_off(0.0)
        raise
    if delay_s > _LONG_WAIT_S:
        has_moved()
    _note_retry(error, delay_s)
    if limiter:
        limiter.back_off(delay_s)  # the wait is part of reserving the next start, for this call and all others
    else:
        settings.sleep(delay_s)


def _note_retry(error: SourceError, delay_s: float) -> None:
    message = f"{error.message}; trying again in {delay_s:.0f} s"
    _log.warning("request.retried", message, code=error.code, wait_s=round(delay_s, 1))


def _checked(call: Callable[[], httpx.Response], settings: CallSettings) -> httpx.Response:
    """The response, when it is this call's turn. Raises SourceError for any status but 200 and 204."""
    _await_turn(settings)
    try:
        response = call()
    except httpx.ConnectError as error:
        raise _WrongHost(
            f"cannot reach {_host(error)}: {error}",
            hint="Check the network, and account and domain_url (archiver config show).",
        ) from error
    except httpx.DecodingError as error:
        raise BadAnswer(f"{_host(error)} sent an answer that cannot be unpacked: {error}") from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        kind = _WrongHost if isinstance(error, httpx.TimeoutException | httpx.ProxyError) else SourceUnavailable
        raise kind(f"{type(error).__name__} from {_host(error)}: {error}") from error
    if response.status_code not in (200, 204):
        raise refusal(response, settings.clock())
    return response


def _await_turn(settings: CallSettings) -> None:
    """Waits until this call may start. A pause that LivePerson demands meanwhile is for this call, too."""
    limiter = settings.limiter
    pauses = -1
    while limiter and pauses != limiter.pauses:
        pauses = limiter.pauses
        start_in_s = limiter.reserve()
        if start_in_s > 0:
            settings.sleep(start_in_s)


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
        return SourceUnavailable(said, hint=_LATER)
    if status in (404, 410):  # the paths of requests never change: this server does not serve the account now
        return _WrongHost(said, hint=f"Check account and domain_url (archiver config show), or wait. {_LATER}")
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


def _retry_after_s(response: httpx.Response, now: datetime) -> float | None:
    """The wait that the server demands, in seconds or as a date; a date is compared with the server's own clock."""
    wish = response.headers.get("Retry-After", "").strip()
    seconds = number(wish)
    if seconds is not None:
        return max(seconds, 0.0)
    until = parse_date(wish)
    if until is None:
        return None
    return max((until - (answered_at(response) or now)).total_seconds(), 0.0)


def _excerpt(response: httpx.Response) -> str:
    text = " ".join(response.text.split())
    return f": {text[:_SHOWN_CHARACTERS]}" if text else ""
