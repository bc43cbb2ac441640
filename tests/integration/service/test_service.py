"""The harvest that goes on for ever: what is new, what changed, what is missing, whatever fails in between."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from archiver import windows
from archiver.archive.coverage import stretches
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark, WindowReading, WindowState
from archiver.archive.opening import make_archive, open_archive
from archiver.archive.verify import verify_vault
from archiver.archive.versions import Change, compare_raw
from archiver.config.secrets import Secret
from archiver.config.settings import StoreAddress
from archiver.errors import Locked, SourceUnavailable, StoreUnavailable
from archiver.harvest.harvest import Harvest
from archiver.harvest.ingest import Ingest
from archiver.harvest.window_reader import WindowReader
from archiver.index.store import StoreAdmin, open_store
from archiver.index.verify import verify_index
from archiver.liveperson.auth import Credentials, User
from archiver.model import Window, to_ms
from archiver.progress import Silent
from archiver.service.counts import Counter
from archiver.service.health import answer
from archiver.service.indexer import Indexer
from archiver.service.lanes import make_lanes
from archiver.service.lease import LeaseKeeper
from archiver.service.schedule import Schedule
from archiver.service.service import Service
from archiver.service.state import ServiceState, Snapshot
from archiver.service.troubles import Level, level_of
from archiver.service.waiting import Backoff, Gate
from archiver.simulator.courses import courses
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from archiver.value import replace
from tests import schemas
from tests.conftest import ACCOUNT, NOW, connected, record, sql
from tests.services import following, get, simulated, until

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Respond = Callable[[httpx.Request], httpx.Response]


@dataclass
class Running:
    """A service in this process, whose time passes when it waits: ten minutes a time; a second for each step."""

    folder: Path
    since: datetime
    now: datetime = NOW
    respond: Respond | None = None
    index: Callable[[], StoreAdmin] | None = None
    until: datetime = NOW
    left_out: str = ""
    credentials: Credentials | None = None
    on_tick: Callable[[], None] = lambda: None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(ACCOUNT, lambda: self.now)
        self.simulator = Simulator(self.world)
        self.archive = make_archive(self.folder, ACCOUNT)
        self.board = ServiceState(Snapshot(ACCOUNT, HOUR, started_at=self.now, heartbeat_at=self.now))
        schedule = Schedule(since=self.since)
        self.counter = Counter(self.archive.another_connection, schedule, clock_s=self._seconds)
        self.restart()

    def _seconds(self) -> float:
        return self.now.timestamp()

    def restart(self) -> None:
        """Goes on as a service that knows only what is in the archive."""
        self.service = self._service()

    def _service(self) -> Service:
        source = connected(self._answer, self.simulator, self.credentials)
        self.ingest = ingest = Ingest(source, self.archive, clock=lambda: self.now, progress=Silent())
        schedule = Schedule(since=self.since)
        self.indexer = Indexer(self.archive, self.open_index, self.board, self)
        self.keeper = LeaseKeeper(lambda: self.archive, self.board, self._lose)
        reader = WindowReader(ingest)
        lanes = [lane for lane in make_lanes(ingest, reader, schedule) if lane.name != self.left_out]
        prove = source.prove_access
        return Service(ingest, lanes, Gate(self.board), self, prove_access=prove, on_tick=self._tick)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            self.asked.append(json.loads(request.content))
        return (self.respond or self.simulator)(request)

    def open_index(self) -> StoreAdmin:
        if self.index:
            return self.index()
        return open_store(StoreAddress(), folder=self.archive.folder, archive_id=self.archive.id)

    def _tick(self) -> None:
        """What the other threads of a service do meanwhile."""
        self.now += timedelta(seconds=1)
        self.indexer.step(self.now)
        self.keeper.renew(self.now)
        self.on_tick()

    def _lose(self, archive: ArchiveFile, error: Locked) -> None:
        raise error

    def is_set(self) -> bool:
        return self.now >= self.until

    def wait(self, timeout: float) -> None:
        self.now += 10 * MINUTE

    def without(self, lane: str) -> None:
        """Goes on as a service that lacks one lane."""
        self.left_out = lane
        self.restart()

    def run(self, length: timedelta) -> None:
        self.until = self.now + length
        with self.ingest.exclusive():
            self.service.run()
        self.indexer.close()

    def state_now(self) -> Snapshot:
        return self.board.read()

    def observed(self, now: datetime) -> Snapshot:
        return replace(self.board.read(), archive=self.counter.read(now))

    def state(self, window: Window) -> set[str]:
        """In which states the hours of a window are."""
        readings = list(self.archive.ledger.readings())
        return {item.state.value for item in stretches(window, readings, self.now)}

    def raw(self, conversation_id: str) -> bytes:
        return self.archive.vault.current(conversation_id).raw


def health_of(running: Running) -> tuple[int, Any]:
    """The status and content of the answer about its health."""
    response = answer("/health/harvest", [running], running.now)
    assert response
    return response[0], schemas.checked(response[2])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path / "archive", since=NOW - 5 * DAY)
    yield made
    made.counter.close()
    made.archive.close()


def test_a_living_account_is_followed_to_the_end_of_every_conversation(running: Running) -> None:
    running.world.schedule(courses(NOW - 3 * DAY, NOW + DAY, 99, deletes=False))
    running.run(7 * DAY)
    (page,) = connected(running.simulator, running.simulator).by_ids(list(running.world.by_id))
    assert len(page.conversations) == 99
    for item in page.conversations:
        kept = running.raw(item.id)  # of a search, where it was over long before
        assert kept == item.raw or compare_raw(kept, item.raw) is Change.LESS_DETAIL
    assert running.archive.ledger.count_watched() == 0
    assert running.state(Window(NOW - 5 * DAY + HOUR, NOW + 6 * DAY)) == {"sealed"}
    assert level_of(running.observed(running.now), running.now) is Level.GREEN
    assert list(verify_vault(running.archive, Silent())) == []
    store = running.open_index()
    assert list(verify_index(running.archive, store, Silent())) == []
    store.close()


def test_the_head_is_logged_every_hour_and_at_the_end(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="archiver"):
        running.run(5 * HOUR)
    heads = [item.fields["head"] for item in caplog.records if item.event == "archive.head"]  # type: ignore[attr-defined]
    assert len(heads) in (6, 7)
    assert heads[-1] == running.archive.vault.noted_head()


def test_what_is_new_comes_before_the_past_and_what_expires_before_the_rest(running: Running) -> None:
    running.since = running.now - 500 * DAY
    running.restart()
    running.run(HOUR)
    bodies = [body for body in running.asked if "latestUpdateTime" not in body]
    edge = windows.retention(NOW).start
    asked = [datetime.fromtimestamp(body["start"]["from"] / 1000, NOW.tzinfo) for body in bodies]
    days = [day for day in asked if day >= edge]
    assert set(asked[: len(asked) - len(days)]).isdisjoint(days)  # first what LivePerson need not keep any more
    first_old = next(at for at, day in enumerate(days) if day < NOW - 3 * DAY)
    assert all(day > NOW - 3 * DAY for day in days[:first_old])
    expiring = [day for day in days if day < edge + 30 * DAY]
    assert days[first_old] == min(expiring)
    others = [day for day in days[first_old:] if day >= edge + 31 * DAY and day < NOW - 3 * DAY]
    assert others == sorted(others, reverse=True)
    assert running.state(Window(NOW - 300 * DAY, NOW - 3 * DAY)) == {"sealed"}


def test_a_service_withdraws_proofs_and_bookmarks_of_the_future_and_harvests_what_is_new(running: Running) -> None:
    """They are those of a clock that was 200 days ahead, and is right again."""
    then = NOW + 200 * DAY
    days = [Window(NOW + day * DAY, NOW + (day + 1) * DAY) for day in range(-1, 199)]
    readings = [WindowReading(day, WindowState.SEALED, 0, 0, 0, 0, "") for day in days]
    running.archive.record(readings, run=None, now=then)
    for name in (Bookmark.TAILED, Bookmark.SWEPT):
        running.archive.set_bookmark(name, then)
    starts = {"old": NOW - 5 * HOUR, "new": NOW + 45 * MINUTE}
    running.world.fill(record(id_, start, "hello") for id_, start in starts.items())
    running.run(4 * HOUR)
    assert running.archive.ledger.sealed()
    assert max(window.end for window in running.archive.ledger.sealed()) <= running.now - 2 * HOUR
    assert {running.raw(id_) for id_ in starts} == {running.world.by_id[id_].raw for id_ in starts}
    assert list(verify_vault(running.archive, Silent(), now=running.now)) == []
    assert health_of(running)[1]["level"] == "green"


def test_a_service_whose_machine_has_a_wrong_clock_reads_everything_proves_nothing_and_says_so(
    running: Running,
) -> None:
    running.simulator.date_is_off = -DAY  # to the service its own clock is a day ahead
    running.world.put(record("c", NOW - 3 * HOUR, "hello"))
    running.run(HOUR)
    assert running.raw("c")
    assert running.archive.ledger.sealed() == []
    account = health_of(running)[1]["accounts"][0]
    level, troubles = account["level"], account["troubles"]
    assert level == "yellow"
    assert any("clock is 24.0 hours ahead" in trouble["what"] for trouble in troubles)


def test_an_hour_stays_provisional_until_records_can_no_longer_arrive_late(running: Running) -> None:
    running.run(10 * MINUTE)
    states = {reading.window.end > NOW - 2 * HOUR: reading.state for reading in running.archive.ledger.readings()}
    assert states == {True: WindowState.PROVISIONAL, False: WindowState.SEALED}
    late = record("late", NOW - HOUR, "hello")
    running.world.put(late)
    running.run(4 * HOUR)
    assert running.raw("late") == late
    assert running.state(Window(NOW - 5 * HOUR, NOW)) == {"sealed"}


def test_an_open_conversation_is_up_to_date_within_as_long_as_it_was_quiet(running: Running) -> None:
    start = NOW - 4 * DAY
    running.world.put(record("slow", start, "one", info={"status": "OPEN", "endTimeL": -1}))
    running.run(HOUR)
    running.without("updates")
    running.world.put(record("slow", start, "one", "two"))
    running.run(DAY + HOUR)
    assert b"two" in running.raw("slow")


def test_what_changes_long_after_its_end_is_found_by_the_next_sweep(running: Running) -> None:
    running.world.put(record("old", NOW - 4 * DAY, "my card is 4111111111111111"))
    running.run(HOUR)
    running.world.put(record("old", NOW - 4 * DAY, "my card is ****************"))
    running.run(HOUR / 2)
    assert b"****" in running.raw("old")


def test_the_first_sweep_covers_the_time_since_the_archive_was_first_harvested(running: Running) -> None:
    old = NOW - 4 * DAY
    running.world.put(record("old", old, "before"))
    source = connected(running.simulator, running.simulator)
    span = Window(NOW - 5 * DAY, NOW)
    Harvest(source, running.archive, clock=lambda: running.now, progress=Silent()).run(span)
    running.now += 10 * DAY
    running.world.put(record("old", old, "before", "after"))
    running.now += 10 * DAY
    running.run(HOUR)
    assert b"after" in running.raw("old")


def test_what_arrived_after_a_window_was_sealed_is_found_by_counting_again(running: Running) -> None:
    running.run(HOUR)
    assert running.state(Window(NOW - 4 * DAY, NOW - 3 * DAY)) == {"sealed"}
    running.without("updates")
    stray = record("stray", NOW - 4 * DAY + 90 * MINUTE, "from an archive elsewhere")
    running.world.put(stray)
    running.run(2 * DAY)
    assert running.raw("stray") == stray
    assert running.state(Window(NOW - 4 * DAY, NOW - 3 * DAY)) == {"sealed"}
    assert list(verify_vault(running.archive, Silent())) == []


def test_an_index_out_of_reach_stops_nothing_and_is_brought_up_to_date_when_it_is_back(running: Running) -> None:
    def away() -> StoreAdmin:
        raise StoreUnavailable("the index does not answer")

    running.index = away
    running.world.put(record("one", NOW - DAY, "hello"))
    running.run(HOUR)
    assert running.raw("one")
    assert answer("/readyz", [running], running.now)[0] == 503  # type: ignore[index]
    assert "the index does not answer" in str(health_of(running)[1]["accounts"][0]["troubles"])
    running.index = None
    running.run(HOUR)
    store = running.open_index()
    assert store.position().seq == running.archive.vault.head()
    store.close()
    assert answer("/readyz", [running], running.now)[0] == 200  # type: ignore[index]


def test_a_damaged_record_keeps_the_index_behind_and_stops_no_harvest(running: Running) -> None:
    for number in range(3):
        running.world.put(record(f"c{number}", NOW - DAY, "hello"))
    running.index = lambda: (_ for _ in ()).throw(StoreUnavailable("not yet"))
    running.run(HOUR)
    sql(running.archive, "UPDATE bodies SET salt = zeroblob(32) WHERE seq IN (SELECT seq FROM current LIMIT 1)")
    running.index = None
    running.world.put(record("new", running.now, "hello"))
    running.run(HOUR)
    assert running.raw("new")
    assert "is not what was kept" in str(health_of(running)[1]["accounts"][0]["troubles"])


def test_a_liveperson_that_is_down_is_waited_for_and_red_after_a_while(running: Running) -> None:
    running.run(HOUR)
    running.respond = lambda request: httpx.Response(503)
    running.asked.clear()
    running.run(6 * HOUR)
    assert health_of(running)[0] == 503
    assert len(running.asked) < 6 * 6 * 30  # it is asked ever more rarely, by each lane
    running.respond = None
    running.world.put(record("meanwhile", NOW + 3 * HOUR, "hello"))
    running.run(HOUR)
    assert running.raw("meanwhile")
    assert health_of(running)[0] == 200


def test_an_hour_and_a_day_that_liveperson_fails_at_keep_nothing_else_from_being_read(running: Running) -> None:
    bad = [NOW - 5 * HOUR, NOW - 4 * DAY + 3 * HOUR]

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            start = json.loads(request.content)["start"]
            if any(start["from"] <= to_ms(at) <= start["to"] for at in bad):
                return httpx.Response(500)
        return running.simulator(request)

    running.respond = respond
    running.world.put(record("young", NOW - HOUR, "hello"))
    running.world.put(record("old", NOW - 3 * DAY, "hello"))
    running.run(6 * HOUR)
    assert running.raw("young")
    assert running.raw("old")
    assert running.state(Window(NOW - 3 * DAY - HOUR, NOW - 2 * DAY)) == {"sealed"}
    assert running.board.read().lanes["tail"].failures > 3
    bad.clear()
    running.run(2 * HOUR)
    assert running.state(Window(NOW - 5 * DAY + HOUR, NOW + 3 * HOUR)) == {"sealed"}


def test_a_busy_account_s_changes_are_swept_page_by_page(running: Running) -> None:
    """Something changes with every request: a sweep of many pages would never be proven whole."""
    for number in range(250):
        running.world.put(record(f"c{number}", NOW - 4 * DAY + number * MINUTE, "hello"))
    running.run(HOUR)
    for number in range(250):
        running.world.put(record(f"c{number}", NOW - 4 * DAY + number * MINUTE, "hello", "again"))
    numbers = iter(range(10_000))

    def respond(request: httpx.Request) -> httpx.Response:
        number = next(numbers) % 250
        running.world.put(record(f"c{number}", NOW - 4 * DAY + number * MINUTE, "hello", "again", f"{running.now}"))
        return running.simulator(request)

    running.respond = respond
    running.run(HOUR)
    swept = running.archive.ledger.bookmark(Bookmark.SWEPT)
    assert swept is not None
    assert running.now - swept < HOUR
    assert all(b"again" in running.raw(f"c{number}") for number in range(250))


def test_a_known_difference_is_not_forgotten_when_the_window_can_t_be_read(running: Running) -> None:
    running.run(HOUR)
    running.without("updates")
    stray = record("stray", NOW - 4 * DAY + 90 * MINUTE, "from an archive elsewhere")
    running.world.put(stray)

    def respond(request: httpx.Request) -> httpx.Response:
        is_whole_page = request.url.path.endswith("/search") and request.url.params.get("limit") == "100"
        return httpx.Response(503) if is_whole_page else running.simulator(request)

    running.respond = respond
    running.run(26 * HOUR)
    assert running.state(Window(NOW - 4 * DAY, NOW - 3 * DAY)) != {"sealed"}
    running.respond = None
    running.run(3 * HOUR)
    assert running.raw("stray") == stray
    assert list(verify_vault(running.archive, Silent())) == []


def test_refused_credentials_are_red_and_asked_for_ever_more_rarely_until_they_are_accepted(running: Running) -> None:
    running.run(HOUR)
    refused: list[datetime] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        refused.append(running.now)
        return httpx.Response(401)

    running.respond = refuse
    running.run(5 * HOUR)
    attempts = sorted(set(refused))
    assert len(attempts) < 3 * 8  # a request, a new token, a look-up of the host; 0, 1, 6, 21, 81 … minutes
    status, health = health_of(running)
    assert status == 503
    assert health["accounts"][0]["paused"]["code"] == "source.auth"
    assert "refused" in str(health["accounts"][0]["troubles"])
    running.respond = None
    running.world.put(record("meanwhile", NOW + 3 * HOUR, "hello"))
    running.run(2 * HOUR)
    assert running.raw("meanwhile")
    assert health_of(running)[0] == 200


def test_a_refused_login_is_tried_once_an_hour_at_most_so_that_it_locks_no_user(running: Running) -> None:
    logins: list[datetime] = []

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/login"):
            logins.append(running.now)
        return running.simulator(request)

    running.respond, running.credentials = respond, User("archivist", Secret("wrong"))
    running.restart()
    running.run(DAY)
    assert len(logins) < 4 + 24
    waits = [(later - before) / MINUTE for before, later in pairwise(logins)]
    assert [round(wait, -1) for wait in waits[:3]] == [10, 10, 20]  # a minute, five, a quarter of an hour
    assert all(60 <= wait <= 71 for wait in waits[3:])  # this clock goes by ten minutes
    assert health_of(running)[1]["accounts"][0]["paused"]["attempts"] == len(logins)


@pytest.mark.parametrize("status", [400, 403, 302, 404, 451])
def test_a_single_odd_answer_ends_nothing(running: Running, status: int) -> None:
    odd = iter([httpx.Response(status, headers={"Location": "https://elsewhere.test"})])

    def respond(request: httpx.Request) -> httpx.Response:
        is_search = request.url.path.endswith("/conversations/search")
        return next(odd, None) or running.simulator(request) if is_search else running.simulator(request)

    running.respond = respond
    running.world.put(record("one", NOW - DAY, "hello"))
    running.run(2 * HOUR)
    assert running.raw("one")
    assert health_of(running)[0] == 200
    assert running.state(Window(NOW - 4 * DAY, NOW - 3 * HOUR)) == {"sealed"}


def test_it_ends_when_another_process_took_over(running: Running) -> None:
    running.run(10 * MINUTE)

    def steal() -> None:
        running.now += 20 * MINUTE
        running.on_tick = lambda: None
        with open_archive(running.folder) as other:
            other.acquire_lease(running.now + HOUR)

    running.keeper = LeaseKeeper(lambda: None, running.board, running._lose)
    running.on_tick = steal
    with pytest.raises(Locked, match="taken over"):
        running.run(DAY)


def test_the_lease_of_a_service_that_only_waits_never_grows_stale(running: Running) -> None:
    seen = []

    def look() -> None:
        ((beat_at,),) = sql(running.archive, "SELECT beat_at FROM lease")
        seen.append(running.now - datetime.fromisoformat(beat_at))

    running.on_tick = look
    running.run(6 * HOUR)
    assert max(seen) < timedelta(minutes=12)


def test_waits_grow_to_ten_minutes_and_begin_anew_once_it_works() -> None:
    backoff = Backoff()
    error = SourceUnavailable("down")
    waits = [backoff.failed(error, NOW) for _ in range(8)]
    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
    assert not backoff.is_over(NOW + 10 * MINUTE - timedelta(microseconds=1))
    assert backoff.is_over(NOW + 10 * MINUTE)
    backoff.worked()
    assert backoff.is_over(NOW)
    assert backoff.failed(error, NOW) == 15


# ── as a process ──


def test_a_service_tells_its_health_and_metrics_and_ends_within_seconds(tmp_path: Path) -> None:
    with simulated() as account, following(account, tmp_path / "archive") as (process, url):
        until(lambda: get(f"{url}/readyz")[0] == 200)
        assert get(f"{url}/healthz") == (200, "ok\n")
        status, body = get(f"{url}/health/harvest")
        health = schemas.checked(body)
        assert (status, health["schema"]) == (200, "archiver.health/3")
        assert health["accounts"][0]["lanes"]["tail"]["steps"] > 0
        metrics = get(f"{url}/metrics")[1]
        for name in (
            f'harvest_lag_seconds{{account="{account["ARCHIVER_ACCOUNT"]}"}}',
            "lane_steps_total{",
            'status="200"',
        ):
            assert name in metrics
        assert get(f"{url}/elsewhere")[0] == 404
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
        assert process.returncode == 0, err
        lines = [json.loads(line) for line in err.splitlines()]
        assert all({"@timestamp", "log.level", "message", "ecs.version"} <= line.keys() for line in lines), lines
        assert lines[-1]["event"]["action"] == "service.stopped"
    words = [sys.executable, "-m", "archiver", "--archive", str(tmp_path / "archive"), "status", "--json"]
    told = schemas.checked(subprocess.run(words, capture_output=True, check=True).stdout)
    assert told["vault"]["conversations"] > 0
    assert told["ledger"]["last_harvest_at"] is not None


def test_a_second_service_is_told_of_the_first_and_not_of_its_port(tmp_path: Path) -> None:
    with simulated() as account, following(account, tmp_path / "archive") as (_, url):
        environment = {**os.environ, **account, "ARCHIVER_ARCHIVE": str(tmp_path / "archive")}
        command = [sys.executable, "-m", "archiver", "harvest", "--follow", "--listen", url.removeprefix("http://")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 8
    assert "another harvest of this archive is running" in done.stderr
    assert "health" not in done.stderr.lower()


def test_a_supervisor_is_told_when_it_is_ready_that_it_lives_and_that_it_stops(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(20)
        with simulated() as account:
            with following(account, tmp_path / "archive", NOTIFY_SOCKET=str(tmp_path / "notify")) as (process, _):
                first = channel.recv(1_000).decode().split("\n")
                assert first[:2] == ["READY=1", "WATCHDOG=1"]
                assert first[2].startswith("STATUS=")
                assert "READY=1" not in channel.recv(1_000).decode()
                process.terminate()
                assert process.wait(10) == 0
            told = ""
            while "STOPPING=1" not in told:
                told = channel.recv(1_000).decode()


def test_an_error_that_ends_it_is_a_log_line_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "archiver", "--log-format", "json", "harvest", "--follow"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, line["log.level"], line["error"]["code"]) == (2, "error", "config")


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:port", "127.0.0.1:99999"])
def test_a_place_to_listen_at_that_is_none_is_refused(tmp_path: Path, listen: str) -> None:
    with simulated() as account:
        environment = {**os.environ, **account, "ARCHIVER_ARCHIVE": str(tmp_path / "archive")}
        command = [sys.executable, "-m", "archiver", "harvest", "--follow", "--listen", listen]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "--listen" in done.stderr
