"""One HTTP call with everything that can go wrong in it, tried again as `pace` says."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from archiver import __version__
from archiver.errors import ArchiverError, AuthError, BadAnswer, RateLimited, SourceError, SourceUnavailable
from archiver.pace import next_wait_s

TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Patience:
    """How a call waits: `sleep` takes seconds, `notify` is told why. `tries` bounds the attempts."""

    sleep: Callable[[float], None] = time.sleep
    notify: Callable[[str], None] = lambda message: None
    tries: int = 7


def make_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client that trusts what the operating system trusts and never follows a redirect to another host."""
    return httpx.Client(
        transport=transport,
        timeout=TIMEOUT,
        verify=ssl.create_default_context(),
        headers={"User-Agent": f"archiver/{__version__}", "Accept": "application/json"},
    )


def persist(call: Callable[[], httpx.Response], patience: Patience) -> httpx.Response:
    """The answer of a call (200 or 204), tried again while that can help. Raises SourceError."""
    attempt = 0
    while True:
        try:
            return _checked(call)
        except ArchiverError as error:
            wait_s = next_wait_s(error, attempt) if attempt + 1 < patience.tries else None
            if wait_s is None:
                raise
            patience.notify(f"{error.message}; trying again in {wait_s:.0f} s")
            patience.sleep(wait_s)
            attempt += 1


def _checked(call: Callable[[], httpx.Response]) -> httpx.Response:
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
        raise refusal(response)
    return response


def _host(error: Exception) -> str:
    request = getattr(error, "_request", None)
    return request.url.netloc.decode() if isinstance(request, httpx.Request) else "LivePerson"


def refusal(response: httpx.Response) -> SourceError:
    """What a status other than 200 and 204 means for us (Messaging Interactions API, Conversations; Retry Policy)."""
    status = response.status_code
    said = f"{response.request.url.host} answered {status}{_excerpt(response)}"
    if status == 401:
        return AuthError(
            f"LivePerson refused the credentials: {said}", hint="Check account, client_id and client_secret."
        )
    if status == 403:
        return AuthError(
            f"LivePerson refused the permission: {said}",
            hint="Ask your LivePerson contact for the Messaging Interactions (msgHist) scope for this client.",
        )
    if status == 429:
        return RateLimited(f"LivePerson asks to slow down: {said}", retry_after_s=_retry_after_s(response))
    if status >= 500:
        return SourceUnavailable(said, hint="Run the same command again later; it goes on where it stopped.")
    return SourceError(f"LivePerson refused the request: {said}")


def _retry_after_s(response: httpx.Response) -> float | None:
    wish = response.headers.get("Retry-After", "").strip()
    if wish.isdigit():
        return float(wish)
    try:
        return max((parsedate_to_datetime(wish) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _excerpt(response: httpx.Response) -> str:
    text = " ".join(response.text.split())
    return f": {text[:_SHOWN_CHARACTERS]}" if text else ""
