"""A folder that an export fills: it gets its name when it is complete, and an export that was killed goes on in it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from archiver.errors import ConfigError
from archiver.jsontext import decode, encode
from archiver.private import make_private_folder

_JOURNAL = ".export.json"
_COPIED_AT_ONCE = 1 << 20


class Folder:
    """Files are written below `path`, a folder beside the one that is asked for. `key` names everything that decides
    what is written: an export with the same key goes on where one was ended. `done` says after how many conversations.
    """

    def __init__(self, wanted: Path, key: str, *, is_replaced: bool) -> None:
        self._wanted, self._key, self._is_replaced = wanted, key, is_replaced
        self.path = wanted.with_name(f"{wanted.name}.part")
        self._growing: dict[str, BinaryIO] = {}
        self.done = 0

    def open(self) -> None:
        """Makes the folder, or takes up the one of an export that was ended. Raises ConfigError, OSError."""
        if self._wanted.exists() and not self._is_replaced:
            raise ConfigError(f"{self._wanted} exists", hint="Choose another --output, or replace it with --force.")
        if self._wanted.exists() and not self._wanted.is_dir():
            raise ConfigError(f"{self._wanted} is a file", hint="This format is a folder: choose another --output.")
        sizes = self._journal()
        if sizes is None:
            shutil.rmtree(self.path, ignore_errors=True)
            make_private_folder(self.path)
            return
        for name, size in sizes.items():
            file = (self.path / name).open("r+b")
            file.truncate(size)
            file.seek(size)
            self._growing[name] = file

    def _journal(self) -> dict[str, int] | None:
        """The sizes of the growing files when they were last whole; None if there is nothing to go on with. Raises
        ConfigError for what another export has left.
        """
        if not self.path.exists():
            return None
        try:
            found = decode((self.path / _JOURNAL).read_bytes())
        except (OSError, ValueError):
            return None  # it was ended before it had kept anything
        if found.get("key") != self._key:
            if self._is_replaced:
                return None
            raise ConfigError(
                f"{self.path} was begun by another export, or the archive has changed since",
                hint="Remove it, choose another --output, or begin anew with --force.",
            )
        self.done = int(found["done"])
        return dict(found["sizes"])

    def growing(self, name: str) -> BinaryIO:
        """A file that is written from its begin to its end."""
        if name not in self._growing:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._growing[name] = path.open("w+b")
        return self._growing[name]

    def finish(self, name: str) -> None:
        """Nothing more is written to a growing file."""
        file = self._growing.pop(name)
        _sync(file)
        file.close()

    def finish_or_drop(self, name: str) -> None:
        """The same, and no file at all if nothing was written."""
        is_empty = not self._growing[name].tell()
        self.finish(name)
        if is_empty:
            (self.path / name).unlink()

    def listed(self, name: str) -> list[str]:
        """The conversations that the lines of a growing file are about."""
        file = self.growing(name)
        file.seek(0)
        found = [decode(line)["conversation_id"] for line in file]
        return found

    def put(self, name: str, content: bytes) -> None:
        """Writes a whole file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def checkpoint(self, done: int) -> None:
        """Makes durable what was written for so many conversations: an export that is ended goes on from there."""
        for file in self._growing.values():
            _sync(file)
        sizes = {name: file.tell() for name, file in self._growing.items()}
        new = self.path / f"{_JOURNAL}.new"
        with new.open("wb") as file:
            file.write(encode({"key": self._key, "done": done, "sizes": sizes}))
            _sync(file)
        new.replace(self.path / _JOURNAL)
        self.done = done

    def names(self) -> list[str]:
        """Every file that was written, in order."""
        found = (path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())
        return sorted(name for name in found if not name.startswith(_JOURNAL))

    def digests(self) -> Iterator[tuple[str, int, str]]:
        """Each file with its size and the SHA-256 of its content. Growing files must be finished."""
        for name in self.names():
            with (self.path / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield name, (self.path / name).stat().st_size, digest

    def complete(self) -> None:
        """Gives the folder its name, in place of one that is to be replaced. Raises ConfigError, OSError."""
        for name in list(self._growing):
            self.finish(name)
        with suppress(FileNotFoundError):
            (self.path / _JOURNAL).unlink()
        if self._wanted.exists():
            if not self._is_replaced:
                raise ConfigError(f"{self._wanted} exists", hint="Choose another --output, or use --force.")
            old = self._wanted.with_name(f"{self._wanted.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            self._wanted.replace(old)
            self.path.replace(self._wanted)
            shutil.rmtree(old, ignore_errors=True)
            return
        self.path.replace(self._wanted)

    def close(self) -> None:
        """Closes the files; what was not completed stays for an export that goes on."""
        for file in self._growing.values():
            file.close()
        self._growing.clear()


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
