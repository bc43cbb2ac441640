"""From a simulated account into the vault."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest

from archiver import windows
from archiver.archive import chain
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark, WindowState
from archiver.archive.opening import open_archive
from archiver.archive.verify import verify_vault
from archiver.errors import AuthError, Locked, RateLimited, SourceUnavailable
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.ingest import Ingest
from archiver.jsontext import decode, encode
from archiver.model import Window, to_ms
from archiver.progress import Silent
from archiver.service.lanes import Updates
from archiver.service.schedule import Schedule
from archiver.simulator.courses import courses
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from tests.conftest import NOW, connected, record, sql

SPAN = Window(NOW - timedelta(days=10), NOW)
Respond = Callable[[httpx.Request], httpx.Response]


def fill(
    world: World, count: int, *, start: datetime = NOW - timedelta(days=9), step: timedelta = timedelta(minutes=13)
) -> None:
    world.fill(record(f"c{number:04d}", start + number * step, f"text {number}") for number in range(count))


def harvest(archive: ArchiveFile, simulator: Simulator, respond: Respond | None = None, span: Window = SPAN) -> Summary:
    source = connected(respond or simulator, simulator)
    return Harvest(source, archive, clock=simulator.world.clock, progress=Silent()).run(span)


def records(archive: ArchiveFile) -> int:
    """How many versions of conversations the vault holds."""
    return sum(1 for _ in archive.inspection.bodies("record"))


def contents(archive: ArchiveFile) -> dict[str, bytes]:
    return {record.conversation_id: record.raw for record in archive.vault.after(0)}


def test_every_conversation_arrives_byte_for_byte_and_a_second_look_adds_nothing(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    fill(simulator.world, 500)
    simulator.world.put(record("open", NOW - timedelta(hours=5), "hi", info={"status": "OPEN", "endTimeL": -1}))
    first = harvest(archive, simulator)
    assert (first.conversations, first.new, first.unproven) == (501, 501, ())
    kept = contents(archive)
    assert set(kept) == set(simulator.world.by_id)
    assert kept["c0123"] == simulator.world.by_id["c0123"].raw
    assert archive.vault.totals() == (501, 501)
    simulator.world.clock = lambda: NOW + timedelta(hours=3)
    second = harvest(archive, simulator)
    assert (second.conversations, second.new, records(archive)) == (501, 0, 501)
    head = archive.vault.head()
    assert (harvest(archive, simulator).new, archive.vault.head()) == (0, head)
    assert list(chain.faults(archive.inspection.entries())) == []


def test_a_changed_conversation_is_a_new_version_and_the_old_one_stays(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    start = NOW - timedelta(days=2)
    simulator.world.put(record("c", start, "first"))
    harvest(archive, simulator)
    simulator.world.put(record("c", start, "first", "second"))
    assert harvest(archive, simulator).new == 1
    assert records(archive) == 2
    assert b"second" in archive.vault.current("c").raw


def test_a_cell_with_more_conversations_than_a_page_is_read_whole(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 730, start=NOW - timedelta(days=3), step=timedelta(0))
    summary = harvest(archive, simulator)
    assert (summary.conversations, summary.unproven) == (730, ())


def test_a_window_with_very_many_conversations_is_split(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 2_500, start=NOW - timedelta(days=3, hours=11), step=timedelta(seconds=20))
    assert harvest(archive, simulator).conversations == 2_500
    lengths = {window.length for window in archive.ledger.sealed()}
    assert timedelta(hours=12) in lengths


def test_starts_on_the_edges_of_windows_and_of_the_span_are_kept(archive: ArchiveFile, simulator: Simulator) -> None:
    edges = [SPAN.start, SPAN.start + timedelta(days=1), NOW - timedelta(minutes=1), NOW.replace(hour=0)]
    for number, edge in enumerate(edges):
        simulator.world.put(record(f"edge{number}", edge))
        simulator.world.put(record(f"before{number}", edge - timedelta(milliseconds=1)))
    harvest(archive, simulator)
    assert {f"edge{number}" for number in range(len(edges))} <= set(contents(archive))


def test_the_newest_windows_are_not_called_complete_yet(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 10)
    harvest(archive, simulator)
    assert max(window.end for window in archive.ledger.sealed()) <= NOW - timedelta(hours=2)


def test_a_token_that_expires_in_the_middle_is_renewed_without_losing_a_page(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    """Every third page meets an expired token. None expires between a refusal and the one repeat after it."""
    fill(simulator.world, 300)
    lock = threading.Lock()  # windows are read ahead by another thread
    seen, refused, expired = set[object](), set[object](), 0

    def forgetful(request: httpx.Request) -> httpx.Response:
        nonlocal expired
        if not request.url.path.endswith("/conversations/search"):
            return simulator(request)
        page = (request.url, request.content)
        with lock:
            if page not in seen and len(seen) % 3 == 2 and not refused:
                simulator.expire_tokens()
                expired += 1
            seen.add(page)
            answer = simulator(request)
            (refused.add if answer.status_code == 401 else refused.discard)(page)
            return answer

    assert harvest(archive, simulator, forgetful).conversations == 300
    assert expired > 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_faults_are_waited_out(archive: ArchiveFile, simulator: Simulator, status: int) -> None:
    fill(simulator.world, 300)
    calls = 0

    def faulty(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return httpx.Response(status, text="busy") if calls % 3 == 0 else simulator(request)

    summary = harvest(archive, simulator, faulty)
    assert (summary.conversations, summary.unproven) == (300, ())


@pytest.mark.parametrize("broken", ["cut", "html", "reset"])
def test_an_unreadable_answer_is_asked_for_again(archive: ArchiveFile, simulator: Simulator, broken: str) -> None:
    fill(simulator.world, 300)
    calls = 0

    def faulty(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        answer = simulator(request)
        if calls % 4 or "search" not in request.url.path:
            return answer
        if broken == "reset":
            raise httpx.ReadError("connection reset", request=request)
        return httpx.Response(200, content=answer.content[:-7] if broken == "cut" else b"<html>busy</html>")

    summary = harvest(archive, simulator, faulty)
    assert (summary.conversations, summary.unproven) == (300, ())


def altered(simulator: Simulator, change: Callable[[dict[str, object]], None]) -> Respond:
    """Answers of the search, changed on their way."""

    def respond(request: httpx.Request) -> httpx.Response:
        answer = simulator(request)
        if not request.url.path.endswith("/conversations/search"):
            return answer
        content = decode(answer.content)
        change(content)
        return httpx.Response(200, content=encode(content))

    return respond


def test_partial_results_are_never_called_complete(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 20)
    partial = altered(
        simulator, lambda content: content["_metadata"].update(shardsStatusResult={"partialResult": True})
    )  # type: ignore[attr-defined]
    summary = harvest(archive, simulator, partial)
    assert summary.conversations == 20
    assert summary.unproven
    assert archive.ledger.sealed() == []


def test_a_dropped_record_leaves_its_window_unproven(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 20, step=timedelta(hours=5))
    liar = altered(
        simulator,
        lambda content: (
            content["conversationHistoryRecords"][:1].clear()
            or content.update(conversationHistoryRecords=content["conversationHistoryRecords"][1:])
        ),
    )  # type: ignore[index, func-returns-value]
    summary = harvest(archive, simulator, liar)
    assert all("announced" in gap.reason for gap in summary.unproven)
    assert len(summary.unproven) >= 4


def test_one_bad_record_never_costs_its_page_and_is_quarantined(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 50)
    bad = altered(simulator, lambda content: content["conversationHistoryRecords"].append({"info": {"no": "id"}}))  # type: ignore[attr-defined]
    summary = harvest(archive, simulator, bad)
    assert summary.conversations == 50
    assert archive.vault.count_quarantined() == 1
    assert summary.unproven


def test_a_full_cell_whose_pages_never_fit_is_read_by_status_and_skill(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    """The server shows any hundred rows of more; only what fits into one page can be trusted."""
    start = NOW - timedelta(days=3)
    for number in range(290):
        info = {"latestSkillId": number % 4, "latestSkillName": f"skill {number % 4}"}
        if number < 60:
            info |= {"status": "OPEN", "endTimeL": -1}
        simulator.world.put(record(f"c{number:04d}", start, "hello", info=info))
    asked = []

    def respond(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/conversations/search"):
            return simulator(request)
        body = json.loads(request.content)
        asked.append(body)
        url = request.url.copy_merge_params({"offset": "0"})  # every page is the first
        return simulator(httpx.Request("POST", url, content=request.content, headers=request.headers))

    summary = harvest(archive, simulator, respond, Window(start, start + timedelta(minutes=10)))
    assert summary.unproven == ()
    assert archive.vault.totals()[0] == 290
    statuses = [body["status"][0] for body in asked if "status" in body]
    assert statuses[0] == "OPEN"
    assert {skill for body in asked for skill in body.get("latestSkillIds", [])} == {0, 1, 2, 3}


def test_a_window_that_liveperson_does_not_keep_whole_is_never_called_complete(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    """And what was proven while it was kept stays proven."""
    old = windows.retention(NOW).start + timedelta(days=1)
    simulator.world.put(record("old", old, "hello"))
    span = Window(old - timedelta(days=3), old + timedelta(days=3))
    assert all(
        gap.window.start < windows.retention(NOW).start for gap in harvest(archive, simulator, span=span).unproven
    )
    assert archive.ledger.is_sealed(Window(old, old + timedelta(minutes=10)))
    simulator.world.clock = lambda: NOW + timedelta(days=30)
    harvest(archive, simulator, span=span)
    assert archive.ledger.is_sealed(Window(old, old + timedelta(minutes=10)))
    assert not archive.ledger.is_sealed(Window(old - timedelta(days=3), old - timedelta(days=2)))


def test_a_failed_look_at_hours_that_were_proven_unproves_none(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 100)
    day = Window(NOW - timedelta(days=6, hours=12), NOW - timedelta(days=5, hours=12))
    for hour in range(24):
        start = day.start + timedelta(hours=hour)
        harvest(archive, simulator, span=Window(start, start + timedelta(hours=1)))
    sealed = archive.ledger.sealed()
    assert len(sealed) == 24

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500) if request.url.path.endswith("/search") else simulator(request)

    harvest(archive, simulator, respond, day)
    assert archive.ledger.sealed() == sealed


def test_a_proven_window_that_has_grown_is_not_called_complete_by_half(
    archive: ArchiveFile, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.windows.MOST_PER_WINDOW", 3)
    day = Window(NOW - timedelta(days=6, hours=12), NOW - timedelta(days=5, hours=12))
    for number in range(3):
        simulator.world.put(record(f"c{number}", day.start + timedelta(hours=number), "hello"))
    harvest(archive, simulator, span=day)
    assert archive.ledger.is_sealed(day)
    for number in range(3, 6):
        simulator.world.put(record(f"c{number}", day.start + timedelta(hours=10 + number), "hello"))

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            body = json.loads(request.content)["start"]
            if body["to"] - body["from"] < 86_400_000 and body["to"] >= to_ms(day.start + timedelta(hours=14)):
                return httpx.Response(500)
        return simulator(request)

    harvest(archive, simulator, respond, day)
    assert not archive.ledger.is_sealed(day)
    assert harvest(archive, simulator, span=day).unproven == ()
    assert archive.vault.totals()[0] == 6
    assert list(verify_vault(archive, Silent())) == []


def test_one_window_that_liveperson_fails_at_is_named_and_the_others_are_read(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    fill(simulator.world, 900)
    bad = NOW - timedelta(days=5, hours=3)

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            start = json.loads(request.content)["start"]
            if start["from"] <= to_ms(bad) <= start["to"]:
                return httpx.Response(500)
        return simulator(request)

    summary = harvest(archive, simulator, respond)
    (gap,) = summary.unproven
    window, reason = gap.window, gap.reason
    assert bad in window
    assert "500" in reason
    assert archive.ledger.unproven() == [(window, reason)]
    assert harvest(archive, simulator).unproven == ()
    assert set(contents(archive)) == set(simulator.world.by_id)
    assert archive.ledger.unproven() == []


def test_a_cut_record_is_read_again_by_its_id(archive: ArchiveFile, simulator: Simulator) -> None:
    start = NOW - timedelta(days=1)
    simulator.world.put(record("c", start, "one", "two", "three"))

    def cut(content: dict[str, object]) -> None:
        for item in content["conversationHistoryRecords"]:  # type: ignore[attr-defined]
            item["info"]["isPartial"] = True
            item["messageRecords"] = item.get("messageRecords", [])[:1]

    for _ in range(2):
        harvest(archive, simulator, altered(simulator, cut))
    assert records(archive) == 1
    assert b"three" in archive.vault.current("c").raw


def test_lone_surrogates_and_broken_utf8_are_kept_as_they_came(archive: ArchiveFile, simulator: Simulator) -> None:
    raw = record("odd", NOW - timedelta(days=1), "MARK").replace(b"MARK", b"half \\ud83d and \xff")
    simulator.world.put(record("fine", NOW - timedelta(days=1)))

    def respond(request: httpx.Request) -> httpx.Response:
        answer = simulator(request)
        if request.url.path.endswith("/conversations/search") and b"fine" in answer.content:
            body = answer.content.replace(b'"count":1', b'"count":2').replace(
                b'Records":[', b'Records":[' + raw + b",", 1
            )
            return httpx.Response(200, content=body)
        return answer

    summary = harvest(archive, simulator, respond)
    assert (summary.conversations, summary.unproven) == (2, ())
    assert archive.vault.current("odd").raw == raw


def test_wrong_credentials_stop_at_once_and_keep_nothing(archive: ArchiveFile, simulator: Simulator) -> None:
    source = connected(simulator, simulator)
    simulator.tokens.client_secret = "changed"
    with pytest.raises(AuthError):
        Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert archive.vault.head() == 0


def test_a_missing_permission_is_named(archive: ArchiveFile, simulator: Simulator) -> None:
    def forbid(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403) if "messaging_history" in request.url.path else simulator(request)

    with pytest.raises(AuthError) as caught:
        harvest(archive, simulator, forbid)
    assert "msgHist" in str(caught.value.hint)


def test_a_server_that_stays_down_ends_the_harvest_and_the_next_one_goes_on(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    fill(simulator.world, 300)
    searches = 0

    def dying(request: httpx.Request) -> httpx.Response:
        nonlocal searches
        searches += request.url.path.endswith("/conversations/search")
        return httpx.Response(503) if searches > 5 else simulator(request)

    with pytest.raises(SourceUnavailable):
        harvest(archive, simulator, dying)
    done = set(archive.ledger.readings())
    assert archive.ledger.sealed()
    harvest(archive, simulator)
    assert {reading for reading in done if reading.state is WindowState.SEALED} <= set(archive.ledger.readings())
    assert set(contents(archive)) == set(simulator.world.by_id)


def test_endless_throttling_is_told_as_what_it_is(archive: ArchiveFile, simulator: Simulator) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "1"}) if "search" in request.url.path else simulator(request)

    with pytest.raises(RateLimited):
        harvest(archive, simulator, slow)


def test_a_second_harvester_is_refused_and_a_dead_ones_place_is_taken(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    with open_archive(archive.folder) as other:
        other.acquire_lease(NOW)
    ((here,),) = sql(archive, "SELECT host FROM lease")
    sql(archive, "UPDATE lease SET pid = 1, host = 'elsewhere'")
    with pytest.raises(Locked):
        harvest(archive, simulator)
    sql(archive, "UPDATE lease SET pid = 2147480000, host = ?", here)
    assert harvest(archive, simulator).unproven == ()


def test_a_host_of_a_link_is_never_asked(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 300, step=timedelta(minutes=1))
    hosts = set()

    def watch(request: httpx.Request) -> httpx.Response:
        hosts.add(request.url.host)
        return simulator(request)

    harvest(archive, simulator, watch)
    assert hosts == {"api.simulator.test", simulator.host}


# ── what changes later ──


def test_a_conversation_that_was_open_outside_the_span_is_looked_at_again(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    start = NOW - timedelta(days=8)
    simulator.world.put(record("slow", start, "one", info={"status": "OPEN", "endTimeL": -1}))
    harvest(archive, simulator)
    simulator.world.put(record("slow", start, "one", "two", "and closed"))
    simulator.world.clock = lambda: NOW + timedelta(hours=1)
    harvest(archive, simulator, span=Window(NOW - timedelta(days=1), NOW))
    assert b"and closed" in archive.vault.current("slow").raw
    assert archive.ledger.count_watched() == 0


def test_what_is_open_and_gone_at_liveperson_is_not_asked_for_again_and_stays_in_the_vault(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    simulator.world.put(record("slow", NOW - timedelta(days=8), "one", info={"status": "OPEN", "endTimeL": -1}))
    harvest(archive, simulator)
    simulator.world.stored.clear()
    simulator.world.by_id.clear()
    simulator.world.clock = lambda: NOW + timedelta(hours=1)
    for hours in (1, 2):  # a server may err once
        simulator.world.clock = lambda hours=hours: NOW + timedelta(hours=hours)
        harvest(archive, simulator, span=Window(NOW - timedelta(days=1), NOW))
        assert archive.ledger.count_watched() == 2 - hours
    assert archive.vault.totals()[0] == 1


def sweep(archive: ArchiveFile, simulator: Simulator, respond: Respond | None = None) -> int:
    """All that changed since the last time; how many versions that made."""
    source = connected(respond or simulator, simulator)
    clock = simulator.world.clock
    ingest = Ingest(source, archive, clock=clock, progress=Silent())
    updates = Updates(ingest, Schedule())
    with ingest.exclusive():
        while updates.step(clock()):
            pass
    return ingest.new


def test_a_sweep_finds_what_changed_long_after_it_was_harvested(archive: ArchiveFile, simulator: Simulator) -> None:
    """A late survey, a mask, a deletion: of conversations closed long ago."""
    simulator.world.schedule(courses(NOW - timedelta(days=60), NOW, 200, deletes=True))
    now = [NOW - timedelta(days=20)]
    simulator.world.clock = lambda: now[0]
    assert sweep(archive, simulator) == 0
    harvest(archive, simulator, span=windows.retention(now[0]))
    for _ in range(20):
        now[0] += timedelta(days=1)
        sweep(archive, simulator)
    shown = {id_: item.at(NOW).raw for id_, item in simulator.world.by_id.items()}
    deleted = [id_ for id_, raw in shown.items() if b"LP deleted data" in raw]
    assert deleted
    for id_ in deleted:
        assert b"LP deleted data" in archive.vault.current(id_).raw
    assert contents(archive).keys() == shown.keys()


def test_a_sweep_that_is_not_proven_whole_is_done_again(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator.world, 30)
    now = [NOW]
    simulator.world.clock = lambda: now[0]
    sweep(archive, simulator)
    harvest(archive, simulator)
    now[0] += timedelta(hours=1)
    simulator.world.put(record("c0003", NOW - timedelta(days=9), "changed"))
    partial = altered(
        simulator, lambda content: content["_metadata"].update(shardsStatusResult={"partialResult": True})
    )  # type: ignore[attr-defined]
    sweep(archive, simulator, partial)
    assert archive.ledger.bookmark(Bookmark.SWEPT) == NOW
    now[0] += timedelta(hours=1)
    sweep(archive, simulator)
    assert archive.ledger.bookmark(Bookmark.SWEPT) == now[0]
    assert b"changed" in archive.vault.current("c0003").raw


@pytest.mark.parametrize("minutes", [90, 20 * 60 + 40, 10 * 24 * 60 + 30])
def test_the_hours_that_are_told_as_done_add_up_to_those_that_were_announced(
    archive: ArchiveFile, simulator: Simulator, minutes: int
) -> None:
    class Told(Silent):
        total, done = 0, 0

        def start(self, title: str, total: int | None, unit: str) -> None:
            self.total += total or 0 if unit == "hours" else 0

        def advance(self, count: int = 1, **counts: int | str) -> None:
            self.done += count if "conversations" in counts else 0

    fill(simulator.world, 100, step=timedelta(minutes=137))
    told, span = Told(), Window(NOW - timedelta(minutes=minutes), NOW)
    source = connected(simulator, simulator)
    Harvest(source, archive, clock=simulator.world.clock, progress=told).run(span)
    assert (told.done, told.total) == (told.total, round(minutes / 60))
