"""Appends alerts to a file of JSON lines, in which each line is whole whenever the program was killed."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import BinaryIO

from archiver.private import make_private_file

ALERT_SCHEMA = "archiver.alert/1"
_START = f'{{"schema":"{ALERT_SCHEMA}"'.encode()  # of the line of any alert
_SEARCHED_BYTES = 1 << 20  # how far before the end of the file a line is looked for that was written before


def append_alert(path: Path, alert: bytes) -> None:
    """Appends an alert as a line, unless it is there already. Several processes may append to the same file.

    The program may have been killed within a line, or the disk may have been full: an alert whose line was cut off was
    not noted as told and is told again, so what there is of it is removed. Any other text at the end stays, as a line.

    Raises OSError.
    """
    make_private_file(path)
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # alerts of another archive may go into the same file
        end = file.seek(0, 2)
        start = _start_of_last_line(file) if end else 0
        file.seek(max(start - _SEARCHED_BYTES - len(alert), 0))
        if alert + b"\n" in file.read():
            return
        file.seek(start)
        cut_off = file.read()
        if cut_off.startswith(_START) or _START.startswith(cut_off):
            file.truncate(start)
        else:
            alert = b"\n" + alert
        file.seek(0, 2)
        file.write(alert + b"\n")
        file.flush()
        os.fsync(file.fileno())  # before it is noted that it was told


def _start_of_last_line(file: BinaryIO) -> int:
    """Where what follows the last line end begins: the end of the file if it ends with one."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.rfind(b"\n") + 1
