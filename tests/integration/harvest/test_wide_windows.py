"""Windows of several days: what is recorded, and what becomes of earlier proofs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from archiver.archive import WindowReading, WindowState
from archiver.archive.file import ArchiveFile
from archiver.harvest.harvest import Harvest, Summary
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from archiver.windows import widen
from tests.conftest import NOW, connected, record

Respond = Callable[[httpx.Request], httpx.Response]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = NOW.replace(hour=0, minute=0)
SPAN = Window(MIDNIGHT - 40 * DAY, NOW)


def harvest(archive: ArchiveFile, simulator: Simulator, respond: Respond | None = None) -> Summary:
    source = connected(respond or simulator, simulator)
    return Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)


def fill(simulator: Simulator) -> None:
    """One conversation a day, five minutes before midnight, where neighbouring days overlap."""
    simulator.world.fill(record(f"c{day}", MIDNIGHT - day * DAY - HOUR / 12, "hello") for day in range(40))


def test_each_day_is_recorded_with_what_a_count_of_it_says(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator)
    summary = harvest(archive, simulator)
    source, readings = connected(simulator, simulator), list(archive.ledger.readings())
    assert summary.windows < 12 < len(readings)
    assert all(reading.window.length <= DAY for reading in readings)
    assert [source.count(widen(reading.window)) for reading in readings] == [reading.expected for reading in readings]
    assert sum(reading.inside for reading in readings) == 40
    assert sum(reading.new for reading in readings) == 40


def test_one_truncated_record_costs_its_day_the_proof_and_no_other(archive: ArchiveFile, simulator: Simulator) -> None:
    fill(simulator)
    harvest(archive, simulator)
    before = set(archive.ledger.sealed())

    def cut(request: httpx.Request) -> httpx.Response:
        answer = simulator(request)
        content = json.loads(answer.content) if request.method == "POST" else {}
        for item in content.get("conversationHistoryRecords", ()):
            item["info"]["isPartial"] = item["info"]["conversationId"] == "c20"
        return httpx.Response(200, json=content) if content.get("conversationHistoryRecords") else answer

    (gap,) = harvest(archive, simulator, cut).unproven
    assert gap.window.length <= DAY
    assert "c20" in gap.reason
    lost = [window for window in before if window not in set(archive.ledger.sealed())]
    assert len(lost) == 1


@pytest.mark.parametrize("hours", [(3, 6), (4, 8), (2, 9), (5, 7), (3, 9)])
def test_a_proof_that_overlaps_an_unproven_reading_is_withdrawn(archive: ArchiveFile, hours: tuple[int, int]) -> None:
    first, last = (MIDNIGHT + hour * HOUR for hour in hours)
    archive.record([_reading(Window(first, last), WindowState.SEALED)], run=None, now=NOW)
    unproven = Window(MIDNIGHT + 4 * HOUR, MIDNIGHT + 8 * HOUR)
    archive.record([_reading(unproven, WindowState.UNPROVEN)], run=None, now=NOW)
    assert archive.ledger.sealed() == []
    for part in (Window(MIDNIGHT, MIDNIGHT + 5 * HOUR), Window(MIDNIGHT + 5 * HOUR, MIDNIGHT + 9 * HOUR)):
        archive.record([_reading(part, WindowState.SEALED)], run=None, now=NOW)
    assert archive.ledger.unproven() == []


def _reading(window: Window, state: WindowState) -> WindowReading:
    reason = None if state is WindowState.SEALED else "cut"
    return WindowReading(window, state, 0, 0, 0, 0, "", reason, "")
