"""What LivePerson may answer, each with its outcome: in the archive, and in what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from archiver import windows
from archiver.archive.file import ArchiveFile
from archiver.errors import SourceError, SourceUnavailable
from archiver.harvest.fetch import Fetch
from archiver.harvest.harvest import Harvest, Summary
from archiver.jsontext import decode, encode
from archiver.liveperson.answers import read_page
from archiver.model import Window
from archiver.progress import Silent
from archiver.received import Page
from archiver.simulator.courses import courses
from archiver.simulator.faults import KINDS, Fault, Faults
from archiver.simulator.services import Simulator
from archiver.transcript.projection import project
from tests.conftest import NOW, connected, record, sql

DAY = timedelta(days=1)
SPAN = Window(NOW - 10 * DAY, NOW)
COUNT = 60
# What a fault that passes leaves behind: nothing. Each is asked again, or read as it is meant.
PASSING = {
    "429", "500-0007", "500-0008", "503", "401", "html", "slow", "reset", "cut", "truncated", "gzip", "bad-gzip",
    "mislabelled", "expire-tokens", "partial-result", "is-partial", "repeated-record", "dropped-record", "wrong-count",
    "unexpected", "unreadable-record", "204", "empty", "404", "no-date", "400", "403", "redirect",
}  # fmt: skip
FINAL = {"400", "403", "451", "redirect"}  # if they stay


@pytest.fixture
def account(simulator: Simulator) -> Simulator:
    simulator.world.schedule(courses(SPAN.start, SPAN.end, COUNT))
    return simulator


def harvest(archive: ArchiveFile, simulator: Simulator, *faults: Fault) -> Summary:
    respond = Faults(simulator, faults, sleep=lambda seconds: None)
    return Harvest(connected(respond, simulator), archive, clock=lambda: NOW, progress=Silent()).run(SPAN)


def ids(archive: ArchiveFile) -> set[str]:
    return {record.conversation_id for record in archive.vault.after(0)}


def test_every_fault_has_an_outcome_that_is_tested() -> None:
    assert set(KINDS) == PASSING | FINAL


@pytest.mark.parametrize("kind", sorted(PASSING))
def test_a_fault_that_passes_costs_nothing(archive: ArchiveFile, account: Simulator, kind: str) -> None:
    """Also where it meets a window's only page: the harvest reads it again, or the next one does."""
    first = harvest(archive, account, Fault(kind, after=3, every=4, times=2))
    again = harvest(archive, account)
    assert again.unproven == ()
    assert ids(archive) >= set(account.world.by_id)
    assert {gap.reason for gap in first.unproven} <= {"1 records could not be read; their bytes are kept in quarantine"}


@pytest.mark.parametrize("kind", sorted({"partial-result", "dropped-record", "wrong-count", "repeated-record"}))
def test_a_short_answer_that_stays_is_never_called_complete(
    archive: ArchiveFile, account: Simulator, kind: str
) -> None:
    summary = harvest(archive, account, Fault(kind, times=None))
    assert len(summary.unproven) >= 9
    assert [
        window for window in archive.ledger.sealed() if any(overlaps(window, gap.window) for gap in summary.unproven)
    ] == []


def overlaps(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end


@pytest.mark.parametrize("kind", sorted(FINAL))
def test_a_final_refusal_ends_the_harvest_with_what_was_said(
    archive: ArchiveFile, account: Simulator, kind: str
) -> None:
    with pytest.raises(SourceError) as told:
        harvest(archive, account, Fault(kind, after=4, times=None))
    assert told.value.hint or "bad request" in told.value.message
    assert archive.ledger.sealed()  # what was proven before stays so


def test_no_redirect_and_no_link_is_followed(archive: ArchiveFile, account: Simulator) -> None:
    hosts: set[str] = set()
    faulty = Faults(account, [Fault("redirect", after=2, times=None)])

    def watch(request: httpx.Request) -> httpx.Response:
        hosts.add(request.url.host)
        return faulty(request)

    with pytest.raises(SourceError, match="redirect"):
        Harvest(connected(watch, account), archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert hosts == {"api.simulator.test", account.host}


def test_unknown_fields_and_types_and_broken_inner_json_are_kept_as_text(
    archive: ArchiveFile, account: Simulator
) -> None:
    harvest(archive, account, Fault("unexpected", place="by-id", times=None))
    found = project(next(archive.vault.after(0)).raw)
    texts = [message.text for message in found.messages]
    assert "wave" in texts
    assert '{"type": "vertic' in texts
    assert ("newField.c", "undefined") in found.metadata.extra
    (sde,) = [sde for sde in found.sdes if sde.type == "TELEPATHY"]
    assert sde.values == (("telepathy.thought", "blue"),)


def watched(archive: ArchiveFile) -> set[str]:
    """Why conversations are looked at again."""
    return {row[0] for row in sql(archive, "SELECT reason FROM watch")}


def test_what_a_search_cut_short_is_read_in_full_by_its_id(archive: ArchiveFile, account: Simulator) -> None:
    harvest(archive, account, Fault("is-partial", times=None))
    assert archive.vault.totals()[0] == COUNT
    assert watched(archive) <= {"settling"}
    for kept in archive.vault.after(0):
        info = decode(kept.raw)["info"]
        assert info["isPartial"] is False
        assert len(decode(kept.raw)["messageRecords"]) > 1


def test_what_stays_cut_short_is_kept_and_watched(archive: ArchiveFile, account: Simulator) -> None:
    both = [Fault("is-partial", place=place, times=None) for place in ("search", "by-id")]
    harvest(archive, account, *both)
    assert archive.ledger.count_watched() == COUNT
    assert ids(archive) == set(account.world.by_id)


def test_a_look_up_that_fails_does_not_cost_the_search_its_records(archive: ArchiveFile, account: Simulator) -> None:
    broken = [Fault("is-partial", times=None), Fault("html", place="by-id", times=None)]
    harvest(archive, account, *broken)
    assert ids(archive) == set(account.world.by_id)


def test_a_record_that_cannot_be_read_is_quarantined_byte_for_byte_and_costs_no_other(
    archive: ArchiveFile, account: Simulator
) -> None:
    summary = harvest(archive, account, Fault("unreadable-record", after=2))
    assert archive.vault.count_quarantined() == 1
    assert ids(archive) == set(account.world.by_id)
    assert summary.quarantined == 1


def test_a_page_of_tens_of_megabytes_is_read_whole(archive: ArchiveFile, simulator: Simulator) -> None:
    long = "a word and another " * 25_000
    simulator.world.fill(record(f"big{number}", NOW - DAY, long) for number in range(80))
    assert harvest(archive, simulator).conversations == 80
    assert sum(len(kept.raw) for kept in archive.vault.after(0)) > 38_000_000


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b" \r\n\t", b"\xef\xbb\xbf\n"])
def test_a_mark_or_blanks_before_an_answer_do_not_matter(before: bytes) -> None:
    body = encode({"_metadata": {"count": 0}, "conversationHistoryRecords": []})
    assert read_page(before + body) == Page((), (), 0, True)


@pytest.mark.parametrize("charset", ["latin-1", "cp1252"])
def test_text_in_another_charset_is_kept_as_it_came(charset: str) -> None:
    body = (
        b'{"_metadata":{"count":1},"conversationHistoryRecords":[{"info":{"conversationId":"a"},"x":"'
        + "é".encode(charset)
        + b'"}]}'
    )
    (kept,) = read_page(body).conversations
    assert kept.raw.endswith("é".encode(charset) + b'"}')
    assert kept.id == "a"


@pytest.mark.parametrize("charset", ["utf-16", "utf-32"])
def test_an_answer_that_is_no_utf_8_at_all_is_told(charset: str) -> None:
    with pytest.raises(SourceError, match="readable JSON"):
        read_page('{"conversationHistoryRecords":[]}'.encode(charset))


def test_an_answer_of_204_means_no_conversations(archive: ArchiveFile, simulator: Simulator) -> None:
    simulator.no_content = True
    simulator.world.put(record("c", NOW - DAY))
    summary = harvest(archive, simulator)
    assert (summary.conversations, summary.unproven) == (1, ())


# ── servers that do otherwise than this one where LivePerson's documents leave it open ──


def without_count(respond: Callable[[httpx.Request], httpx.Response], path: str) -> Callable[..., httpx.Response]:
    def changed(request: httpx.Request) -> httpx.Response:
        answer = respond(request)
        if not request.url.path.endswith(path):
            return answer
        content = decode(answer.content)
        content.pop("_metadata")
        return httpx.Response(200, content=encode(content))

    return changed


@pytest.mark.parametrize("page", [100, 50, 7])
def test_a_look_up_without_a_count_is_read_on_until_all_have_come(
    archive: ArchiveFile, account: Simulator, page: int
) -> None:
    """Also where the server pages it."""

    def paged(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/conversation/search"):
            return account(request)
        content = decode(account(request).content)
        offset = int(request.url.params.get("offset", 0))
        content["conversationHistoryRecords"] = content["conversationHistoryRecords"][offset : offset + page]
        return httpx.Response(200, content=encode(content))

    ids = [*account.world.by_id][:60]
    source = connected(without_count(paged, "/conversation/search"), account)
    fetched = Fetch(source, archive, clock=lambda: NOW, progress=Silent()).run([*ids, "gone"])
    assert (fetched.conversations, fetched.absent, fetched.faults) == (60, ("gone",), ())


def test_a_search_without_a_count_keeps_what_comes_and_proves_nothing(archive: ArchiveFile, account: Simulator) -> None:
    source = connected(without_count(account, "/conversations/search"), account)
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert ids(archive) == set(account.world.by_id)
    assert len(summary.unproven) == len(list(windows.plan(SPAN)))
    assert archive.ledger.sealed() == []


def test_a_look_up_that_is_partial_calls_nobody_gone(archive: ArchiveFile, account: Simulator) -> None:
    partial = Faults(account, [Fault("partial-result", place="by-id", times=None)])

    def respond(request: httpx.Request) -> httpx.Response:
        answer = partial(request)
        if request.url.path.endswith("/conversation/search"):
            content = decode(answer.content)
            content["_metadata"].pop("count")
            return httpx.Response(200, content=encode(content))
        return answer

    fetched = Fetch(connected(respond, account), archive, clock=lambda: NOW, progress=Silent()).run(
        [*account.world.by_id][:8]
    )
    assert fetched.absent == ()
    assert fetched.faults


@pytest.mark.parametrize("spelled", [{"partialResult": "true"}, {"partialResult": "True"}, {"failureShards": 2}])
def test_a_partial_result_may_be_spelled_in_other_ways(spelled: dict[str, object]) -> None:
    body = {"_metadata": {"count": 0, "shardsStatusResult": spelled}, "conversationHistoryRecords": []}
    assert read_page(encode(body)).is_complete is False


# ── faults that stay ──


@pytest.mark.parametrize("kind", ["500-0007", "400", "html", "truncated"])
def test_cut_records_that_cannot_be_looked_up_are_kept_and_their_windows_named(
    archive: ArchiveFile, account: Simulator, kind: str
) -> None:
    faults = [Fault("is-partial", times=None), Fault(kind, place="by-id", times=None)]
    summary = harvest(archive, account, *faults)
    assert all("truncated only (isPartial)" in gap.reason for gap in summary.unproven)
    assert len(summary.unproven) >= 9
    assert archive.ledger.sealed() == []
    assert ids(archive) == set(account.world.by_id)


def test_a_record_that_spoils_its_page_costs_only_its_own_ten_minutes(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    start = NOW - 3 * DAY
    simulator.world.fill(record(f"c{number:03d}", start + number * timedelta(minutes=5)) for number in range(300))

    def respond(request: httpx.Request) -> httpx.Response:
        answer = simulator(request)
        spoilt = request.url.path.endswith("/conversations/search") and b'"c123"' in answer.content
        return httpx.Response(200, content=answer.content[:-30]) if spoilt else answer

    source = connected(respond, simulator)
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert {id_ for id_ in simulator.world.by_id if id_ not in ids(archive)} <= {
        f"c{number}" for number in range(119, 128)
    }
    assert sum((gap.window.length for gap in summary.unproven), timedelta(0)) <= timedelta(minutes=30)


def test_an_account_that_answers_nothing_readable_ends_the_harvest_and_unseals_nothing(
    archive: ArchiveFile, account: Simulator
) -> None:
    harvest(archive, account)
    sealed = archive.ledger.sealed()
    assert sealed
    with pytest.raises(SourceUnavailable, match="window after window"):
        harvest(archive, account, Fault("html", times=None))
    assert archive.ledger.sealed() == sealed


@pytest.mark.parametrize("place", ["token", "domain"])
def test_a_maintenance_page_in_another_service_unseals_nothing(
    archive: ArchiveFile, account: Simulator, place: str
) -> None:
    harvest(archive, account)
    sealed = archive.ledger.sealed()
    with pytest.raises(SourceUnavailable):
        harvest(archive, account, Fault("html", place=place, times=None))
    assert archive.ledger.sealed() == sealed
