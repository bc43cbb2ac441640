"""`python -m tests.crashes FOLDER`: a harvest killed before and after each of its writes, and taken up again.

A program of its own, because it forks: each trial is a process that kills itself (SIGKILL) at its own write, followed
by one that looks at what is left, goes on, and compares the end with that of a harvest that nobody disturbed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from archiver.archive import connection
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark
from archiver.archive.opening import make_archive
from archiver.archive.verify import verify_vault
from archiver.harvest.harvest import Harvest
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from tests.conftest import ACCOUNT, NOW, connected, record

DAY = timedelta(days=1)
LATER = NOW + timedelta(hours=5)
SPAN = Window(NOW - 3 * DAY, NOW)
WRITES = ("BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE", "CREATE", "PRAGMA wal")


class Connection(connection.Connection):
    """One that ends its process at a given write; 0 never does."""

    left = 0
    seen = 0

    def execute(self, sql: str, *values: Any) -> Any:
        self._point(sql)
        cursor = super().execute(sql, *values)
        if sql == "COMMIT":
            self._point(sql)
        return cursor

    def executemany(self, sql: str, *values: Any) -> Any:
        self._point(sql)
        return super().executemany(sql, *values)

    @classmethod
    def _point(cls, sql: str) -> None:
        if sql.lstrip().startswith(WRITES):
            cls.seen += 1
            if cls.seen == cls.left:
                os.kill(os.getpid(), signal.SIGKILL)


def first(world: World) -> None:
    for number in range(14):
        raw = record(f"c{number:02d}", NOW - number * DAY / 5, "my card is 4111111111111111", f"number {number}")
        world.put(raw)
    world.put(record("open", NOW - DAY, "hello", info={"status": "OPEN", "endTimeL": -1}))


def second(world: World) -> None:
    """What happens at LivePerson between two harvests: masking, deletion, an end, something new."""
    start = NOW - DAY / 5
    world.put(record("c01", start, "my card is ****************", "number 1"))
    world.put(record("c02", NOW - 2 * DAY / 5, "** LP deleted data **", "number 2"))
    world.put(record("c03", NOW - 3 * DAY / 5, "my card is 4111111111111111"))
    world.put(record("open", NOW - DAY, "hello", "bye"))
    world.put(record("new", NOW - 2 * DAY, "hello"))


def harvest(folder: Path) -> None:
    """Both harvests, or what is left of them."""
    world = World(ACCOUNT, lambda: NOW)
    first(world)
    simulator = Simulator(world)
    with make_archive(folder, ACCOUNT) as archive:
        if archive.ledger.bookmark(Bookmark.TAILED) is None:
            run(archive, simulator, world)
            archive.set_bookmark(Bookmark.TAILED, NOW)  # marks the first as done
        second(world)
        world.clock = lambda: LATER
        run(archive, simulator, world)


def run(archive: ArchiveFile, simulator: Simulator, world: World) -> None:
    Harvest(connected(simulator, simulator), archive, clock=world.clock, progress=Silent()).run(SPAN)


def outcome(folder: Path) -> dict[str, Any]:
    """What an archive came to, without what differs from run to run."""
    with make_archive(folder, ACCOUNT) as archive:
        assert list(verify_vault(archive, Silent())) == []
        bodies = archive.inspection.bodies("record")
        return {
            "records": sorted((entry.conversation_id, hashlib.sha256(raw or b"").digest()) for entry, raw, _ in bodies),
            "current": sorted((item.conversation_id, item.raw) for item in archive.vault.after(0)),
            "readings": [(item.window, item.state, item.expected, item.ids) for item in archive.ledger.readings()],
            "erasures": [(item.kind, item.conversation_id, item.state) for item in archive.erasures.listed()],
            "watched": archive.ledger.watched(LATER + DAY, LATER + 9 * DAY, 100),
        }


def in_child(work: Callable[[], None]) -> int:
    """How a process of its own that does some work ended, as its exit code or minus its signal."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path) -> None:
    connection.Connection = Connection  # type: ignore[misc]
    harvest(folder / "whole")
    points, wanted = Connection.seen, outcome(folder / "whole")

    def killed(at: int) -> None:
        Connection.seen, Connection.left = 0, at
        harvest(folder / "trial")

    def taken_up() -> None:
        with make_archive(folder / "trial", ACCOUNT) as archive:
            assert list(verify_vault(archive, Silent())) == []  # what is there is whole
        harvest(folder / "trial")
        assert outcome(folder / "trial") == wanted

    for at in range(1, points + 1):
        shutil.rmtree(folder / "trial", ignore_errors=True)
        how = in_child(lambda at=at: killed(at))  # type: ignore[misc]
        assert how == -signal.SIGKILL, (at, how)
        assert in_child(taken_up) == 0, f"killed at write {at} of {points}"
    print(points)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
