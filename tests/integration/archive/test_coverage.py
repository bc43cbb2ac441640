"""What is said to be kept is what the vault has, whatever LivePerson still shows."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from archiver.archive.connection import FILE
from archiver.archive.coverage import CoverageState
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import WindowReading, WindowState
from archiver.cli.root import root
from archiver.harvest.harvest import Harvest
from archiver.jsontext import decode
from archiver.model import CELL, Window, to_ms
from archiver.progress import Silent
from archiver.service.counts import count_archive
from archiver.service.schedule import Schedule
from archiver.simulator.services import Simulator
from archiver.windows import provable
from tests.conftest import NOW, connected, record

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPAN = Window(NOW - 60 * DAY, NOW - 10 * DAY)


def harvest(archive: ArchiveFile, simulator: Simulator, now: datetime = NOW, span: Window = SPAN) -> None:
    source = connected(simulator, simulator)
    Harvest(source, archive, clock=lambda: now, progress=Silent()).run(span)


def starts(archive: ArchiveFile) -> list[datetime]:
    """When the conversations in the vault started, as their own records say."""
    found = (decode(item.raw)["info"]["startTimeL"] for item in archive.vault.after(0))
    return [datetime.fromtimestamp(ms / 1000, UTC) for ms in found]


@pytest.fixture
def harvested(archive: ArchiveFile, simulator: Simulator) -> ArchiveFile:
    """Forty conversations of which LivePerson shows thirty any more, harvested twice and one of them in versions."""
    world = simulator.world
    midnight = NOW.replace(hour=0) - 30 * DAY
    world.fill(record(f"edge{at}", midnight + at * timedelta(milliseconds=1)) for at in (-1, 0))  # two days
    world.fill(record(f"c{number}", SPAN.start + number * 30 * HOUR, "hello") for number in range(38))
    harvest(archive, simulator)
    for number in range(0, 20, 2):
        world.stored.remove(world.by_id.pop(f"c{number}"))
    world.put(record("c1", SPAN.start + 30 * HOUR, "hello", "again"))
    harvest(archive, simulator, NOW + DAY)
    assert len(world.stored) == 30
    return archive


def test_each_day_s_kept_conversations_are_those_of_the_vault_also_if_liveperson_has_them_no_more(
    harvested: ArchiveFile,
) -> None:
    days = harvested.covering(NOW).between(SPAN.start, SPAN.end).days
    in_vault = Counter(at.date() for at in starts(harvested))
    assert in_vault.total() == 40
    assert {item.day: item.kept for item in days if item.kept} == in_vault
    assert sum(item.expected for item in days) == sum(item.conversations for item in days) == 30
    assert (days[0].expected, days[0].kept) == (0, 1)  # c0, which is gone at LivePerson


def test_a_month_s_kept_conversations_are_those_of_the_vault(
    harvested: ArchiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHIVER_ARCHIVE", str(harvested.folder))
    asked = ["coverage", "--from", f"{SPAN.start:%Y-%m-%d}", "--to", f"{SPAN.end:%Y-%m-%d}"]
    told = json.loads(CliRunner().invoke(root, [*asked, "--json"]).stdout)
    in_vault = Counter(f"{at:%Y-%m}" for at in starts(harvested))
    assert {month["month"]: month["kept"] for month in told["months"]} == in_vault
    assert sum(month["expected"] for month in told["months"]) == 30
    shown = CliRunner().invoke(root, asked).stdout
    for month in told["months"]:
        assert f"{month['expected']:,} expected, {month['kept']:,} kept" in shown


def test_gaps_are_an_exit_code_of_their_own_only_where_there_are_some_and_it_was_asked_for(
    harvested: ArchiveFile,
) -> None:
    whole, beyond = f"{SPAN.start + DAY:%Y-%m-%d}", f"{SPAN.end + 2 * DAY:%Y-%m-%d}"
    asked = ["--archive", str(harvested.folder), "coverage", "--from", whole, "--to"]
    run = CliRunner()
    codes = [
        run.invoke(root, [*asked, f"{SPAN.end - DAY:%Y-%m-%d}", "--fail-on-gaps"]).exit_code,
        run.invoke(root, [*asked, beyond, "--fail-on-gaps"]).exit_code,
        run.invoke(root, [*asked, beyond]).exit_code,
    ]
    assert codes == [0, 9, 0]


def test_what_a_service_tells_of_gaps_is_what_the_ledger_lacks(archive: ArchiveFile, simulator: Simulator) -> None:
    """All was to be read; a day at its begin and ten at its end were not, and one of those is not proven."""
    oldest = datetime(2025, 5, 15, 12, 0, tzinfo=UTC)  # 13 months before NOW
    archive.begin_run(Window(oldest + CELL, NOW), NOW)
    archive.finish_run(NOW)
    harvest(archive, simulator, span=Window(oldest + DAY, NOW - 10 * DAY))
    unproven = Window(NOW - 9 * DAY, NOW - 8 * DAY)
    archive.record([WindowReading(unproven, WindowState.UNPROVEN, 3, 2, 2, 2, "", "moved")], run=None, now=NOW)

    counts = count_archive(archive, Schedule(), NOW)
    assert (counts.gaps, counts.unproven, counts.lost, counts.lost_hours) == (4, 1, 0, 0.0)
    assert counts.gap_hours == pytest.approx(24 - 1 / 6 + 240)
    assert counts.hours_left == pytest.approx(1 / 6)

    half_a_day_later = count_archive(archive, Schedule(), NOW + DAY / 2)
    assert (half_a_day_later.gaps, half_a_day_later.unproven, half_a_day_later.lost) == (5, 1, 1)
    assert half_a_day_later.lost_hours == pytest.approx(12 - 1 / 6)
    assert half_a_day_later.gap_hours == pytest.approx(24 - 1 / 6 + 252)
    assert half_a_day_later.hours_left == 0

    later = count_archive(archive, Schedule(), NOW + 2 * DAY)
    assert (later.gaps, later.lost, later.lost_hours) == (4, 1, pytest.approx(24 - 1 / 6))
    assert later.hours_left == pytest.approx((NOW - 10 * DAY - (oldest + 2 * DAY)) / HOUR)


def test_without_a_gap_that_can_be_closed_nothing_runs_out(archive: ArchiveFile, simulator: Simulator) -> None:
    kept = provable(NOW)
    harvest(archive, simulator, span=kept)
    counts = count_archive(archive, Schedule(), NOW)
    assert (counts.gaps, counts.gap_hours, counts.hours_left) == (0, 0.0, None)


def test_what_was_measured_holds_for_a_minute_and_until_something_is_written_elsewhere(harvested: ArchiveFile) -> None:
    before = harvested.covering(NOW)
    assert harvested.covering(NOW + timedelta(seconds=1)) is before
    assert harvested.covering(NOW + timedelta(minutes=1)) is not before
    assert CoverageState.SEALED in {item.state for item in before.stretches(SPAN)}
    span = to_ms(SPAN.start), to_ms(SPAN.end)
    assert harvested.vault.count_started(*span) == 40
    with closing(sqlite3.connect(harvested.folder / FILE)) as elsewhere, elsewhere:
        elsewhere.execute("UPDATE windows SET reason = 'altered'")
        elsewhere.execute("DELETE FROM current WHERE conversation_id = 'c1'")
    assert CoverageState.SEALED not in {item.state for item in harvested.covering(NOW).stretches(SPAN)}
    assert harvested.vault.count_started(*span) == 39
