"""What an answer is worth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from archiver.index import Assurance
from archiver.model import Window
from tests.conftest import NOW

DAY = timedelta(days=1)
SPAN = Window(NOW - 10 * DAY, NOW)


def worth(*unproven: Window, has_start: bool) -> Assurance:
    return Assurance(
        understood="*", span=SPAN, conversations=0, shallow=0, days=10, proven_days=10, is_proven=not unproven,
        has_start=has_start, gaps=(), unproven=unproven, refused=0, behind=0, unread=0, undated=0, head=(0, ""), at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "has_start", "is_proven"),
    [
        (SPAN.start, SPAN.end, False, True), (SPAN.start - DAY, SPAN.start + DAY, False, False),
        (SPAN.start - DAY, SPAN.start + DAY, True, True), (SPAN.end - DAY, SPAN.end + DAY, False, True),
        (SPAN.start - 2 * DAY, SPAN.start - DAY, False, False), (SPAN.start - 2 * DAY, SPAN.start - DAY, True, False),
    ],
)  # fmt: skip
def test_time_before_all_that_is_covered_is_proven_only_if_nothing_was_asked_of_it(
    start: object, end: object, has_start: bool, is_proven: bool
) -> None:
    assert worth(has_start=has_start).proves(start, end) == is_proven  # type: ignore[arg-type]
    gap = Window(NOW - 2 * DAY, NOW - DAY)
    assert worth(gap, has_start=has_start).proves(NOW - 3 * DAY, NOW) is False
