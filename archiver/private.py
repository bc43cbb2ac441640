"""Folders and files for their owner only, whatever the umask is: they hold what customers wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077  # the permission bits of everybody but the owner


def make_private_folder(path: Path) -> None:
    """Makes a folder, and those above it, if there is none; one that exists keeps its mode. Raises OSError."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)


def make_private_file(path: Path, *, is_new: bool = False) -> None:
    """Makes an empty file if there is none; with `is_new`, instead of any that exists. Raises OSError."""
    if is_new:
        path.unlink(missing_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    os.fchmod(handle, 0o600)
    os.close(handle)


def close_to_others(folder: Path) -> None:
    """Takes the files in a folder from everybody but their owner. Raises OSError."""
    for path, mode in _open_to_others(folder.iterdir()):
        with suppress(FileNotFoundError):
            path.chmod(mode & ~OTHERS)


def open_to_others(folder: Path) -> list[Path]:
    """The files below a folder that others than their owner may read or write; none if nobody else can enter it."""
    if not folder.stat().st_mode & OTHERS:
        return []
    return [path for path, _ in _open_to_others(folder.rglob("*"))]


def _open_to_others(paths: Iterator[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        with suppress(FileNotFoundError):  # other threads and processes make and remove files meanwhile
            mode = path.lstat().st_mode
            if mode & OTHERS and path.is_file() and not path.is_symlink():
                yield path, mode & 0o777
