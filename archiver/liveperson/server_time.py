"""LivePerson's time, as the `Date` header of its answers states it (RFC 9110, 6.6.1; `Age`: RFC 9111, 5.1).

Which windows are over, what changed since when, and what LivePerson still keeps is decided by this time only. The local
clock may be wrong, may jump, or may run backwards; it is compared, and a difference is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from archiver.logs import EventLogger
from archiver.rawrecord import number
from archiver.value import Value
from archiver.windows import LARGEST_SKEW, NOTED_SKEW, describe_skew

_log = EventLogger("liveperson")
_YEARS = range(2000, 2200)  # a date outside is a fault of the server
_LONGEST_AGE_S = 86_400.0
_SENT_AT = "archiver.sent_at"
_ADVICE = "Correct this machine's clock (NTP): timedatectl set-ntp true"


class _Learned(Value):
    """LivePerson's time `at` (or up to a second later), when a steady counter of seconds showed `steady_s`."""

    at: datetime
    steady_s: float
    skew: timedelta


class ServerTime:
    """What the answers of one account say about the time. Safe between threads.

    `local` is this machine's clock, which is only compared. `steady_s` counts seconds and never jumps: it tells how
    much time has passed since the last answer.
    """

    def __init__(self, local: Callable[[], datetime], steady_s: Callable[[], float]) -> None:
        self._local = local
        self._steady_s = steady_s
        self._learned: _Learned | None = None
        self._noted = timedelta(0)

    def now(self) -> datetime | None:
        """LivePerson's present time, at most a little too early, never too late; None until an answer named a time."""
        learned = self._learned
        if learned is None:
            return None
        return learned.at + timedelta(seconds=max(self._steady_s() - learned.steady_s, 0.0))

    @property
    def skew(self) -> timedelta | None:
        """How far the local clock was ahead when LivePerson last answered; None until an answer named a time."""
        return self._learned.skew if self._learned else None

    def fault(self) -> str | None:
        """Why no window can be proven complete at present, which needs a time that is certain; None if it is."""
        skew = self.skew
        if skew is None:
            return "LivePerson's answers name no time (Date header), so nothing proves that this time is over"
        return f"this machine's clock is {describe_skew(skew)} LivePerson's" if abs(skew) > LARGEST_SKEW else None

    def note_sent(self, request: httpx.Request) -> None:
        """To be called when a request is sent."""
        request.extensions[_SENT_AT] = self._local()

    def note_answer(self, response: httpx.Response) -> None:
        """To be called when a response's head arrived. Only 200 and 204 count: errors may come from a proxy."""
        said_at = answered_at(response) if response.status_code in (200, 204) else None
        if said_at is None:
            return
        received_at = self._local()
        sent_at = response.request.extensions.get(_SENT_AT, received_at)
        skew = least_skew(said_at, sent_at, received_at)
        self._learned = _Learned(said_at, self._steady_s(), skew)
        self._note(skew)

    def _note(self, skew: timedelta) -> None:
        """Reports a difference of more than a minute once, and again when it has changed by more than that."""
        if abs(skew - self._noted) <= NOTED_SKEW:
            return
        self._noted = skew
        if abs(skew) > NOTED_SKEW:
            message = f"this machine's clock is {describe_skew(skew)} LivePerson's, which is used instead. {_ADVICE}"
            _log.warning("clock.differs", message, skew_s=round(skew.total_seconds()))


def least_skew(said_at: datetime, sent_at: datetime, received_at: datetime) -> timedelta:
    """How far the local clock is ahead at least: an answer states its time in whole seconds, as it was at some moment
    between request and response. Zero if the two clocks may agree.
    """
    most, least = received_at - said_at, sent_at - said_at - timedelta(seconds=1)
    return min(max(timedelta(0), least), most) if least <= most else most


def answered_at(response: httpx.Response) -> datetime | None:
    """When a response was made, or came through a cache, by its `Date` and `Age`; None if it does not say."""
    said_at, age_s = parse_date(response.headers.get("Date", "")), number(response.headers.get("Age")) or 0.0
    if said_at is None or said_at.year not in _YEARS or not 0 <= age_s <= _LONGEST_AGE_S:
        return None
    return said_at + timedelta(seconds=age_s)


def parse_date(text: str) -> datetime | None:
    """A date in the form of HTTP headers; None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def clock_skew(response: httpx.Response, now: datetime) -> timedelta | None:
    """How far the local clock is ahead of the server's, by a response that arrived `now`; None if it names no time."""
    said_at = answered_at(response)
    return None if said_at is None else least_skew(said_at, now, now)


def skew_hint(response: httpx.Response, now: datetime) -> str | None:
    """Advice to correct the local clock if it is so wrong that signatures and tokens may fail; None otherwise."""
    skew = clock_skew(response, now)
    if skew is None or abs(skew) <= NOTED_SKEW:
        return None
    return f"This machine's clock is {describe_skew(skew)} LivePerson's. {_ADVICE}"
