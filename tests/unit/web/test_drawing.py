"""The histogram of a search as rectangles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from archiver.index import Bar
from archiver.intervals import Interval
from archiver.outputs import ProvenBar
from archiver.web.drawing import WIDTH, drawing
from archiver.web.state import SearchState

FIRST = datetime(2026, 3, 2, tzinfo=UTC)


def bars(proven: str, days: int = 1) -> list[ProvenBar]:
    """A bar for each character, which is proven complete unless it is a dot."""
    starts = [FIRST + timedelta(days=days * at) for at in range(len(proven) + 1)]
    return [
        ProvenBar(f"{start:%Y-%m-%d}", Bar(start, end, at + 1), mark != ".")
        for at, (start, end, mark) in enumerate(zip(starts, starts[1:], proven, strict=False))
    ]


def test_bars_that_are_not_proven_and_follow_one_another_are_one_gap() -> None:
    made = drawing(Interval.DAY, bars("..xx.x..xx"), SearchState(), UTC)
    assert made is not None
    place = WIDTH / 10
    assert made.gaps == ((0.0, 2 * place), (4 * place, place), (6 * place, 2 * place))
    none = drawing(Interval.DAY, bars("xxx"), SearchState(), UTC)
    assert none is not None
    assert none.gaps == ()


def test_a_bar_leads_to_no_day_that_was_not_asked_for() -> None:
    state = SearchState(from_day="2026-03-04", to_day="2026-03-17", after="cursor", skipped="20")
    made = drawing(Interval.WEEK, bars("xxx", 7), state, UTC)
    assert made is not None
    assert [bar.href for bar in made.bars] == [
        "/?from=2026-03-04&to=2026-03-08", "/?from=2026-03-09&to=2026-03-15", "/?from=2026-03-16&to=2026-03-17",
    ]  # fmt: skip


def test_nothing_is_drawn_of_nothing_and_a_bar_without_results_leads_nowhere() -> None:
    assert drawing(Interval.DAY, [], SearchState(), UTC) is None
    empty = ProvenBar("2026-03-02", Bar(FIRST, FIRST + timedelta(days=1), 0), False)
    made = drawing(Interval.DAY, [empty], SearchState(), UTC)
    assert made is not None
    assert (made.most, made.bars[0].height, made.bars[0].href) == (0, 0.0, None)
