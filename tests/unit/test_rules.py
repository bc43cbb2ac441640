"""Windows, dates, pace, chain, snippets."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import windows
from archiver.archive import chain
from archiver.archive.chain import Entry
from archiver.dates import parse_duration, parse_span
from archiver.errors import AuthError, RateLimited, SourceUnavailable
from archiver.index.results import rank
from archiver.liveperson.calls import RETRIES
from archiver.model import CELL, EPOCH, Window
from archiver.query.matching import Snippet, merge
from archiver.retry import retry_delay
from tests.conftest import NOW, record

CELLS = st.integers(0, 2_000)


@st.composite
def spans(draw: st.DrawFn) -> Window:
    start = NOW + draw(CELLS) * CELL
    return Window(start, start + draw(st.integers(1, 1_000)) * CELL)


@given(spans(), st.lists(spans(), max_size=5), st.sampled_from([timedelta(hours=1), timedelta(days=1)]))
def test_a_plan_is_exactly_the_target_without_what_is_covered(
    target: Window, covered: list[Window], width: timedelta
) -> None:
    planned = list(windows.plan(target, covered, width=width))
    cells = [cell for window in planned for cell in cells_of(window)]
    expected = cells_of(target) - {cell for window in covered for cell in cells_of(window)}
    assert len(cells) == len(set(cells))
    assert set(cells) == expected
    assert all(window.length <= width for window in planned)


def cells_of(window: Window) -> set[int]:
    return set(range((window.start - EPOCH) // CELL, (window.end - EPOCH) // CELL))


@given(spans())
def test_two_plans_cut_at_the_same_places(target: Window) -> None:
    for window in windows.plan(target):
        assert window.end == target.end or windows.floor(window.end, windows.WIDTH) == window.end


@given(spans())
def test_splitting_keeps_the_union_and_ends_at_one_cell(window: Window) -> None:
    halves = windows.split(window)
    if halves is None:
        assert window.length == CELL
    else:
        assert halves[0].start == window.start
        assert halves[0].end == halves[1].start
        assert halves[1].end == window.end


def test_a_plan_rounds_outward_to_the_grid() -> None:
    (window,) = windows.plan(Window(NOW + timedelta(minutes=3), NOW + timedelta(minutes=14)))
    assert window == Window(NOW, NOW + timedelta(minutes=20))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-03-31", datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        ("2025-12", datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("2024", datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        ("yesterday", datetime(2026, 6, 14, tzinfo=UTC), datetime(2026, 6, 15, tzinfo=UTC)),
        ("2026-03-31T14:05+02:00", datetime(2026, 3, 31, 12, 5, tzinfo=UTC), datetime(2026, 3, 31, 12, 6, tzinfo=UTC)),
    ],
)
def test_a_date_names_a_whole_span(text: str, start: datetime, end: datetime) -> None:
    assert parse_span(text, NOW) == Window(start, end)


def test_lengths_of_time_reach_back_from_now() -> None:
    assert parse_span("90d", NOW).start == NOW - timedelta(days=90)
    assert parse_span("now-13mo", NOW).start == datetime(2025, 5, 15, 12, tzinfo=UTC)
    assert parse_duration("1.5h") == timedelta(minutes=90)


@pytest.mark.parametrize("text", ["soon", "2026-13", "31.03.2026", "999999y", "", "9999", "0000-01-01"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_span(text, NOW)


@given(st.dates())
def test_months_before_stays_in_the_month_it_reaches(day: object) -> None:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)  # type: ignore[attr-defined]
    if day.year > 2:  # type: ignore[attr-defined]
        earlier = windows.months_before(moment, 13)
        assert (moment.year * 12 + moment.month) - (earlier.year * 12 + earlier.month) == 13
        assert earlier.day == moment.day or (earlier + timedelta(days=1)).day == 1


def test_only_what_may_pass_is_tried_again_and_not_for_ever() -> None:
    assert retry_delay(AuthError("no"), 0, RETRIES) is None
    delays = [retry_delay(SourceUnavailable("down"), attempt, RETRIES) for attempt in range(7)]
    assert delays == [5.0, 10.0, 15.0, 120.0, 240.0, 480.0, None]
    assert retry_delay(RateLimited("slow", retry_after_s=7), 0, RETRIES) == 7
    assert retry_delay(RateLimited("slow", retry_after_s=86_400), 0, RETRIES) == 600
    assert retry_delay(RateLimited("slow"), 0, RETRIES, chance=0.0) == 1.0


def entries(count: int) -> list[tuple[Entry, bytes]]:
    made: list[tuple[Entry, bytes]] = []
    prev = chain.GENESIS
    for seq in range(1, count + 1):
        salt, body = bytes([seq]) * 32, b"body %d" % seq
        entry = Entry(seq, "a", f"c{seq}", "2026-01-01", "record", b"f", chain.commit(salt, body), len(body), prev)
        prev = chain.link(entry)
        made.append((entry, prev))
    return made


def test_an_untouched_chain_has_no_faults() -> None:
    assert list(chain.faults(entries(20))) == []


@given(st.data())
def test_any_changed_removed_added_or_swapped_entry_is_found(data: st.DataObject) -> None:
    chained = entries(8)
    at = data.draw(st.integers(0, 6))
    kind = data.draw(st.sampled_from(["change", "remove", "repeat", "swap"]))
    if kind == "change":
        entry, stored = chained[at]
        values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
        name = data.draw(st.sampled_from(sorted(values)))
        values[name] = values[name] + type(values[name])(
            1 if isinstance(values[name], int) else b"x" if isinstance(values[name], bytes) else "x"
        )  # type: ignore[operator]
        chained[at] = (Entry(**values), stored)
    elif kind == "remove":
        del chained[at]
    elif kind == "repeat":
        chained.insert(at, chained[at])
    else:
        chained[at], chained[at + 1] = chained[at + 1], chained[at]
    assert list(chain.faults(chained))


def test_a_commitment_is_the_hash_of_salt_and_body() -> None:
    assert chain.commit(b"s" * 32, b"body") == hashlib.sha256(b"s" * 32 + b"body").digest()


def test_what_moves_between_two_looks_at_an_open_conversation_is_no_new_version() -> None:
    key = bytes(32)
    first = record(
        "c", NOW, "hi", info={"status": "OPEN", "duration": 1, "mcs": 10}, messageScores=[1], responseTime={}
    )
    again = record(
        "c", NOW, "hi", info={"status": "OPEN", "duration": 2, "mcs": 20}, messageScores=[2], responseTime={"a": 1}
    )
    said = record("c", NOW, "hi", "more", info={"status": "OPEN", "duration": 2})
    prints = [chain.fingerprint_of(key, raw, is_open=True) for raw in (first, again, said)]
    assert prints[0] == prints[1] != prints[2]


def test_a_closed_conversations_score_is_content() -> None:
    one, two = record("c", NOW, info={"mcs": 1}), record("c", NOW, info={"mcs": 2})
    assert chain.fingerprint_of(bytes(32), one) != chain.fingerprint_of(bytes(32), two)


def test_a_fingerprint_tells_nothing_without_the_key_and_those_of_older_formats_count() -> None:
    raw = b'{ "b": [2], "a": 1 }'
    assert chain.fingerprint_of(b"k", raw) != chain.fingerprint_of(b"l", raw)
    assert chain.is_fingerprint(chain.fingerprint_of(b"k", raw), b"k", raw)
    assert chain.is_fingerprint(chain.fingerprint_of(b"k", b'{"a":1,"b":[2]}'), b"k", raw)
    assert not chain.is_fingerprint(chain.fingerprint_of(b"l", raw), b"k", raw)


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=5))
def test_pieces_of_a_snippet_are_its_text(text: str, drawn: list[tuple[int, int]]) -> None:
    marks = merge((start, min(start + length, len(text))) for start, length in drawn if start < len(text))
    assert "".join(piece for piece, _ in Snippet(text, marks).pieces()) == text


@given(st.integers(0, 200 * 365).map(lambda days: EPOCH + timedelta(days=days)), st.text())
def test_ranks_sort_by_time_and_fit_a_signed_64_bit_integer(moment: datetime, identity: str) -> None:
    later = rank(moment + timedelta(milliseconds=1), identity)
    assert rank(moment, identity) < later < 2**63
