"""Where an export is written: standard output, or a file that gets its name when it is complete."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from archiver.archive import is_archive
from archiver.errors import ConfigError
from archiver.packaging import written
from archiver.private import make_private_file


@contextmanager
def output(name: str, *, is_replaced: bool) -> Iterator[BinaryIO]:
    """Standard output, or a file that gets its name when it is complete. Pipes and devices are written to directly.

    Raises ConfigError if the file exists, unless it may be replaced.
    """
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = checked(name)
    with written(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        _refuse(path, is_replaced=is_replaced)
        with _unfinished(path, is_replaced=is_replaced) as unfinished:
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _refuse(path, is_replaced=is_replaced)  # it may have been made meanwhile
            unfinished.replace(path)


@contextmanager
def _unfinished(path: Path, *, is_replaced: bool) -> Iterator[Path]:
    """A new file beside the output, removed at the end. One that is there is of an export that runs or was killed."""
    unfinished = path.with_name(path.name + ".part")
    if unfinished.exists() and not is_replaced:
        hint = "If no other export is running, it is left of one that was killed: remove it, or use --force."
        raise ConfigError(f"{unfinished} exists", hint=hint)
    make_private_file(unfinished, is_new=True)
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def refuse(name: str, *, is_replaced: bool) -> None:
    """Raises ConfigError if an output exists and may not be replaced."""
    if name != "-":
        _refuse(checked(name), is_replaced=is_replaced)


def _refuse(path: Path, *, is_replaced: bool) -> None:
    if path.exists() and is_archive(path.parent):
        raise ConfigError(f"{path} belongs to an archive, and stays", hint="Choose another file.")
    if path.exists() and not is_replaced:
        raise ConfigError(f"{path} exists", hint="Choose another file, or replace it with --force.")


def checked(name: str) -> Path:
    """The file meant, behind any link. Raises ConfigError if no file can be made there."""
    try:
        path = Path(name).resolve()
        if not name or path.is_dir():
            raise ConfigError(
                f"--output {name or 'is empty'} is not a file", hint="Name a file, or - for standard output."
            )
        if not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}", hint="Make it first, or choose another --output.")
    except (OSError, RuntimeError) as error:  # a folder that may not be looked into; a circle of links
        raise ConfigError(f"--output {name} is not usable: {error}", hint="Choose another --output.") from error
    return path
