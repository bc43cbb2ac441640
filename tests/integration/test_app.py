"""The promises of `archiver.app.Archive` that no room holds alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import archiver
from archiver.app import Archive
from archiver.archive.opening import make_archive
from archiver.config import find_settings
from archiver.errors import ArchiveError, ConfigError
from archiver.index.build import catch_up
from archiver.index.results import Position, Refusal
from archiver.index.store import open_store
from archiver.index.versions import read_version
from archiver.liveperson.answers import read_record
from archiver.progress import Silent
from archiver.simulator import Scenario, simulate
from tests.conftest import ACCOUNT, NOW, record, sql


def keep(folder: Path, *raws: bytes) -> None:
    with make_archive(folder, ACCOUNT) as file:
        file.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = ("refund please", "refund now", "nothing of the kind")
    keep(tmp_path / "archive", *(record(f"c{at}", NOW - timedelta(hours=at), text) for at, text in enumerate(texts)))
    return tmp_path / "archive"


@pytest.fixture
def archive(folder: Path) -> Iterator[Archive]:
    with archiver.open(folder) as opened:
        yield opened


READS: list[Callable[[Archive], Any]] = [
    lambda archive: archive.transcript("c1"),
    lambda archive: archive.history("c1"),
    lambda archive: archive.search("refund").total,
    lambda archive: list(archive.transcripts()),
    lambda archive: archive.coverage(),
    lambda archive: archive.file.ledger.unproven(),
    lambda archive: archive.file.erasures.listed(),
    lambda archive: list(archive.file.inspection.bodies()),
]


@pytest.mark.parametrize("read", READS)
def test_every_read_of_a_damaged_file_raises_an_error_of_this_program(
    folder: Path, read: Callable[[Archive], Any]
) -> None:
    path = folder / "archive.sqlite3"
    content = path.read_bytes()
    with archiver.open(folder) as archive:
        assert archive.file.vault.head() == 3
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        with pytest.raises(ArchiveError, match="cannot be used") as caught:
            read(archive)
            read(archive)
        assert caught.value.exit_code == 6


def test_reading_on_after_the_archive_was_closed_is_an_error_of_this_program(archive: Archive) -> None:
    transcripts = archive.transcripts()
    next(transcripts)
    file = archive.file
    archive.close()
    with pytest.raises(ArchiveError):
        file.vault.head()


@pytest.mark.parametrize("part", ["vault", "ledger", "erasures"])
def test_what_an_archives_file_shows_has_no_way_to_write(archive: Archive, part: str) -> None:
    shown = {name for name in dir(getattr(archive.file, part)) if not name.startswith("_")}
    assert shown.isdisjoint(
        {
            "append",
            "append_event",
            "remove_bodies",
            "quarantine",
            "record",
            "watch",
            "forget",
            "note",
            "decide",
            "finish",
        }
    )


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda archive: archive.search("x", scope="mesage"), "message"),
        (lambda archive: archive.search("x", sort="newst"), "newest"),
        (lambda archive: archive.search("x", sort="relevance"), "limit"),
        (lambda archive: archive.count_by("x", "skil"), "skill"),
        (lambda archive: archive.coverage(datetime(2026, 1, 1)), "tzinfo"),  # noqa: DTZ001  (the fault)
        (lambda archive: archive.coverage("soon"), "2026-03-31"),
    ],
)
def test_a_wrong_argument_is_a_config_error_that_says_what_is_right(
    archive: Archive, call: Callable[[Archive], Any], hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        call(archive)
    assert hint in f"{caught.value.message} {caught.value.hint}"


def test_a_setting_may_be_given_as_a_number_or_a_path(folder: Path) -> None:
    with archiver.open(folder, rate=5, domain_url="https://api.liveperson.net") as archive:
        assert archive.settings.rate == 5.0


def test_iterating_again_searches_again(archive: Archive, folder: Path) -> None:
    search = archive.search("refund")
    assert search.total == 2
    assert len(list(search)) == 2
    keep(folder, record("c9", NOW, "another refund"))
    catch_up(archive.file, archive.store, Silent())
    assert len(list(search)) == 3
    assert search.total == 3


def test_everything_can_be_read_without_an_index(folder: Path) -> None:
    with archiver.open(folder, store="http://127.0.0.1:9") as archive:
        assert len(list(archive.records())) == len(list(archive.transcripts())) == 3


def test_an_index_with_nothing_to_apply_still_tells_what_it_refused(archive: Archive) -> None:
    file = archive.file
    store = open_store(archive.settings.store, folder=file.folder, archive_id=file.id)
    catch_up(file, store, Silent())
    refusal = Refusal(2, "c1", "cannot be read")
    with store.writing(expected=1) as writer:
        writer.replace([refusal], applied=Position(*file.vault.end()))
    assert catch_up(file, store, Silent()).refused == (refusal,)
    store.close()


def test_a_damaged_body_is_found_and_the_index_is_said_to_be_unproven(folder: Path) -> None:
    with archiver.open(folder) as archive:
        assert archive.search("refund").total == 2
        sql(archive.file, "UPDATE bodies SET salt = zeroblob(32) WHERE seq = 2")
        findings = archive.verify()
        assert {(finding.where, finding.seq) for finding in findings} >= {("body", 2), ("index", 2)}
        assert archive.verify(with_index=False) == [finding for finding in findings if finding.where != "index"]


def test_a_harvest_that_was_killed_while_it_made_the_archive_is_taken_up_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    connection = sqlite3.connect(tmp_path / "archive" / "archive.sqlite3")
    connection.execute("PRAGMA journal_mode = WAL")  # all that there was time for
    connection.close()
    with archiver.simulate() as account, archiver.open(tmp_path / "archive", **account.settings) as archive:
        assert archive.harvest("20d").conversations > 0
        assert archive.verify() == []


def test_a_harvest_ends_well_though_another_process_writes_the_index_and_a_search_adds_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        simulate(Scenario(conversations=30, days=3)) as account,
        archiver.open(tmp_path / "archive", **account.settings) as archive,
    ):
        first = archive.harvest("1d").conversations
        archive.close()
        other, record_of_c = archive.open_store(), next(archive.file.vault.after(0))
        with other.writing(expected=1) as writer:
            position = other.position()
            writer.replace([read_version(archive.file.vault, record_of_c)], applied=position)
            total = archive.harvest("5d").conversations
        other.close()
        assert total > first
        assert "index.busy" in [getattr(logged, "event", "") for logged in caplog.records]
        assert archive.search("").total == archive.file.vault.conversations() > first


def test_a_harvest_gives_way_before_each_record_that_is_kept_and_each_that_is_indexed(tmp_path: Path) -> None:
    calls: list[None] = []
    with simulate(Scenario(conversations=7)) as simulator:
        settings = find_settings({"archive": tmp_path / "archive", **simulator.settings})
        with Archive(settings, give_way=lambda: calls.append(None)) as archive:
            archive.harvest()
            before = len(calls)
            assert before >= 2 * 7
            archive.reindex()
    assert len(calls) == before + 7


def test_whoever_gives_way_does_so_with_every_connection_to_the_archive(folder: Path) -> None:
    calls: list[None] = []
    with Archive(find_settings({"archive": folder}), give_way=lambda: calls.append(None)) as archive:
        archive.file.give_way()
        with archive.file.another_connection() as other:
            other.give_way()
    assert len(calls) == 2
