"""Time is LivePerson's: this machine's clock may be wrong, and no window is called complete by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

import archiver
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark, WindowState
from archiver.archive.verify import verify_vault
from archiver.config.secrets import Secret
from archiver.errors import ArchiverError
from archiver.harvest.harvest import Harvest, Summary
from archiver.harvest.span import harvest_span
from archiver.liveperson.account import Account, connect
from archiver.liveperson.answers import read_record
from archiver.liveperson.auth import ClientCredentials
from archiver.liveperson.calls import CallSettings
from archiver.model import CELL, EPOCH, Window
from archiver.progress import Silent
from archiver.simulator.faults import Fault, Faults
from archiver.simulator.running import simulate
from archiver.simulator.scenario import Scenario
from archiver.simulator.services import Simulator
from archiver.windows import retention
from tests.conftest import NOW, record, sql

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Respond = Callable[[httpx.Request], httpx.Response]


def harvest(
    archive: ArchiveFile, simulator: Simulator, off: timedelta = timedelta(0), *, days: int = 10,
    respond: Respond | None = None,
) -> Summary:  # fmt: skip
    """A harvest on a machine whose clock is ahead of the account's by `off`."""

    def local() -> datetime:
        return simulator.now() + off

    credentials = ClientCredentials(simulator.tokens.client_id, Secret(simulator.tokens.client_secret))
    account = Account(simulator.world.account, "https://api.simulator.test", credentials)
    settings = CallSettings(sleep=lambda seconds: None, steady_s=lambda: simulator.now().timestamp())
    transport = httpx.MockTransport(respond or simulator)
    source = connect(account, settings=settings, transport=transport, clock=local)
    source.ask_time()

    def clock() -> datetime:
        return source.now() or local()

    span = harvest_span(clock() - days * DAY, None, clock())
    return Harvest(source, archive, clock=clock, progress=Silent()).run(span)


@pytest.fixture
def account(simulator: Simulator) -> Simulator:
    simulator.world.fill(record(f"c{number}", NOW - 9 * DAY + number * 4 * HOUR, "hello") for number in range(40))
    return simulator


def kept(archive: ArchiveFile) -> int:
    return archive.vault.totals()[0]


def sealed_by_a_clock_that_was_ahead(archive: ArchiveFile, account: Simulator, off: timedelta) -> None:
    """What an earlier version of the program left, which believed this machine's clock."""
    account.date_is_off = off
    assert harvest(archive, account, off, days=off // DAY + 10).unproven == ()
    archive.set_bookmark(Bookmark.TAILED, NOW + off)
    archive.set_bookmark(Bookmark.SWEPT, NOW + off)
    sql(archive, "DELETE FROM bookmarks WHERE name IN ('their_time', 'our_time')")
    account.date_is_off = timedelta(0)
    assert any(window.end > NOW + off - DAY for window in archive.ledger.sealed())


# ── a clock that is wrong ──


@pytest.mark.parametrize("off", [200 * DAY, 11 * MINUTE, -11 * MINUTE, -200 * DAY, EPOCH - NOW])
def test_with_a_clock_that_is_off_by_more_than_the_grid_everything_is_kept_and_nothing_is_called_complete(
    archive: ArchiveFile, account: Simulator, off: timedelta
) -> None:
    summary = harvest(archive, account, off)
    assert kept(archive) == 40
    assert archive.ledger.sealed() == []
    assert summary.unproven
    assert all("this machine's clock is" in gap.reason for gap in summary.unproven)
    assert all(reading.window.end <= NOW + CELL for reading in archive.ledger.readings())
    assert harvest(archive, account).unproven == ()


@pytest.mark.parametrize("off", [2 * MINUTE, -2 * MINUTE, 10 * MINUTE])
def test_a_clock_that_is_off_by_more_than_a_minute_is_said_and_seals_by_liveperson_s_time(
    archive: ArchiveFile, account: Simulator, off: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    assert harvest(archive, account, off).unproven == ()
    (said,) = [item for item in caplog.records if getattr(item, "event", "") == "clock.differs"]
    assert ("ahead of" if off > timedelta(0) else "behind") in said.getMessage()
    assert max(window.end for window in archive.ledger.sealed()) <= NOW - 2 * HOUR


def test_a_clock_that_is_right_within_a_minute_is_not_mentioned(
    archive: ArchiveFile, account: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    assert harvest(archive, account, 50 * SECOND).unproven == ()
    assert not [item for item in caplog.records if getattr(item, "event", "") == "clock.differs"]


def test_answers_that_never_name_a_time_prove_nothing_and_are_kept(archive: ArchiveFile, account: Simulator) -> None:
    account.has_date = False
    summary = harvest(archive, account)
    assert kept(archive) == 40
    assert archive.ledger.sealed() == []
    assert all("no time (Date header)" in gap.reason for gap in summary.unproven)
    account.has_date = True
    assert harvest(archive, account).unproven == ()


def test_an_answer_without_a_time_among_others_changes_nothing(archive: ArchiveFile, account: Simulator) -> None:
    faulty = Faults(account, [Fault("no-date", every=2, times=None)])
    assert harvest(archive, account, respond=faulty).unproven == ()


def test_a_clock_that_is_put_right_while_a_harvest_runs_is_noticed(archive: ArchiveFile, account: Simulator) -> None:
    """Its first windows are not proven; those after the correction are."""
    answers = 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal answers
        answers += 1
        account.date_is_off = -DAY if answers <= 8 else timedelta(0)
        return account(request)

    summary = harvest(archive, account, respond=respond)
    assert summary.unproven
    assert archive.ledger.sealed()
    assert max(window.end for window in archive.ledger.sealed()) <= NOW - 2 * HOUR


def test_a_proof_of_before_stays_when_a_wrong_clock_can_prove_nothing(archive: ArchiveFile, account: Simulator) -> None:
    harvest(archive, account)
    sealed = archive.ledger.sealed()
    harvest(archive, account, 3 * DAY)
    assert archive.ledger.sealed() == sealed


# ── what a wrong clock has left ──


@pytest.mark.parametrize("off", [DAY, 200 * DAY])
def test_verify_and_coverage_say_what_a_clock_that_was_ahead_has_sealed(
    archive: ArchiveFile, account: Simulator, off: timedelta
) -> None:
    sealed_by_a_clock_that_was_ahead(archive, account, off)
    findings = list(verify_vault(archive, Silent(), now=NOW))
    assert {finding.where for finding in findings} == {"ledger"}
    assert sum("which is not yet" in finding.message for finding in findings) >= len(archive.ledger.sealed())
    assert any("bookmark swept is in the future" in finding.message for finding in findings)
    coverage = archive.covering(NOW).between(NOW - 5 * DAY)
    assert {stretch.state for stretch in coverage.stretches} == {"open"}


@pytest.mark.parametrize("later", [timedelta(0), 10 * DAY])
@pytest.mark.parametrize("off", [DAY, 200 * DAY])
def test_an_archive_with_proofs_of_the_future_heals_itself_and_misses_nothing(
    archive: ArchiveFile, account: Simulator, off: timedelta, later: timedelta
) -> None:
    """Also if time has passed since, so that some of the windows that were sealed have come to pass."""
    if later >= off:
        later = off / 2
    sealed_by_a_clock_that_was_ahead(archive, account, off)
    account.world.clock = lambda: NOW + later + 3 * HOUR
    account.world.put(record("new", NOW + later / 2 + MINUTE, "hello"))
    assert harvest(archive, account, days=20).unproven == ()
    now = account.now()
    assert kept(archive) == 41
    assert list(verify_vault(archive, Silent(), now=now)) == []
    assert max(window.end for window in archive.ledger.sealed()) <= now - 2 * HOUR
    assert archive.ledger.bookmark(Bookmark.TAILED) is None
    assert archive.ledger.bookmark(Bookmark.SWEPT) == retention(now).start
    assert {state for (state,) in sql(archive, "SELECT state FROM windows")} <= {"sealed", "provisional"}


def test_look_ups_and_checks_that_are_due_in_years_are_due_again(archive: ArchiveFile, account: Simulator) -> None:
    account.world.put(record("open", NOW - DAY, "hello", info={"status": "OPEN", "endTimeL": -1}))
    harvest(archive, account)
    far = (NOW + 400 * DAY).isoformat()
    sql(archive, "UPDATE watch SET due_at = ?, seen_at = ?", far, far)
    sql(archive, "UPDATE windows SET due_at = ? WHERE state = 'sealed'", far)
    archive.heal(NOW)
    assert archive.ledger.watched(NOW, NOW, 10) == ["open"]
    assert archive.ledger.due_for_check(NOW + HOUR) is not None


def test_what_a_right_clock_has_recorded_is_left_as_it_is(archive: ArchiveFile, account: Simulator) -> None:
    account.world.put(record("open", NOW - DAY, "hello", info={"status": "OPEN", "endTimeL": -1}))
    harvest(archive, account)
    tables = ("windows", "watch", "runs", "bookmarks")
    before = [sql(archive, f"SELECT * FROM {table}") for table in tables]
    assert archive.heal(NOW) == []
    assert archive.heal(NOW + 2 * DAY) == []
    assert [sql(archive, f"SELECT * FROM {table}") for table in tables] == before
    assert WindowState.SEALED in {reading.state for reading in archive.ledger.readings()}


def test_liveperson_s_time_is_told_as_well_as_it_is_known_without_asking(archive: ArchiveFile) -> None:
    ledger = archive.ledger
    assert ledger.believed_now(NOW) == NOW
    archive.note_clock(NOW, 30 * SECOND)
    assert ledger.believed_now(NOW + DAY) == NOW + DAY
    assert ledger.believed_now(NOW - DAY) == NOW  # it can't be before the last contact
    assert ledger.clock_notice() is None
    archive.note_clock(NOW, 200 * DAY)
    assert ledger.believed_now(NOW + 201 * DAY) == NOW + DAY
    assert ledger.believed_now(NOW + DAY) == NOW  # the clock was corrected since: nothing later is certain
    assert "200.0 days ahead of" in str(ledger.clock_notice())


@pytest.mark.parametrize("garbage", ["9999-12-31T23:59:59+00:00", "2100-01-01T00:00:00+00:00", "1971-01-01T00:00:00"])
def test_a_last_contact_that_can_t_be_true_moves_no_date_and_is_named(archive: ArchiveFile, garbage: str) -> None:
    archive.keep([read_record(record("one", NOW - DAY, "hello"))], (), NOW)  # type: ignore[list-item]
    archive.note_clock(NOW, 0 * SECOND)
    sql(archive, "UPDATE bookmarks SET at = ? WHERE name = 'their_time'", garbage)
    assert archive.ledger.believed_now(NOW + DAY) == NOW + DAY
    named = [finding for finding in verify_vault(archive, Silent(), now=NOW + DAY) if finding.where == "bookmarks"]
    assert bool(named) == (garbage > "2026")


def test_a_machine_whose_clock_starts_in_1970_goes_by_the_last_contact(archive: ArchiveFile) -> None:
    archive.keep([read_record(record("one", NOW - DAY, "hello"))], (), NOW)  # type: ignore[list-item]
    archive.note_clock(NOW, EPOCH - NOW)
    assert archive.ledger.believed_now(EPOCH + DAY) == NOW + DAY


# ── as a user sees it ──


def test_the_whole_program_believes_liveperson_s_clock_and_not_its_own(tmp_path: object) -> None:
    """The simulated account's clock is four hours behind this machine's."""
    with (
        simulate(Scenario(conversations=30, days=3), clock=lambda: datetime.now(UTC) - 4 * HOUR) as account,
        archiver.open(f"{tmp_path}/archive", **account.settings) as archive,
    ):
        summary = archive.harvest("2d")
        assert summary.unproven
        assert all("4.0 hours ahead of" in gap.reason for gap in summary.unproven)
        assert archive.file.ledger.sealed() == []
        assert archive.coverage().span.end <= datetime.now(UTC) - 4 * HOUR + MINUTE
        assert max(item.window.end for item in archive.coverage().stretches) <= datetime.now(UTC) - 4 * HOUR + MINUTE


def test_a_start_after_liveperson_s_present_is_refused(tmp_path: object) -> None:
    with (
        simulate(Scenario(conversations=3, days=3), clock=lambda: datetime.now(UTC) - 4 * DAY) as account,
        archiver.open(f"{tmp_path}/archive", **account.settings) as archive,
        pytest.raises(ArchiverError, match="before now"),
    ):
        archive.harvest(datetime.now(UTC) - 2 * DAY)


def test_a_window_is_a_span_of_liveperson_s_time(archive: ArchiveFile, account: Simulator) -> None:
    """The plan ends at LivePerson's present, with the cell that has begun."""
    harvest(archive, account, 3 * DAY)
    assert max(reading.window.end for reading in archive.ledger.readings()) == NOW
    assert Window(NOW - 10 * DAY, NOW).start == min(reading.window.start for reading in archive.ledger.readings())
