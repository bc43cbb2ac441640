"""When the pages of one query are proven to be all of its result."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.liveperson.answers import read_record
from archiver.liveperson.page_check import PageCheck
from archiver.received import Conversation, Page, Unreadable
from archiver.value import replace
from tests.conftest import NOW, record

ANCHOR = 2


def conversation(id_: str) -> Conversation:
    read = read_record(record(id_, NOW))
    assert isinstance(read, Conversation)
    return read


def page(*ids: str, total: int) -> Page:
    return Page(tuple(conversation(id_) for id_ in ids), (), total, is_complete=True)


def checked(*pages: Page, anchor: int = ANCHOR) -> PageCheck:
    check = PageCheck(anchor)
    for item in pages:
        check.add(item)
    return check


def fault(*pages: Page, anchor: int = ANCHOR) -> str | None:
    return checked(*pages, anchor=anchor).fault(needs_count=True)


def test_pages_that_begin_with_the_end_of_the_page_before_are_all_of_the_result() -> None:
    assert fault(page("a", "b", "c", "d", total=6), page("c", "d", "e", "f", total=6)) is None


@pytest.mark.parametrize(
    "second",
    [
        ("d", "c", "e", "f"),  # two rows changed places
        ("b", "c", "d", "e", "f"),  # one was added before
        ("d", "e", "f", "c"),  # one moved to the end
        ("x", "d", "e", "f", "c"),  # only the first row that both should share is another one
        ("c", "x", "d", "e", "f"),  # only the second
    ],
)
def test_neighbouring_pages_that_do_not_meet_prove_nothing_though_the_counts_agree(second: tuple[str, ...]) -> None:
    total = len({"a", "b", "c", "d", *second})
    check = checked(page("a", "b", "c", "d", total=total), page(*second, total=total))
    assert "do not meet" in str(check.fault(needs_count=True))
    assert check.is_reordered()


def test_without_shared_rows_neighbouring_pages_need_not_meet() -> None:
    assert fault(page("a", "b", total=4), page("c", "d", total=4), anchor=0) is None


@given(st.integers(3, 9), st.integers(1, 40), st.data())
def test_an_undisturbed_reading_is_proven_and_one_with_a_foreign_row_at_any_seam_is_not(
    size: int, count: int, data: st.DataObject
) -> None:
    rows = [f"c{number}" for number in range(count)]
    pages, offset, check = [], 0, PageCheck(ANCHOR)
    while True:
        found = page(*rows[offset : offset + size], total=count)
        pages.append(found)
        check.add(found)
        if offset + size >= count:
            break
        offset = check.next_offset(offset, found)
    assert check.fault(needs_count=True) is None
    if len(pages) > 1:
        at, row = data.draw(st.integers(1, len(pages) - 1)), data.draw(st.integers(0, ANCHOR - 1))
        seam = list(pages[at].conversations)
        seam[row] = seam[1 - row]  # what should stand there was on the page before, so no id and no count is missing
        pages[at] = replace(pages[at], conversations=tuple(seam))
        assert "do not meet" in str(fault(*pages))


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([page("a", "b", total=3)], "announced 3 conversations and gave 2"),
        ([page("a", "b", total=1)], "announced 1 conversation and gave 2"),
        ([page("a", "b", "c", total=4), page("b", "c", "d", total=5)], "count moved while reading: 4 .. 5"),
        ([page("a", total=-1)], "announced no count"),
        ([replace(page("a", total=1), is_complete=False)], "partialResult"),
        ([replace(page("a", total=1), unreadable=(Unreadable(b"{", "cut"),))], "1 record could not be read"),
    ],
)
def test_what_else_keeps_pages_from_being_proven_is_named(pages: list[Page], said: str) -> None:
    assert said in str(fault(*pages))


def test_a_count_that_is_announced_otherwise_once_more_at_the_end_proves_nothing() -> None:
    check = checked(page("a", "b", total=2))
    check.add_count(3)
    assert "count moved" in str(check.fault(needs_count=True))


def test_a_reading_ends_once_the_announced_count_runs_away_and_not_before() -> None:
    check = checked(page("a", total=10))
    assert [check.is_endless(offset) for offset in (1_019, 1_020, 1_021)] == [False, False, True]
    assert not checked(page("a", total=-1)).is_endless(10**9)
