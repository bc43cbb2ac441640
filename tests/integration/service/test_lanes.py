"""The lanes of a continuous harvest, a step at a time, and the index behind them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark
from archiver.archive.opening import open_archive
from archiver.errors import (
    ArchiveError,
    ArchiverError,
    AuthError,
    BadAnswer,
    ConfigError,
    IntegrityError,
    Locked,
    PermissionMissing,
    SourceError,
    SourceUnavailable,
    StoreOutdated,
    Unproven,
)
from archiver.harvest.ingest import Ingest
from archiver.harvest.window_reader import WindowReader
from archiver.index.memory import MemoryStore
from archiver.index.results import Position, Refusal, Version
from archiver.index.store import StoreAdmin
from archiver.index.versions import Unread
from archiver.liveperson.answers import read_record
from archiver.model import CELL, Window, from_ms
from archiver.progress import Silent
from archiver.received import Conversation
from archiver.service.indexer import Indexer
from archiver.service.lanes import Backfill, PastGaps, Reconcile, Tail, Updates
from archiver.service.lease import LeaseKeeper
from archiver.service.schedule import Schedule
from archiver.service.service import Service
from archiver.service.state import ServiceState, Snapshot
from archiver.service.waiting import Gate
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

    def __init__(self, name: str, *plan: bool | Exception) -> None:
        self.name, self.plan, self.steps = name, list(plan), list[datetime]()

    def step(self, now: datetime) -> bool:
        self.steps.append(now)
        done = self.plan.pop(0) if self.plan else False
        if isinstance(done, Exception):
            raise done
        return done


def looping(
    lively: Lively, *lanes: Planned, prove: Callable[[datetime], object] = bool
) -> tuple[Service, ServiceState]:
    """A service with these lanes, none of whose ticks waits, and its state."""
    state, stop = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW)), threading.Event()
    stop.set()
    return Service(lively.ingest, lanes, Gate(state), stop, prove_access=prove), state


def test_a_lane_that_failed_waits_and_keeps_none_after_it_from_their_work(lively: Lively) -> None:
    failing = Planned("first", SourceUnavailable("down"), SourceUnavailable("down"))
    idle, busy, last = Planned("idle"), Planned("busy", True, True, True, True), Planned("last")
    service, state = looping(lively, failing, idle, busy, last)
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
    service, _ = looping(lively, failing, Planned("busy", True, True))
    moments = [NOW, NOW + 15 * SECOND, NOW + 45 * SECOND]
    with lively.ingest.exclusive():
        for lively.now in moments:
            service.tick()
    assert failing.steps == moments


REFUSED = AuthError("LivePerson refused the credentials", hint="Check them.")
FULL = ArchiveError("the archive cannot be used: database or disk is full")


def test_refused_credentials_make_all_lanes_wait_and_are_tried_again_ever_more_rarely(lively: Lively) -> None:
    failing, other, attempts = Planned("first", REFUSED), Planned("other"), list[datetime]()

    def prove(now: datetime) -> None:
        attempts.append(now)
        raise REFUSED

    service, state = looping(lively, failing, other, prove=prove)
    with lively.ingest.exclusive():
        for number in range(0, 220 * 2):
            lively.now = NOW + number * MINUTE / 2
            service.tick()
    attempted = failing.steps + attempts
    assert [(at - NOW) / MINUTE for at in attempted] == [0, 1, 6, 21, 81, 141, 201]
    assert len(failing.steps) == 1
    assert other.steps == []
    pause = state.read().pause
    assert pause is not None
    assert (pause.error, pause.since, pause.attempts) == (REFUSED.message, NOW, len(attempted))
    assert pause.retry_at > lively.now


def test_all_lanes_go_on_once_an_attempt_shows_that_it_is_over(lively: Lively) -> None:
    failing, other = Planned("first", REFUSED, True), Planned("other", True)
    service, state = looping(lively, failing, other)
    with lively.ingest.exclusive():
        for lively.now in (NOW, NOW + MINUTE - SECOND, NOW + MINUTE):
            service.tick()
    assert failing.steps == [NOW, NOW + MINUTE]
    assert state.read().pause is None
    assert state.read().lanes["first"].error is None


def test_a_request_that_is_refused_in_one_lane_only_lets_the_others_go_on(lively: Lively) -> None:
    failing = Planned("first", *[PermissionMissing("LivePerson refused the permission (403)")] * 9)
    other = Planned("other", *[True] * 99)
    service, _ = looping(lively, failing, other)
    with lively.ingest.exclusive():
        for number in range(60):
            lively.now = NOW + number * MINUTE
            service.tick()
    assert [(at - NOW) / MINUTE for at in failing.steps] == [0, 1, 6, 21]
    assert len(other.steps) > 50


@pytest.mark.parametrize(
    "error", [SourceError("LivePerson refused the request: 400"), IntegrityError("damaged"), KeyError("secret text")]
)
def test_an_error_that_no_retry_cures_is_a_lane_s_own_and_tried_again_slowly(lively: Lively, error: Exception) -> None:
    failing, other = Planned("first", *[error] * 9), Planned("other", *[True] * 99)
    service, state = looping(lively, failing, other)
    with lively.ingest.exclusive():
        for number in range(30):
            lively.now = NOW + number * MINUTE
            service.tick()
    assert [(at - NOW) / MINUTE for at in failing.steps] == [0, 1, 6, 21]
    assert len(other.steps) == 30
    assert "secret text" not in str(state.read().lanes["first"].error)


def test_a_disk_that_stays_full_is_tried_again_ever_more_rarely_also_if_it_takes_little() -> None:
    gate = Gate(ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW)))
    now, delays = NOW, list[float]()
    for _ in range(5):
        delays.append(gate.close(FULL, now))
        now += delays[-1] * SECOND
        assert gate.is_due(now)
        gate.open(now, is_proven=False)  # the lease could be written
    assert delays == [60, 120, 300, 300, 300]
    gate.close(FULL, now)
    pause = gate.state.read().pause
    assert pause is not None
    assert (pause.since, pause.attempts) == (NOW, 6)
    gate.open(now, is_proven=False)
    assert gate.close(FULL, now + 15 * MINUTE) == 60  # a new failure


@pytest.mark.parametrize("error", [ConfigError("the account is another"), Locked("taken over"), FULL])
def test_wrong_settings_another_harvester_and_a_full_disk_concern_all_lanes(
    lively: Lively, error: ArchiverError
) -> None:
    service, _ = looping(lively, Planned("first", error))
    with lively.ingest.exclusive(), pytest.raises(type(error)):
        service.tick()


def test_a_clock_that_is_set_back_stops_no_lane(lively: Lively) -> None:
    failing = Planned("first", SourceUnavailable("down"))
    service, _ = looping(lively, failing)
    with lively.ingest.exclusive():
        for lively.now in (NOW, NOW - DAY):
            service.tick()
    assert failing.steps == [NOW, NOW - DAY]
    tail = Tail(lively.ingest, lively.reader, Schedule(since=NOW - HOUR))
    while lively.archive.ledger.bookmark(Bookmark.TAILED) is None:
        assert tail.step(NOW)
    lively.now = NOW - HOUR
    assert tail.step(lively.now)


# ── the lease ──


def never(*_: object) -> None:
    raise AssertionError("it is not lost")


def test_the_lease_is_renewed_while_the_harvest_waits_and_not_while_it_is_stuck(lively: Lively) -> None:
    state = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW))
    with lively.ingest.exclusive():
        keeper = LeaseKeeper(lambda: lively.archive, state, on_lost=never)
        keeper.renew(NOW + 29 * MINUTE)
        assert sql(lively.archive, "SELECT beat_at FROM lease") == [((NOW + 29 * MINUTE).isoformat(),)]
        keeper.renew(NOW + 30 * MINUTE)
        assert sql(lively.archive, "SELECT beat_at FROM lease") == [((NOW + 29 * MINUTE).isoformat(),)]
        state.change(heartbeat_at=NOW + 45 * MINUTE)
        keeper.renew(NOW + 46 * MINUTE)
        assert sql(lively.archive, "SELECT beat_at FROM lease") == [((NOW + 46 * MINUTE).isoformat(),)]


def test_a_harvest_that_only_waits_learns_that_another_process_has_taken_over(lively: Lively) -> None:
    state, lost = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW)), list[Locked]()
    with lively.ingest.exclusive():
        with open_archive(lively.archive.folder) as other:
            other.acquire_lease(NOW + 20 * MINUTE)
        LeaseKeeper(lambda: None, state, never).renew(NOW + 21 * MINUTE)  # while there is no lease to be lost
        LeaseKeeper(lambda: lively.archive, state, lambda _, error: lost.append(error)).renew(NOW + 21 * MINUTE)
    assert ["taken over" in error.message for error in lost] == [True]


# ── the index behind it ──


def keep(archive: ArchiveFile, first: int, count: int) -> None:
    raws = (record(f"c{number}", NOW, "x") for number in range(first, first + count))
    archive.keep([item for item in map(read_record, raws) if isinstance(item, Conversation)], (), NOW)


def indexing(archive: ArchiveFile, store: StoreAdmin) -> tuple[Indexer, ServiceState]:
    state = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=NOW, heartbeat_at=NOW))
    return Indexer(archive, lambda: store, state, threading.Event()), state


def test_few_new_entries_are_applied_after_five_seconds_and_many_at_once(archive: ArchiveFile) -> None:
    store = MemoryStore()
    indexer, state = indexing(archive, store)
    keep(archive, 0, 1)
    assert indexer.step(NOW)  # the first time, to learn where the index is
    assert not indexer.step(NOW + 29 * SECOND)  # nothing is new
    assert indexer.step(NOW + HOUR - 6 * SECOND)  # whether the index still answers and is whole
    assert state.read().index.caught_up_at == NOW + HOUR - 6 * SECOND
    keep(archive, 1, 1)
    assert indexer.step(NOW + HOUR)
    keep(archive, 2, 1)
    assert not indexer.step(NOW + HOUR + 5 * SECOND - SECOND / 1000)
    keep(archive, 3, 1_999)
    assert indexer.step(NOW + HOUR + 2 * SECOND)  # two thousand are worth it
    keep(archive, 2_002, 1)
    assert indexer.step(NOW + HOUR + 7 * SECOND)
    assert store.position().seq == state.read().index.applied == archive.vault.head() == 2_003


def test_the_first_index_of_a_large_archive_is_made_in_stretches_that_its_state_shows(
    archive: ArchiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.service.indexer.MOST_AT_ONCE", 7)
    keep(archive, 0, 30)
    indexer, state = indexing(archive, MemoryStore())
    shown = []
    for number in range(5):
        assert state.read().index.caught_up_at is None
        assert indexer.step(NOW + number * 6 * SECOND)
        shown.append(state.read().index.applied)
    assert shown == [7, 14, 21, 28, 30]
    assert state.read().index.caught_up_at == NOW + 24 * SECOND


def test_an_outdated_index_is_rebuilt_and_its_state_shows_how_far_that_is(
    archive: ArchiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int | None] = []

    class Outdated(MemoryStore):
        is_outdated = True

        def check_current(self) -> None:
            if self.is_outdated:
                raise StoreOutdated("built by another version")

    class Show(MemoryStore):
        def replace(self, versions: Iterable[Version | Unread | Refusal], *, applied: Position) -> int:
            count = super().replace(versions, applied=applied)
            shown.append(state.read().index.rebuilt)
            return count

    old, new = Outdated(), Show()
    new._replaces = old
    monkeypatch.setattr(old, "begin_rebuild", lambda: new)
    monkeypatch.setattr("archiver.index.build.BATCH_CONVERSATIONS", 2)
    keep(archive, 0, 6)
    indexer, state = indexing(archive, old)
    assert indexer.step(NOW)
    assert shown == [None, 2, 4]
    assert (state.read().index.rebuilt, state.read().index.error, old.position().seq) == (None, None, 6)


def test_an_index_that_fails_in_a_way_that_nobody_foresaw_is_tried_again_too(archive: ArchiveFile) -> None:
    class Odd(MemoryStore):
        is_odd = True

        def position(self) -> Position:
            if self.is_odd:
                raise KeyError("what the customer wrote")
            return super().position()

    store = Odd()
    indexer, state = indexing(archive, store)
    keep(archive, 0, 1)
    assert not indexer.step(NOW)
    assert "unexpected KeyError in test_lanes.py" in str(state.read().index.error)
    assert "customer" not in str(state.read().index.error)
    store.is_odd = False
    assert not indexer.step(NOW + MINUTE - SECOND)
    assert indexer.step(NOW + MINUTE)
    assert state.read().index.error is None
