"""Garbage for an archive's file, and what every command makes of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner

from archiver import app
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark
from archiver.archive.opening import make_archive
from archiver.cli.root import root
from archiver.errors import ArchiverError
from archiver.harvest.harvest import Harvest
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from tests.conftest import ACCOUNT, NOW, connected, record

DAY = timedelta(days=1)
SPAN = Window(NOW - 12 * DAY, NOW)
OPEN_ID, CLOSED_ID = "c-open", "c03"
IS_OPEN = {"info": {"status": "OPEN", "endTimeL": -1}}

TEXTS: tuple[object, ...] = (
    "", "zzz", "0", "now", "-1", "NULL", "\0", "2026-06-15T12:00:00\0", "2026-99-99T00:00:00+00:00",
    "0001-01-01T00:00:00+14:00", "2999-01-01T00:00:00+00:00", "9999-01-01T00:00:00+00:00", "9999-12-31T23:59:59-14:00",
    "1970-01-01", "+292277026596-12-04", "x" * 100_000, b"\xff\xfe", b"2026-06-15T12:00:00\xff", "\u202e\U0001f4a9",
)  # fmt: skip
NUMBERS: tuple[object, ...] = (-(2**63), 2**63 - 1, -1, 0, 7, 10**15, -(10**15), 253_402_300_800_000)
BLOBS: tuple[object, ...] = (b"", b"\0", b"\xff" * 32, b"x" * 100_000)


def lively(folder: Path) -> tuple[World, Simulator]:
    """A harvested archive with an open conversation, versions, an erasure, an unfinished run and an index."""
    world = World(ACCOUNT, lambda: NOW)
    world.fill(record(f"c{number:02d}", NOW - number * DAY, "hello", "refund") for number in range(2, 10))
    world.put(record(OPEN_ID, NOW - DAY, "hello", "open", **IS_OPEN))
    simulator = Simulator(world)
    with make_archive(folder, ACCOUNT) as archive:
        harvest(archive, simulator)
        world.put(record("c05", NOW - 5 * DAY, "hello", "refund", "later"))
        world.put(record("c06", NOW - 6 * DAY, "hello", "** LP deleted data **"))
        harvest(archive, simulator)
        archive.keep([], [read_record(b'{"info":{}}')], NOW)  # type: ignore[list-item]
        archive.begin_run(SPAN, NOW)
        archive.set_bookmark(Bookmark.SWEPT, NOW, target=SPAN.start)
        archive.set_bookmark(Bookmark.TAILED, NOW)
        archive.acquire_lease(NOW)
    with app.open(folder) as opened:
        assert [hit.transcript.id for hit in opened.search("later")] == ["c05"]
    return world, simulator


def harvest(archive: ArchiveFile, simulator: Simulator, at: timedelta = timedelta(0)) -> None:
    source = connected(simulator, simulator)
    Harvest(source, archive, clock=lambda: NOW + at, progress=Silent()).run(SPAN)


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def columns(folder: Path) -> list[tuple[str, str, str, bool]]:
    """(table, column, type, whether NULL is allowed) of every column of the file."""
    with closing(sqlite3.connect(folder / "archive.sqlite3")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            (table, name, type_, not is_needed and not key)
            for table in tables
            for _, name, type_, is_needed, _, key in connection.execute(f"PRAGMA table_info({table})")
        ]


def values(type_: str, *, may_be_null: bool) -> list[object]:
    """Garbage of a type that SQLite accepts in a column."""
    kinds: Mapping[str, tuple[object, ...]] = {"TEXT": TEXTS, "INTEGER": NUMBERS, "BLOB": BLOBS}
    return [*kinds[type_], *([None] if may_be_null else [])]


_ROWS = {
    "entries": f"seq = (SELECT seq FROM current WHERE conversation_id = '{CLOSED_ID}')",
    "bodies": f"seq = (SELECT seq FROM current WHERE conversation_id = '{CLOSED_ID}')",
    "current": f"conversation_id = '{CLOSED_ID}'",
    "watch": f"conversation_id = '{OPEN_ID}'",
    "runs": "finished_at IS NULL",
    "windows": "start_ms = (SELECT max(start_ms) FROM windows WHERE state = 'sealed' AND inside > 0)",
    "bookmarks": "name = 'swept'",
    "archive": "name = 'account'",
}


def put(folder: Path, table: str, column: str, type_: str, value: object, where: str | None = None) -> bool:
    """Writes a value into the row of a table that matters most; whether SQLite accepts it there."""
    placeholder = "CAST(? AS TEXT)" if type_ == "TEXT" and isinstance(value, bytes) else "?"
    statement = f"UPDATE {table} SET {column} = {placeholder} WHERE {where or _ROWS.get(table, '1')}"
    with closing(sqlite3.connect(folder / "archive.sqlite3", isolation_level=None)) as connection:
        try:
            return connection.execute(statement, (value,)).rowcount > 0
        except sqlite3.IntegrityError:
            return False


@dataclass(frozen=True)
class Answer:
    """What a command made of an archive: its exit code, what it printed, and its error."""

    code: int
    out: str
    error: str = ""


COMMANDS: Mapping[str, tuple[str, ...]] = {
    "search": ("search", "hello", "--json", "--all"),
    "show": ("show", CLOSED_ID),
    "show open": ("show", OPEN_ID),
    "export": ("export", "--output", "-"),
    "export of a query": ("export", "hello", "--output", "-"),
    "status": ("status", "--json"),
    "coverage": ("coverage", "--json"),
    "erasures": ("erasures", "--all", "--json"),
    "doctor": ("doctor", "--offline"),
    "verify": ("verify", "--json"),
}


def run(folder: Path, *words: str) -> Answer:
    """Runs a command in this process. Any error but this program's own is raised."""
    done = CliRunner().invoke(root, ["--archive", str(folder), "--progress", "none", *words])
    error = done.exception
    if isinstance(error, ArchiverError):
        assert error.message
        return Answer(error.exit_code, done.stdout, f"{error.message}. {error.hint}")
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Answer(done.exit_code, done.stdout)


def run_all(folder: Path) -> dict[str, Answer]:
    """What every command that reads makes of an archive."""
    return {name: run(folder, *words) for name, words in COMMANDS.items()}


def _ids(lines: str) -> list[str]:
    return sorted(json.loads(line)["conversation_id"] for line in lines.splitlines())


# What of an answer must be the same whatever garbage is in the file, if the command ends with exit code 0.
MEANING: Mapping[str, Callable[[str], object]] = {
    "search": lambda out: sorted(item["conversation_id"] for item in json.loads(out)["items"]),
    "show": str,
    "show open": str,
    "export": _ids,
    "export of a query": _ids,
}


def check_nothing_is_silently_wrong(before: Mapping[str, Answer], after: Mapping[str, Answer]) -> None:
    """Every command answered as before, or said that it can't."""
    for name, answer in after.items():
        assert answer.code in (0, 6, 9), (name, answer)
        if answer.code == 0 and name in MEANING:
            assert MEANING[name](answer.out) == MEANING[name](before[name].out), name
