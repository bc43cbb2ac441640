"""What came for a window, and when several readings of it prove together that this is all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.harvest.ingest import CompletedPage
from archiver.harvest.tally import RepeatedReads, WindowTally, digest
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.received import Conversation
from tests.conftest import NOW, record

HOUR, MS = timedelta(hours=1), timedelta(milliseconds=1)


def tally(ids: str, announced: int, *, is_reordered: bool = True) -> WindowTally:
    """Of a reading whose rows came in another order than the pages before: ids a letter each."""
    return WindowTally(
        "rows moved", ids=set(ids), inside=set(ids), announced=announced, is_reordered=is_reordered
    )  # fmt: skip


def settles(*readings: WindowTally) -> list[bool]:
    together = RepeatedReads()
    return [together.settles(reading) for reading in readings]


def test_readings_that_have_between_them_as_many_as_each_announced_are_whole() -> None:
    last = tally("acd", 4)
    assert settles(tally("abc", 4), tally("abc", 4), last) == [False, False, True]
    assert (last.fault, last.ids, last.inside) == (None, set("abcd"), set("abcd"))


@pytest.mark.parametrize(
    "readings",
    [
        [tally("abc", 4), tally("acd", 4, is_reordered=False)],  # something else was wrong, too
        [tally("abc", 4, is_reordered=False), tally("acd", 4)],
        [tally("abcd", 5), tally("abce", 4), tally("abc", 5)],  # one went, or one came
        [tally("abc", 3, is_reordered=False), tally("abd", 4)],
        [tally("abd", 4), tally("abce", 4)],  # one too many: one went and another came
        [tally("abc", 4), tally("abd", 3)],
        [tally("abc", 4), tally("abc", 4)],
    ],
)
def test_readings_that_differ_in_anything_else_prove_nothing(readings: list[WindowTally]) -> None:
    assert not any(settles(*readings))
    assert all(reading.fault for reading in readings)


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=5), st.integers(1, 9))
def test_a_whole_has_just_as_many_as_were_announced(found: list[set[str]], announced: int) -> None:
    readings = [tally("".join(ids), announced) for ids in found]
    together = RepeatedReads()
    for at, reading in enumerate(readings):
        union = set().union(*found[: at + 1])
        is_whole = together.settles(reading)
        assert is_whole == (len(union) == announced)
        if is_whole:
            assert (reading.ids, reading.fault) == (union, None)
            break


def conversation(id_: str, start: datetime) -> Conversation:
    read = read_record(record(id_, start))
    assert isinstance(read, Conversation)
    return read


def test_what_started_at_the_begin_of_a_window_is_inside_and_what_started_at_its_end_is_not() -> None:
    starts = {"before": NOW - MS, "begin": NOW, "last": NOW + HOUR - MS, "end": NOW + HOUR}
    found = WindowTally()
    page = tuple(conversation(id_, start) for id_, start in starts.items())
    found.count(CompletedPage(page, page, announced=4), Window(NOW, NOW + HOUR))
    assert (found.ids, found.inside, found.announced) == (set(starts), {"begin", "last"}, 4)


def test_a_count_that_was_not_announced_is_none() -> None:
    found = WindowTally()
    found.count(CompletedPage((), (), announced=-1), Window(NOW, NOW + HOUR))
    assert found.announced == 0


def test_the_digest_of_a_window_depends_on_its_ids_alone() -> None:
    assert digest(["b", "a"]) == digest({"a", "b"}) != digest(["ab"])
    assert digest(["a", "b"]) == "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78"  # of "a\nb"
