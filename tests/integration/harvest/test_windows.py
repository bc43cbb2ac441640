"""How windows are read: when they count as settled, how long answers are cut, when trying on is given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import WindowState
from archiver.harvest.ingest import Ingest
from archiver.harvest.lookups import Lookups
from archiver.harvest.window_reader import WindowReader
from archiver.model import CELL, Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from archiver.windows import NEVER, SETTLE
from tests.conftest import NOW, connected, record

MOMENT, MINUTE, DAY = timedelta(microseconds=1), timedelta(minutes=1), timedelta(days=1)
Respond = Callable[[httpx.Request], httpx.Response]


def ingest(archive: ArchiveFile, simulator: Simulator, respond: Respond | None = None) -> Ingest:
    source = connected(respond or simulator, simulator)
    return Ingest(source, archive, clock=simulator.world.clock, progress=Silent())


def state(archive: ArchiveFile) -> WindowState:
    (reading,) = archive.ledger.readings()
    return reading.state


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(SETTLE, WindowState.SEALED), (SETTLE - MOMENT, WindowState.PROVISIONAL), (timedelta(0), WindowState.PROVISIONAL)],
)
def test_a_window_is_sealed_two_hours_after_its_end_and_not_a_moment_before(
    archive: ArchiveFile, simulator: Simulator, asked: timedelta, expected: WindowState
) -> None:
    simulator.world.clock = lambda: NOW + asked
    WindowReader(ingest(archive, simulator)).read(Window(NOW - DAY, NOW), None)
    assert state(archive) is expected


def test_that_time_is_counted_until_a_window_was_asked_for_not_until_its_last_page_came(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    """What arrived after it was asked for, and before its last page was kept, may be on none of its pages."""
    now = [NOW + SETTLE - MINUTE]
    simulator.world.clock = lambda: now[0]
    simulator.world.fill(record(f"c{number}", NOW - number * MINUTE) for number in range(1, 150))

    def slow(request: httpx.Request) -> httpx.Response:
        now[0] += 5 * MINUTE
        return simulator(request)

    WindowReader(ingest(archive, simulator, slow)).read(Window(NOW - DAY, NOW), None)
    assert now[0] > NOW + SETTLE
    assert state(archive) is WindowState.PROVISIONAL


@pytest.mark.parametrize(("count", "windows"), [(3_000, 1), (3_001, 2)])
def test_a_window_of_more_than_three_thousand_is_read_in_halves(
    archive: ArchiveFile, simulator: Simulator, count: int, windows: int
) -> None:
    """Its rows have less time to move between its pages then."""
    world, span = simulator.world, Window(NOW - 3 * DAY, NOW - 2 * DAY)
    world.fill(record(f"c{number}", span.start + number * timedelta(seconds=28)) for number in range(count))
    offsets = []

    def watch(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            offsets.append(int(request.url.params.get("offset", 0)))
        return simulator(request)

    assert WindowReader(ingest(archive, simulator, watch)).read(span, None) == []
    assert len(list(archive.ledger.readings())) == windows
    assert archive.vault.totals()[0] == count
    assert (max(offsets) > 2_000) is (windows == 1)


def watch_a_hundred(archive: ArchiveFile, simulator: Simulator) -> None:
    """Harvests a hundred open conversations, which are to be looked up again."""
    start = NOW - 3 * DAY
    simulator.world.fill(
        record(f"c{number:03d}", start, info={"status": "OPEN", "endTimeL": -1}) for number in range(100)
    )
    WindowReader(ingest(archive, simulator)).read(Window(start, start + CELL), None)
    assert archive.ledger.count_watched() == 100


def test_a_server_that_is_down_is_not_asked_for_each_conversation_by_itself(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    """Five failures in a row are enough to tell that it is not one of them that spoils its answer."""
    watch_a_hundred(archive, simulator)
    asked: list[int] = []

    def down(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/conversation/search"):
            return simulator(request)
        asked.append(len(json.loads(request.content)["conversationIds"]))
        return httpx.Response(503)

    simulator.world.clock = lambda: NOW + DAY
    Lookups(ingest(archive, simulator, down)).recheck_all(seen_before=NOW + DAY, due_by=NEVER)
    assert min(asked) > 1  # 100, 50, 25, 12, 6 in a row; what is left then is tried once, and none of it in halves
    assert len(asked) == 2 * len([100, 50, 25, 12, 6, 6, 13, 25, 50])
    assert archive.ledger.count_watched() == 100
    assert archive.ledger.watched(NOW + DAY + MINUTE, NOW + DAY, 100) == []  # all wait for the next time


def test_nothing_is_looked_up_again_and_again_while_liveperson_s_clock_stands_still(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    watch_a_hundred(archive, simulator)
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return simulator(request)

    Lookups(ingest(archive, simulator, respond)).recheck_all(seen_before=NOW + DAY, due_by=None)
    assert sum(path.endswith("/conversation/search") for path in asked) == 1
    assert archive.ledger.count_watched() == 100


def test_where_many_conversations_spoil_their_answers_no_more_than_twenty_failures_are_looked_into(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    """Every tenth spoils the answer for all that are asked for with it, so that failures and successes alternate."""
    watch_a_hundred(archive, simulator)
    asked: list[frozenset[str]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/conversation/search"):
            return simulator(request)
        asked.append(frozenset(json.loads(request.content)["conversationIds"]))
        return httpx.Response(200, html="busy") if is_spoilt(asked[-1]) else simulator(request)

    def is_spoilt(ids: frozenset[str]) -> bool:
        return any(id_.endswith("9") for id_ in ids)

    simulator.world.clock = lambda: NOW + DAY
    Lookups(ingest(archive, simulator, respond)).recheck_some(seen_before=NOW + DAY, due_by=NEVER)
    failed = [ids for ids in dict.fromkeys(asked) if is_spoilt(ids)]
    halved = [any(part < ids for part in asked) for ids in failed]
    assert halved[:20] == [len(ids) > 1 for ids in failed[:20]]
    assert set(halved[20:]) == {False}
