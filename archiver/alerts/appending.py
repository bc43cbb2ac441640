"""Appends alerts to a file of JSON lines, in which each line is whole whenever the program was killed."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

from archiver.errors import ConfigError
from archiver.jsontext import decode
from archiver.private import make_private_file

ALERT_SCHEMA = "archiver.alert/1"
_START = f'{{"schema":"{ALERT_SCHEMA}"'.encode()  # of the line of any alert
_SEARCHED_BYTES = 1 << 20  # how far before the end of the file a line is looked for that was written before
_BLOCK_BYTES = 1 << 16
_PATIENCE_S, _LOOK_EVERY_S = 10.0, 0.1


def append_alert(path: Path, alert: bytes) -> None:
    """Appends an alert as a line, unless it is there already. Several processes may append to the same file.

    The program may have been killed within a line, or the disk may have been full: an alert whose line was cut off was
    not noted as told and is told again, so what there is of it is removed. Any other text at the end stays, as a line.

    Raises ConfigError for what is no regular file, or is locked for long by another program, and OSError.
    """
    make_private_file(path)
    if not path.is_file():
        raise ConfigError(f"{path} is no regular file", hint="Name a file, or use --command.")
    with path.open("r+b") as file:
        _lock(file, path)
        start = _start_of_last_line(file)
        file.seek(max(start - _SEARCHED_BYTES - len(alert), 0))
        if alert in file.read().split(b"\n"):
            return
        file.seek(start)
        if _is_cut_off(file.read()):
            file.truncate(start)
        else:
            alert = b"\n" + alert
        file.seek(0, os.SEEK_END)
        file.write(alert + b"\n")
        file.flush()
        os.fsync(file.fileno())  # before it is noted that it was told


def _lock(file: BinaryIO, path: Path) -> None:
    """Alerts of another archive may go into the same file."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise ConfigError(f"{path} is locked by another program", hint="It is tried again later.") from None
            time.sleep(_LOOK_EVERY_S)
        else:
            return


def _start_of_last_line(file: BinaryIO) -> int:
    """Where what follows the last line end begins: the end of the file if it ends with one."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(end - _BLOCK_BYTES, 0)
        file.seek(begin)
        at = file.read(end - begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _is_cut_off(line: bytes) -> bool:
    """Whether a line is the beginning of an alert's, and no whole one."""
    if not line.startswith(_START) and not _START.startswith(line):
        return False
    try:
        decode(line)
    except ValueError:
        return True
    return False
