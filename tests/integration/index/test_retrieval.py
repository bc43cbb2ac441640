"""From the vault to hits with marks, transcripts and exports."""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from archiver.archive.file import ArchiveFile
from archiver.archive.records import Record
from archiver.archive.vault import Vault
from archiver.config.settings import StoreAddress
from archiver.errors import ConfigError, RecordError, StoreBusy
from archiver.export.ndjson import lines
from archiver.index import retrieval
from archiver.index.axes import Tally
from archiver.index.build import catch_up, rebuild
from archiver.index.counting import Counting
from archiver.index.results import Sort, Version, read_cursor
from archiver.index.retrieval import Request, Search, found_ids, search
from archiver.index.store import Store, open_store
from archiver.index.versions import read_version
from archiver.intervals import Interval
from archiver.jsontext import encode
from archiver.liveperson.answers import read_record
from archiver.progress import Silent
from archiver.query.ast import Scope
from archiver.query.parser import parse
from archiver.received import Conversation
from archiver.simulator.courses import courses
from archiver.simulator.sections import record as shown
from tests import schemas
from tests.conftest import NOW, record


def keep(archive: ArchiveFile, *raws: bytes) -> Store:
    """An archive holding these records, with an index that is up to date."""
    store = open_store(StoreAddress(), folder=archive.folder, archive_id=archive.id)
    add(archive, store, *raws)
    return store


def add(archive: ArchiveFile, store: Store, *raws: bytes) -> None:
    conversations = [item for item in map(read_record, raws) if isinstance(item, Conversation)]
    archive.keep(conversations, (), NOW)
    catch_up(archive, store, Silent())


def test_matches_say_where_they_stand_and_marks_are_spans_of_the_text(archive: ArchiveFile) -> None:
    raw = record(
        "c", NOW, "A Café for two", "nothing", summary={"text": "met in the CAFE\u0301"},
        conversationSurveys=[{"surveyData": [{"question": "how?", "answer": "nice cafe"}]}],
        sdes={"events": [{"lead": {"lead": {"topic": "cafe chairs"}}, "sdeType": "LEAD"}]},
    )  # fmt: skip
    store = keep(archive, raw)
    (hit,) = search(archive, store, Request(parse("cafe", now=NOW))).hits
    assert [match.where for match in hit.matches] == ["said", "survey", "summary", "sde"]
    marked = [[piece for piece, is_hit in match.snippet.pieces() if is_hit] for match in hit.matches]
    assert marked == [["Café"], ["cafe"], ["CAFE\u0301"], ["cafe"]]


def test_a_phrase_is_marked_as_a_whole_and_a_prefix_as_its_word(archive: ArchiveFile) -> None:
    store = keep(archive, record("c", NOW, "I will book a hotel, a reservation"))
    (hit,) = search(archive, store, Request(parse('"book a hotel" reserv*', now=NOW))).hits
    assert [piece for piece, is_hit in hit.matches[0].snippet.pieces() if is_hit] == ["book a hotel", "reservation"]


def test_what_a_query_excludes_is_never_marked(archive: ArchiveFile) -> None:
    store = keep(archive, record("c", NOW, "refund please", "sorry"))
    (hit,) = search(archive, store, Request(parse("refund OR -sorry", now=NOW))).hits
    assert [match.snippet.text for match in hit.matches] == ["refund please"]


def test_a_message_result_shows_that_message_alone(archive: ArchiveFile) -> None:
    store = keep(archive, record("c", NOW, "refund one", "x", "refund two"))
    results = search(archive, store, Request(parse("refund", now=NOW), Scope.MESSAGE))
    assert results.total == 2
    assert [hit.matches[0].snippet.text for hit in results.hits] == ["refund two", "refund one"]


def test_rebuilding_from_the_vault_alone_gives_the_same_answers(archive: ArchiveFile) -> None:
    store = keep(archive, *(encode(shown(course, NOW)) for course in courses(NOW - timedelta(days=75), NOW, 240)))
    asked = ["table", '"window table"', "refund -order", "skill:Flights lawyer", "book*", "from:agent sorry", "*"]

    def answers() -> list[object]:
        expressions = [parse(text, now=NOW) for text in asked]
        return [search(archive, store, Request(query, scope, limit=500)) for query in expressions for scope in Scope]

    before = answers()
    assert all(results.total for results in before[::2])  # type: ignore[attr-defined]
    rebuild(archive, store, Silent())
    assert answers() == before


def test_an_updated_conversation_is_found_by_its_new_words_and_by_earlier_ones_that_say_so(
    archive: ArchiveFile,
) -> None:
    keep(archive, record("c", NOW, "before"))
    store = keep(archive, record("c", NOW, "after"))
    assert search(archive, store, Request(parse("before is:current", now=NOW))).total == 0
    (now,) = search(archive, store, Request(parse("after", now=NOW))).hits
    (then,) = search(archive, store, Request(parse("before", now=NOW))).hits
    assert (now.matches[0].until, then.matches[0].until) == (None, NOW)


def never(record: Record, error: RecordError) -> None:
    raise AssertionError(error)


def test_an_export_holds_everything_once_and_the_raw_record_exactly(archive: ArchiveFile) -> None:
    raws = [record(f"c{n}", NOW - timedelta(minutes=n), f"text {n}").replace(b":", b": ", 3) for n in range(450)]
    store = keep(archive, *raws)
    rows = [schemas.checked(line) for line in lines(archive.vault.after(0), with_raw=True, note_unreadable=never)]
    assert {row["conversation_id"] for row in rows} == {f"c{n}" for n in range(450)}
    assert len(rows) == 450
    line = next(iter(lines([archive.vault.current("c7")], with_raw=True, note_unreadable=never)))
    assert raws[7] in line
    found = list(found_ids(store, parse("text -7", now=NOW)))
    assert len(found) == len(set(found)) == 449


@pytest.mark.parametrize("count", [1, 99, 100, 101, 249, 250])
def test_whoever_stops_in_the_middle_goes_on_with_the_next_hit(archive: ArchiveFile, count: int) -> None:
    store = keep(archive, *(record(f"c{number:03}", NOW, "refund") for number in range(250)))
    query = parse("refund", now=NOW)
    found = Search(archive, store, Request(query, limit=None))
    first = [hit.transcript.id for hit in islice(found, count)]
    after = read_cursor(found.next, Sort.NEWEST) if found.next else None
    assert (after is None) is (count == 250)
    rest = Search(archive, store, Request(query, limit=None, after=after)) if after else ()
    assert [*first, *(hit.transcript.id for hit in rest)] == [f"c{number:03}" for number in reversed(range(250))]


def test_a_page_reads_each_conversation_once_however_many_of_its_messages_are_hits(
    archive: ArchiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = keep(archive, record("c", NOW, *["refund"] * 30), record("d", NOW, *["refund"] * 30))
    read: list[str] = []

    def counted(vault: Vault, record: Record, **parts: bool) -> Version:
        read.append(record.conversation_id)
        return read_version(vault, record, **parts)

    monkeypatch.setattr(retrieval, "read_version", counted)
    request = Request(parse("refund", now=NOW), Scope.MESSAGE, limit=60)
    assert len(search(archive, store, request).hits) == 60
    assert sorted(read) == ["c", "d"]


def test_hits_are_found_a_page_at_a_time_while_they_are_iterated(archive: ArchiveFile) -> None:
    store = keep(archive, *(record(f"c{number:03}", NOW, "refund") for number in range(250)))
    found = Search(archive, store, Request(parse("refund", now=NOW), limit=None))
    assert (found.total, len({hit.transcript.id for hit in found})) == (250, 250)
    few = Search(archive, store, Request(parse("refund", now=NOW), limit=130))
    assert (len(list(few)), few.total) == (130, 250)
    first = few.results()
    rest = Search(
        archive, store, Request(parse("refund", now=NOW), limit=None, after=read_cursor(first.next or "", Sort.NEWEST))
    ).results()
    ids = [hit.transcript.id for hit in (*first.hits, *rest.hits)]
    assert (len(ids), len(set(ids)), rest.next) == (250, 250, None)


def test_a_limit_beyond_one_page_ends_with_the_cursor_behind_its_last_hit(archive: ArchiveFile) -> None:
    store = keep(archive, *(record(f"c{number}", NOW - timedelta(minutes=number), "same") for number in range(260)))
    query = parse("same", now=NOW)
    first = search(archive, store, Request(query, limit=150))
    assert [hit.transcript.id for hit in first.hits] == [f"c{number}" for number in range(150)]
    rest = search(archive, store, Request(query, limit=150, after=read_cursor(first.next or "", Sort.NEWEST)))
    assert [hit.transcript.id for hit in rest.hits] == [f"c{number}" for number in range(150, 260)]
    assert (first.total, rest.total, rest.next) == (260, 260, None)


def test_relevance_without_a_limit_or_after_a_cursor_is_refused_instead_of_cut_short() -> None:
    query = parse("refund", now=NOW)
    for limit, after in ((None, None), (5, 77)):
        with pytest.raises(ConfigError, match="one page"):
            Request(query, sort=Sort.RELEVANCE, limit=limit, after=after)
    assert Request(query, sort=Sort.RELEVANCE, limit=5).limit == 5


def test_counts_add_up_to_the_total_though_the_index_grows_between_two_questions(archive: ArchiveFile) -> None:
    store = keep(archive, *(record(f"c{at}", NOW - timedelta(hours=at), "refund") for at in range(3)))
    asked, tallies = Search(archive, store, Request(parse("refund", now=NOW), limit=2)), store.tallies
    questions = list[int]()

    def counted(*given: Any, **how: Any) -> list[Tally]:
        found = tallies(*given, **how)
        questions.append(len(found))
        if len(questions) == 1:
            add(archive, store, record("new", NOW + timedelta(seconds=1), "refund"))
        return found

    store.tallies = counted  # type: ignore[method-assign]
    counts = asked.counted(UTC, lambda counting: counting.by("skill"))
    results = asked.results()
    assert [hit.transcript.id for hit in results.hits] == ["new", "c0"]
    assert results.total == counts.total == counts.values[0].count == 4
    assert questions == [2, 2]  # the days and the skills, twice


def test_bars_and_facets_add_up_to_the_total_in_any_zone_though_the_index_grows(archive: ArchiveFile) -> None:
    for grows_at in range(1, 6):
        store = keep(archive, *(record(f"c{at}", NOW - timedelta(hours=at), "refund") for at in range(3)))
        asked, tallies = Search(archive, store, Request(parse("refund", now=NOW))), store.tallies
        questions = list[int]()

        def counted(*given: Any, **how: Any) -> list[Tally]:
            found = tallies(*given, **how)  # noqa: B023
            questions.append(len(found))  # noqa: B023
            if len(questions) == grows_at:  # noqa: B023
                start = NOW + timedelta(seconds=grows_at)  # noqa: B023
                add(archive, store, record(f"new{grows_at}", start, "refund"))  # noqa: B023
            return found

        def count(counting: Counting) -> tuple[int, int, int]:
            bars, skills = counting.histogram(Interval.HOUR), counting.by("skill")
            months = counting.by("month")
            return (
                sum(bar.count for bar in bars.bars) + bars.elsewhere,
                sum(item.count for item in skills.values),
                sum(item.count for item in months.values),
            )

        store.tallies = counted  # type: ignore[method-assign]
        found = asked.counted(ZoneInfo("Asia/Kathmandu"), count)
        assert set(found) == {asked.results().total}
        store.close()


def test_counts_of_an_index_that_never_stands_still_are_refused(archive: ArchiveFile) -> None:
    store = keep(archive, record("c", NOW, "refund"))
    asked, tallies = Search(archive, store, Request(parse("refund", now=NOW))), store.tallies

    def counted(*given: Any, **how: Any) -> list[Tally]:
        found = tallies(*given, **how)
        add(archive, store, record(f"new{archive.vault.head()}", NOW, "refund"))
        return found

    store.tallies = counted  # type: ignore[method-assign]
    with pytest.raises(StoreBusy, match="changes faster"):
        asked.counted(UTC, lambda counting: counting.total)
