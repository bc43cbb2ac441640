"""The lanes of a continuous harvest, a step at a time, and the index behind them."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark
from archiver.archive.opening import open_archive
from archiver.errors import ArchiverError, BadAnswer, Locked, SourceUnavailable, Unproven
from archiver.harvest.ingest import Ingest
from archiver.harvest.window_reader import WindowReader
from archiver.index.memory import MemoryStore
from archiver.liveperson.answers import read_record
from archiver.model import CELL, Conversation, Window, from_ms
from archiver.progress import Silent
from archiver.service.indexer import Indexer
from archiver.service.lanes import Backfill, PastGaps, Reconcile, Schedule, Tail, Updates
from archiver.service.service import Service
from archiver.service.state import ServiceState, Snapshot
from archiver.simulator.services import Simulator
from archiver.windows import retention
from tests.conftest import ACCOUNT, NOW, connected, record, sql

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Lively:
    """An account and its archive at a time that is set, and what was asked for."""

    def __init__(self, archive: ArchiveFile, simulator: Simulator) -> None:
        self.archive, self.simulator, self.now = archive, simulator, NOW
        self.asked: list[dict[str, Any]] = []
        simulator.world.clock = lambda: self.now
        self.ingest = Ingest(connected(self._answer, simulator), archive, clock=lambda: self.now, progress=Silent())
        self.reader = WindowReader(self.ingest)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            self.asked.append(json.loads(request.content))
        return self.simulator(request)

    def unsealed(self) -> list[str]:
        """The reasons for which what was proven was withdrawn."""
        return [json.loads(raw or b"")["reason"] for _, raw, _ in self.archive.inspection.bodies("window_unsealed")]


@pytest.fixture
def lively(archive: ArchiveFile, simulator: Simulator) -> Lively:
    return Lively(archive, simulator)


@pytest.mark.parametrize(
    ("now", "end"),
    [(NOW, NOW - CELL), (NOW + 2 * MINUTE - SECOND, NOW - CELL), (NOW + 2 * MINUTE, NOW), (NOW + CELL, NOW)],
)
def test_the_newest_ten_minutes_are_left_alone_until_they_are_two_minutes_past(
    lively: Lively, now: datetime, end: datetime
) -> None:
    """Records appear up to a minute late."""
    lively.now = now
    tail = Tail(lively.ingest, lively.reader, Schedule(since=NOW - 3 * HOUR))
    while tail.step(lively.now) and lively.archive.ledger.bookmark(Bookmark.TAILED) is None:
        pass
    assert max(reading.window.end for reading in lively.archive.ledger.readings()) == end
    assert lively.archive.ledger.bookmark(Bookmark.TAILED) == lively.now


def test_the_newest_are_asked_for_again_after_as_long_as_is_set_and_not_before(lively: Lively) -> None:
    tail = Tail(lively.ingest, lively.reader, Schedule(every=5 * MINUTE, since=NOW - HOUR))
    while lively.archive.ledger.bookmark(Bookmark.TAILED) is None:
        assert tail.step(NOW)
    assert not tail.step(NOW + 5 * MINUTE - SECOND)
    lively.now = NOW + 5 * MINUTE
    assert tail.step(lively.now)


def test_a_sweep_asks_for_changes_since_a_quarter_of_an_hour_before_the_last_one_began(lively: Lively) -> None:
    lively.archive.set_bookmark(Bookmark.SWEPT, NOW - 3 * HOUR)
    updates = Updates(lively.ingest, Schedule(since=NOW - DAY))
    assert updates.step(NOW)
    assert {from_ms(body["latestUpdateTime"]["from"]) for body in lively.asked} == {NOW - 3 * HOUR - 15 * MINUTE}
    assert lively.archive.ledger.bookmark(Bookmark.SWEPT) == NOW
    assert not updates.step(NOW + 15 * MINUTE - SECOND)
    assert updates.step(NOW + 15 * MINUTE)


def test_a_sweep_is_not_over_before_the_part_of_it_that_liveperson_failed_at_was_read(lively: Lively) -> None:
    before, start = NOW - 3 * HOUR, NOW - 50 * DAY
    lively.archive.set_bookmark(Bookmark.SWEPT, before)
    updates = Updates(lively.ingest, Schedule(since=start))
    lively.simulator.deepest = 0  # it answers no search
    with pytest.raises(SourceUnavailable):
        updates.step(NOW)
    lively.simulator.deepest = None
    lively.asked.clear()
    while lively.archive.ledger.bookmark(Bookmark.SWEPT) == before:
        assert updates.step(NOW)
    assert min(from_ms(body["start"]["from"]) for body in lively.asked) == start


def test_gaps_that_liveperson_deletes_within_thirty_days_are_read_first_the_oldest_of_them_first(
    lively: Lively,
) -> None:
    edge = retention(NOW).start + 30 * DAY
    gaps = PastGaps(lively.ingest, Schedule())
    found: list[Window] = []
    while window := gaps.take(NOW, is_expiring=True):
        found.append(window)
    assert found == sorted(found)
    assert found[-1].start < edge <= found[-1].end
    assert not Backfill(lively.reader, gaps, is_expiring=True).step(NOW)
    rest = [window for _ in range(1_000) if (window := gaps.take(NOW, is_expiring=False))]
    assert rest == sorted(rest, reverse=True)
    assert rest[-1].start == found[-1].end


@pytest.mark.parametrize(("change", "announced"), [("one more", 4), ("one fewer", 2)])
def test_a_sealed_window_of_which_liveperson_announces_another_count_is_withdrawn_and_read_again(
    lively: Lively, change: str, announced: int
) -> None:
    start, world = NOW - 3 * DAY, lively.simulator.world
    window = Window(start, start + HOUR)
    world.fill(record(f"c{number}", start + number * MINUTE, "hello") for number in range(3))
    lively.reader.read(window, None)
    reconcile = Reconcile(lively.ingest, lively.reader)
    lively.now = NOW + HOUR
    assert reconcile.step(lively.now)
    assert lively.unsealed() == []  # it agrees
    assert not reconcile.step(lively.now)
    if change == "one more":
        world.put(record("c3", start + 3 * MINUTE, "hello"))
    else:
        world.stored.remove(world.by_id.pop("c2"))
    lively.now += 2 * DAY
    assert reconcile.step(lively.now)
    assert lively.unsealed() == [f"LivePerson announces {announced} now, not 3"]
    (reading,) = lively.archive.ledger.readings()
    assert (reading.window, reading.state, reading.expected) == (window, "sealed", announced)
    assert lively.archive.vault.totals()[0] == max(announced, 3)


def test_at_the_edge_of_what_liveperson_keeps_a_count_without_what_overlaps_proves_nothing(lively: Lively) -> None:
    """A window's count was taken with ten minutes before it, which LivePerson deletes first."""
    start = retention(NOW).start
    lively.simulator.world.put(record("before", start - 5 * MINUTE, "hello"))
    lively.simulator.world.put(record("inside", start + 5 * MINUTE, "hello"))
    lively.now = NOW - 60 * DAY
    lively.reader.read(Window(start, start + HOUR), None)
    lively.now = NOW
    assert Reconcile(lively.ingest, lively.reader).step(NOW)
    assert lively.unsealed() == []
    assert lively.archive.ledger.is_sealed(Window(start, start + HOUR))


# ── one lane after another ──


class Planned:
    """A lane that does what is planned, once each time it is asked: an error is raised; whether there was work."""

    def __init__(self, name: str, *plan: bool | ArchiverError) -> None:
        self.name, self.plan, self.steps = name, list(plan), list[datetime]()

    def step(self, now: datetime) -> bool:
        self.steps.append(now)
        done = self.plan.pop(0) if self.plan else False
        if isinstance(done, ArchiverError):
            raise done
        return done


def test_a_lane_that_failed_waits_and_keeps_none_after_it_from_their_work(lively: Lively) -> None:
    failing = Planned("first", SourceUnavailable("down"), SourceUnavailable("down"))
    idle, busy, last = Planned("idle"), Planned("busy", True, True, True, True), Planned("last")
    state = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW))
    indexer = Indexer(lively.archive, MemoryStore, state)
    service = Service(lively.ingest, [failing, idle, busy, last], indexer, state, threading.Event())
    moments = [NOW, NOW + 15 * SECOND - SECOND / 1000, NOW + 15 * SECOND, NOW + 45 * SECOND - SECOND / 1000]
    with lively.ingest.exclusive():
        for lively.now in moments:
            service.tick()
    assert failing.steps == [NOW, NOW + 15 * SECOND]
    assert idle.steps == busy.steps == moments
    assert last.steps == []  # a lane that did something comes before all after it
    assert state.read().lanes["first"].failures == 2
    assert state.read().lanes["busy"].steps == 4


def test_answers_that_can_t_be_read_or_prove_nothing_are_waited_out_and_do_not_end_the_service(lively: Lively) -> None:
    failing = Planned("first", BadAnswer("no JSON"), Unproven("too few"), True)
    state = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW))
    indexer = Indexer(lively.archive, MemoryStore, state)
    service = Service(lively.ingest, [failing, Planned("busy", True, True)], indexer, state, threading.Event())
    moments = [NOW, NOW + 15 * SECOND, NOW + 45 * SECOND]
    with lively.ingest.exclusive():
        for lively.now in moments:
            service.tick()
    assert failing.steps == moments


@pytest.fixture
def idle(lively: Lively) -> Service:
    """A service that has nothing to do, and so nothing to keep."""
    state = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW))
    stop = threading.Event()
    stop.set()  # so that no tick waits
    return Service(lively.ingest, [Planned("idle")], Indexer(lively.archive, MemoryStore, state), state, stop)


def test_a_service_that_only_waits_beats_once_a_minute(lively: Lively, idle: Service) -> None:
    beats = set()
    with lively.ingest.exclusive():
        for at in range(0, 600, 20):
            lively.now = NOW + at * SECOND
            idle.tick()
            ((beat_at,),) = sql(lively.archive, "SELECT beat_at FROM lease")
            beats.add(datetime.fromisoformat(beat_at))
            assert lively.now - max(beats) < MINUTE
    assert len(beats) == 10


def test_a_service_that_only_waits_learns_that_another_process_has_taken_over(lively: Lively, idle: Service) -> None:
    with lively.ingest.exclusive():
        idle.tick()
        with open_archive(lively.archive.folder) as other:
            other.acquire_lease(NOW + 20 * MINUTE)
        lively.now = NOW + 21 * MINUTE
        with pytest.raises(Locked, match="taken over"):
            idle.tick()


# ── the index behind it ──


def keep(archive: ArchiveFile, first: int, count: int) -> None:
    raws = (record(f"c{number}", NOW, "x") for number in range(first, first + count))
    archive.keep([item for item in map(read_record, raws) if isinstance(item, Conversation)], (), NOW)


def test_few_new_entries_are_applied_when_there_is_nothing_else_to_do_or_after_five_seconds(
    archive: ArchiveFile,
) -> None:
    store = MemoryStore()
    state = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW))
    indexer = Indexer(archive, lambda: store, state)
    keep(archive, 0, 1)
    assert indexer.step(NOW, is_idle=False)  # the first time, to learn where the index is
    assert not indexer.step(NOW + HOUR, is_idle=True)  # nothing is new
    keep(archive, 1, 1)
    assert indexer.step(NOW + HOUR, is_idle=False)
    keep(archive, 2, 1)
    assert not indexer.step(NOW + HOUR + 5 * SECOND - SECOND / 1000, is_idle=False)
    assert indexer.step(NOW + HOUR + SECOND, is_idle=True)
    keep(archive, 3, 1_999)
    assert not indexer.step(NOW + HOUR + 2 * SECOND, is_idle=False)
    keep(archive, 2_002, 1)
    assert indexer.step(NOW + HOUR + 2 * SECOND, is_idle=False)  # two thousand are worth it
    keep(archive, 2_003, 1)
    assert indexer.step(NOW + HOUR + 7 * SECOND, is_idle=False)
    assert store.position().seq == state.read().index.applied == archive.vault.head() == 2_004
