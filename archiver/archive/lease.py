"""Which process harvests into the archive: one at a time. Part of the archive's SQLite file."""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from datetime import datetime, timedelta

from archiver.archive.stored import stored_moment
from archiver.errors import Locked

STALE_AFTER = timedelta(minutes=15)  # longer than the longest wait between two attempts


class Lease:
    """Writes happen inside a transaction of the archive. A holder without a heartbeat for 15 minutes is replaced, and
    so is one with a heartbeat in the future, whose clock was wrong.

    Connections with the same `holder` are the same harvester; by default each is one of its own.
    """

    def __init__(self, connection: sqlite3.Connection, holder: str | None = None) -> None:
        self._connection = connection
        self.holder = holder or secrets.token_hex(8)

    def acquire(self, now: datetime) -> None:
        """Makes this process the archive's harvester. Raises Locked if another one is at work."""
        row = self._connection.execute("SELECT holder, host, pid, beat_at FROM lease").fetchone()
        if row and not self._is_stale(row, now):
            raise Locked(
                f"another harvest of this archive is running (process {row[2]} on {_machine(row[1])})",
                hint="Wait for it, or stop it and run this command again.",
            )
        self._connection.execute(
            "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?)",
            (self.holder, _host(), os.getpid(), now.isoformat()),
        )

    def _is_stale(self, row: tuple[str, str, int, str], now: datetime) -> bool:
        """A heartbeat that can't be read, or lies in the future by more than clocks differ, is none."""
        holder, host, pid, beat_at = row
        beat = stored_moment(beat_at)
        if holder == self.holder or beat is None or abs(now - beat) > STALE_AFTER:
            return True
        if host != _host() or not _is_known(host):
            return _is_before_boot(host)  # whether a process elsewhere is alive can't be told
        return pid == os.getpid() or not _is_alive(pid)

    def heartbeat(self, now: datetime) -> None:
        """Records that this process is still at work. Raises Locked if another process has taken over."""
        cursor = self._connection.execute(
            "UPDATE lease SET beat_at = ? WHERE holder = ?", (now.isoformat(), self.holder)
        )
        if cursor.rowcount != 1:
            raise Locked(
                "another process has taken over this harvest", hint="Run the command again when it has finished."
            )

    def release(self) -> None:
        """Lets another process harvest."""
        self._connection.execute("DELETE FROM lease WHERE holder = ?", (self.holder,))


def _host() -> str:
    """Where process numbers mean the same: a machine since its boot, and within it a container."""
    return f"{socket.gethostname()} since boot {_boot()} in {_process_namespace()}"


def _machine(host: str) -> str:
    """The name of the machine alone, for people."""
    return host.partition(" since boot ")[0]


def _is_known(host: str) -> bool:
    """Whether boot and container could be told when this was written."""
    return "" not in host.partition(" since boot ")[2].split(" in ", 1)


def _is_before_boot(host: str) -> bool:
    """Whether a place is this machine before its last boot."""
    name, _, rest = host.partition(" since boot ")
    boot = rest.split(" in ")[0]
    return name == socket.gethostname() and bool(boot and _boot()) and boot != _boot()


def _process_namespace() -> str:
    """Identifies the container in which process numbers are given; empty where unknown."""
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return ""


def _boot() -> str:
    """Identifies this boot of the machine, after which process numbers are given anew; empty where unknown."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read(8)
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    if pid <= 0:  # would ask about a group of processes
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
