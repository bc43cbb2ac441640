"""Plans windows of time. Pure, on LivePerson's own 10-minute grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from archiver.model import CELL, EPOCH, Window

WIDTH = timedelta(days=1)
OVERLAP = CELL
RECENT = timedelta(days=2)  # what started longer ago seldom moves while it is read
SETTLE = timedelta(hours=2)  # for this long after a window's end, records and SDEs may still arrive
SWEEP_WIDTH = timedelta(days=30)
SWEEP_OVERLAP = timedelta(minutes=15)  # the grid, a minute of delay, and a margin
EXPIRY_MARGIN = timedelta(days=30)  # gaps that LivePerson deletes within this time are read first
NOTED_SKEW = timedelta(minutes=1)  # a larger difference between this machine's clock and LivePerson's is reported
LARGEST_SKEW = CELL  # with a larger one no window is proven complete
MOST_PER_WINDOW = 3_000  # conversations: while more pages are read, rows have more time to move between them
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
RETENTION_MONTHS = 13  # Messaging Interactions API, Conversations


def floor(moment: datetime, step: timedelta = CELL) -> datetime:
    """The last multiple of `step` since the epoch that is not after `moment`."""
    return moment - (moment - EPOCH) % step


def ceil(moment: datetime, step: timedelta = CELL) -> datetime:
    """The first multiple of `step` since the epoch that is not before `moment`."""
    return moment + (EPOCH - moment) % step


def plan(
    target: Window, covered: Iterable[Window] = (), *, width: Callable[[], timedelta] = lambda: WIDTH
) -> Iterator[Window]:  # fmt: skip
    """Windows on the grid that together are `target` (rounded outward) without `covered`, oldest first.

    They are disjoint, at most `width()` long, which is asked for each, and cut at multiples of that since the epoch, so
    that two runs with the same widths cut at the same places.
    """
    span = Window(floor(target.start), ceil(target.end))
    for gap in subtract(span, covered):
        start = gap.start
        while start < gap.end:
            end = min(floor(start, width()) + width(), gap.end)
            yield Window(start, end)
            start = end


def plan_widely(
    target: Window, covered: Iterable[Window], now: datetime, width: Callable[[], timedelta]
) -> Iterator[Window]:  # fmt: skip
    """The same, `width()` long where rows have settled, and a day at most after that, where they still move."""
    sealed = list(covered)
    settled, recent = cut(target, floor(now - RECENT, WIDTH))
    yield from plan(settled, sealed, width=width) if settled else ()
    yield from plan(recent, sealed, width=lambda: min(width(), WIDTH)) if recent else ()


def subtract(span: Window, covered: Iterable[Window]) -> Iterator[Window]:
    """The parts of `span` that no window of `covered` touches, oldest first."""
    at = span.start
    for window in sorted(covered):
        if at < min(window.start, span.end):
            yield Window(at, min(window.start, span.end))
        at = max(at, window.end)
    if at < span.end:
        yield Window(at, span.end)


def widen(window: Window, overlap: timedelta = OVERLAP) -> Window:
    """The window to request: neighbours overlap, so that a late record at a border is read twice rather than never."""
    return Window(window.start - overlap, window.end + overlap)


def is_wide(window: Window) -> bool:
    """Whether a window is longer than a day. Each day of it is recorded by itself."""
    return window.length > WIDTH


def split(window: Window) -> tuple[Window, Window] | None:
    """Two shorter windows with the same union, cut on the grid, and at midnight if they are longer than a day; None for
    a single cell.
    """
    step = WIDTH if is_wide(window) else CELL
    middle = max(floor(window.start + window.length / 2, step), floor(window.start, step) + step)
    if middle >= window.end:
        return None
    return Window(window.start, middle), Window(middle, window.end)


def months_before(moment: datetime, months: int) -> datetime:
    """The same day of an earlier month, or that month's last day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    first_of_next = datetime(year + (month == 11), (month + 1) % 12 + 1, 1, tzinfo=moment.tzinfo)
    last_day = (first_of_next - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


def provable(now: datetime) -> Window:
    """The start times whose completeness can still be proven: LivePerson keeps them for at least another cell."""
    return Window(ceil(retention(now).start) + CELL, now)


def cut_at_retention(span: Window, now: datetime) -> tuple[Window | None, Window | None]:
    """The part of a span that LivePerson need not keep any more at `now`, and the part that it keeps; None for an empty
    one. They are cut on the grid.
    """
    return cut(span, ceil(retention(now).start))


def cut(span: Window, edge: datetime) -> tuple[Window | None, Window | None]:
    """The part of a span before a moment, and the part from it on; None for an empty one."""
    before = Window(span.start, min(span.end, edge)) if span.start < edge else None
    after = Window(max(span.start, edge), span.end) if span.end > edge else None
    return before, after


def backwards(end: datetime, start: datetime | None = None) -> Iterator[Window]:
    """Windows of `SWEEP_WIDTH` from `end` back to `start`, the newest first; without a `start`, without end."""
    while start is None or end > start:
        earlier = end - SWEEP_WIDTH
        yield Window(earlier if start is None else max(earlier, start), end)
        end = earlier


def retention(now: datetime) -> Window:
    """The start times of the conversations that LivePerson still keeps at `now`."""
    return Window(months_before(now, RETENTION_MONTHS), now)


def describe_skew(skew: timedelta) -> str:
    """For example "90 s ahead of", "4.0 hours behind", "200.0 days ahead of"."""
    seconds = abs(skew.total_seconds())
    length = f"{seconds:.0f} s" if seconds < 3_600 else f"{seconds / 3_600:.1f} hours"
    if seconds > 2 * 86_400:
        length = f"{seconds / 86_400:.1f} days"
    return f"{length} {'ahead of' if skew > timedelta(0) else 'behind'}"
