"""A folder that an export fills: it gets its name when it is complete, and an export that was killed goes on in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from archiver.errors import ArchiveError, ConfigError
from archiver.jsontext import decode, encode
from archiver.private import make_private_folder

_JOURNAL = ".export.json"
_MARK = "export.json"  # by which a folder is known that an export made, and may replace
_OURS = "archiver.export"
_COPIED_AT_ONCE = 1 << 20


class Folder:
    """Files are written below `path`, a folder beside the one that is asked for. `key` names everything that decides
    what is written: an export with the same key goes on where one was ended. `done` says after how many conversations,
    and `seen` is a digest of their ids. Nothing is removed but what an export has made.
    """

    def __init__(self, wanted: Path, key: str, *, is_replaced: bool) -> None:
        self._wanted, self._key, self._is_replaced = wanted.resolve(), key, is_replaced
        self.path = self._wanted.parent / f"{self._wanted.name}.part"
        self._growing: dict[str, BinaryIO] = {}
        self._finished: set[str] = set()
        self._unsynced: list[Path] = []
        self._ends: list[Callable[[], None]] = []
        self._lock: int | None = None
        self._is_new = False
        self.done, self.seen = 0, ""

    def open(self) -> None:
        """Makes the folder, or takes up the one of an export that was ended. Raises ConfigError, OSError."""
        if not self._wanted.parent.is_dir():
            raise ConfigError(f"there is no folder {self._wanted.parent}", hint="Make it, or choose another --output.")
        self._check_wanted()
        make_private_folder(self.path)
        self._take()
        _check_ours(self.path)
        sizes = self._journal()
        if sizes is None:
            self._begin()
            return
        self._drop_newer(sizes)
        for name, size in sizes.items():
            file = (self.path / name).open("r+b" if size else "w+b")  # an empty one may have been dropped at the end
            file.truncate(size)
            file.seek(size)
            self._growing[name] = file

    def _check_wanted(self) -> None:
        if not self._wanted.exists():
            return
        if not self._is_replaced:
            raise ConfigError(f"{self._wanted} exists", hint="Choose another --output, or replace it with --force.")
        if not self._wanted.is_dir():
            raise ConfigError(f"{self._wanted} is a file", hint="This format is a folder: choose another --output.")
        _check_ours(self._wanted)

    def _take(self) -> None:
        """Keeps other exports out until this one is closed, or its process ends."""
        self._lock = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_same = os.fstat(self._lock).st_ino == self.path.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            is_same = False
        if not is_same:
            raise ConfigError(f"another export writes {self._wanted} now", hint="Wait, or choose another --output.")

    def _drop_newer(self, growing: Mapping[str, int]) -> None:
        """Removes what came after the journal: it is written again, if it is the export's at all."""
        kept_at = (self.path / _JOURNAL).stat().st_mtime_ns
        for path in self.path.rglob("*"):
            name = path.relative_to(self.path).as_posix()
            if not path.is_dir() and name not in (*growing, _JOURNAL) and path.lstat().st_mtime_ns > kept_at:
                path.unlink()

    def _begin(self) -> None:
        for path in self.path.iterdir():
            if path.name == _MARK:
                continue  # a kill meanwhile leaves a folder that is ours
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        self.put(_MARK, encode({"made_by": _OURS, "key": self._key}) + b"\n")
        self._is_new = True

    def _journal(self) -> dict[str, int] | None:
        """The sizes of the growing files when they were last whole; None if there is nothing to go on with. Raises
        ConfigError for what another export has left.
        """
        try:
            found = decode((self.path / _JOURNAL).read_bytes())
        except (OSError, ValueError):
            return None  # it was ended before it had kept anything
        if found.get("key") != self._key:
            if self._is_replaced:
                return None
            raise ConfigError(
                f"{self.path} was begun by another export, or the archive has changed since",
                hint="Begin anew with --force, or choose another folder. Days such as 90d count from now: write dates.",
            )
        self.done, self.seen = int(found["done"]), str(found["seen"])
        return dict(found["sizes"])

    def at_close(self, end: Callable[[], None]) -> None:
        """Does something before the growing files are closed, also if the export is not completed."""
        self._ends.append(end)

    def growing(self, name: str) -> BinaryIO:
        """A file that is written from its begin to its end."""
        if name in self._finished:
            raise ArchiveError(f"{name} was complete, and more belongs to it", hint="Export without this format.")
        if name not in self._growing:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._growing[name] = path.open("w+b")
        return self._growing[name]

    def finish(self, name: str) -> None:
        """Nothing more is written to a growing file."""
        file = self._growing.pop(name)
        self._finished.add(name)
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
        """Writes a whole file. Raises FileExistsError for a name that was written before."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb" if self._is_new else "wb") as file:  # one that goes on writes some again
            file.write(content)
        self._unsynced.append(path)

    def checkpoint(self, done: int, seen: str) -> None:
        """Makes durable what was written for so many conversations: an export that is ended goes on from there."""
        for file in self._growing.values():
            _sync(file)
        self._sync_put()
        sizes = {name: file.tell() for name, file in self._growing.items()}
        new = self.path / f"{_JOURNAL}.new"
        with new.open("wb") as file:
            file.write(encode({"key": self._key, "done": done, "seen": seen, "sizes": sizes}))
            _sync(file)
        new.replace(self.path / _JOURNAL)
        self.done, self.seen = done, seen

    def _sync_put(self) -> None:
        """Makes durable what was put since the last checkpoint."""
        for path in self._unsynced:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        self._unsynced.clear()

    def names(self) -> Iterator[str]:
        """Every file that was written, a folder after the other. Of a folder, only the names are held."""
        for path, folders, files in os.walk(self.path):
            folders.sort()
            below = Path(path).relative_to(self.path)
            yield from ((below / name).as_posix() for name in sorted(files) if not name.startswith(_JOURNAL))

    def digest(self, name: str) -> dict[str, int | str]:
        """The size of a file in bytes, and the SHA-256 of its content. It must not be growing."""
        with (self.path / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": (self.path / name).stat().st_size, "sha256": digest}

    def complete(self) -> None:
        """Gives the folder its name, in place of one that is to be replaced. Raises ConfigError, OSError."""
        for name in list(self._growing):
            self.finish(name)
        self._sync_put()
        with suppress(FileNotFoundError):
            (self.path / _JOURNAL).unlink()
        if self._wanted.exists():
            self._check_wanted()
            old = self._wanted.parent / f"{self._wanted.name}.{secrets.token_hex(8)}.old"
            self._wanted.replace(old)
            self.path.replace(self._wanted)
            shutil.rmtree(old, ignore_errors=True)
            return
        self.path.replace(self._wanted)

    def close(self) -> None:
        """Closes the files; what was not completed stays for an export that goes on."""
        for end in self._ends:
            with suppress(OSError, ValueError):
                end()
        for file in self._growing.values():
            file.close()
        self._growing.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _check_ours(folder: Path) -> None:
    """Raises ConfigError for a folder that holds what no export has made."""
    try:
        is_ours = decode((folder / _MARK).read_bytes()).get("made_by") == _OURS
    except (OSError, ValueError, AttributeError):
        is_ours = not any(folder.iterdir())
    if not is_ours:
        raise ConfigError(
            f"{folder} holds other things than an export, and stays", hint="Choose another --output, or remove it."
        )


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
