"""At the far edge nothing is given up early; what LivePerson still returns of the past is kept, and never proven."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.errors import AuthError
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.span import harvest_span
from archiver.model import Window, from_ms
from archiver.progress import Silent
from archiver.simulator.faults import Fault, Faults
from archiver.simulator.services import Simulator
from archiver.windows import provable, retention, subtract
from tests.conftest import NOW, connected, record

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EDGE = retention(NOW).start


def harvest(
    archive: ArchiveFile, simulator: Simulator, span: Window, *faults: Fault, also_older: bool = True
) -> Summary:
    source = connected(Faults(simulator, faults, sleep=lambda seconds: None), simulator)
    run = Harvest(source, archive, clock=simulator.world.clock, progress=Silent())
    return run.run(span, also_older=also_older)


def kept(archive: ArchiveFile) -> set[str]:
    return {item.conversation_id for item in archive.vault.after(0)}


@pytest.mark.parametrize("minutes", [0, 1, 9, 10, 19, 20])
def test_a_conversation_of_the_last_minutes_before_it_expires_arrives(
    archive: ArchiveFile, simulator: Simulator, minutes: int
) -> None:
    simulator.world.put(record("last", EDGE + minutes * MINUTE, "hello"))
    assert harvest(archive, simulator, harvest_span(None, None, NOW)).unproven == ()
    assert kept(archive) == {"last"}


def test_what_liveperson_still_returns_beyond_its_13_months_is_kept_and_claimed_nowhere(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    simulator.world.kept_months = 30
    ages = {"a": 20, "b": 55, "c": 140, "d": 225}
    simulator.world.fill(record(id_, EDGE - days * DAY, "hello") for id_, days in ages.items())
    summary = harvest(archive, simulator, harvest_span(None, None, NOW))
    assert kept(archive) == set(ages)
    assert (summary.conversations, summary.unproven) == (4, ())
    assert all(reading.window.start >= EDGE for reading in archive.ledger.readings())
    assert archive.covering(NOW).between().gaps == ()


def test_the_past_is_asked_for_until_three_wide_windows_in_a_row_are_empty(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    asked: list[datetime] = []

    def watch(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            asked.append(from_ms(json.loads(request.content)["start"]["from"]))
        return simulator(request)

    span = harvest_span(None, None, NOW)
    Harvest(connected(watch, simulator), archive, clock=lambda: NOW, progress=Silent()).run(span, also_older=True)
    assert [at for at in asked if at < span.start - DAY] == [span.start - days * DAY for days in (30, 60, 90)]


def test_an_older_start_is_asked_for_as_it_was_given_and_named_as_not_proven(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    simulator.world.kept_months = 60
    simulator.world.put(record("old", NOW - 800 * DAY, "hello"))
    simulator.world.put(record("young", NOW - 30 * DAY, "hello"))
    summary = harvest(archive, simulator, harvest_span("810d", None, NOW), also_older=False)
    assert kept(archive) == {"old", "young"}
    (gap,) = summary.unproven
    assert gap.window.start == NOW - 810 * DAY
    assert abs(gap.window.end - EDGE) <= 10 * MINUTE
    assert "does not keep all of this time" in gap.reason


def test_a_span_that_is_wholly_older_is_asked_for_too(archive: ArchiveFile, simulator: Simulator) -> None:
    simulator.world.kept_months = 60
    simulator.world.put(record("old", NOW - 420 * DAY, "hello"))
    summary = harvest(archive, simulator, Window(NOW - 425 * DAY, NOW - 415 * DAY), also_older=False)
    assert (kept(archive), summary.windows, len(summary.unproven)) == ({"old"}, 0, 1)


def test_what_was_proven_while_it_was_kept_stays_proven_when_it_is_asked_for_again(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    simulator.world.kept_months = 30
    simulator.world.fill(record(f"c{day}", EDGE + day * DAY + 6 * MINUTE, "hello") for day in range(1, 20))
    harvest(archive, simulator, harvest_span(None, None, NOW))
    sealed = archive.ledger.sealed()
    simulator.world.clock = lambda: NOW + 25 * DAY
    harvest(archive, simulator, harvest_span("500d", None, NOW + 25 * DAY), also_older=False)
    still = list(archive.ledger.sealed())
    assert [window for window in sealed[1:] if list(subtract(window, still))] == []


@pytest.mark.parametrize("kind", ["400", "503", "html", "partial-result", "wrong-count", "404", "redirect"])
def test_no_answer_about_the_past_costs_the_rest_of_the_harvest(
    archive: ArchiveFile, simulator: Simulator, kind: str
) -> None:
    simulator.world.put(record("young", NOW - 30 * DAY, "hello"))
    start = provable(NOW).start

    def respond(request: httpx.Request) -> httpx.Response:
        is_old = request.url.path.endswith("/conversations/search") and (
            from_ms(json.loads(request.content)["start"]["from"]) < start - DAY
        )
        return Faults(simulator, [Fault(kind, place="any")])(request) if is_old else simulator(request)

    run = Harvest(connected(respond, simulator), archive, clock=lambda: NOW, progress=Silent())
    assert run.run(Window(start, NOW), also_older=True).unproven == ()
    assert "young" in kept(archive)


def test_refused_credentials_end_the_harvest_also_when_the_past_is_asked_for(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    with pytest.raises(AuthError):
        harvest(archive, simulator, harvest_span(None, None, NOW), Fault("451", times=None))
