"""Exports conversations in one of several formats. Each gets the same items, and none may leave one out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from archiver.errors import ConfigError
from archiver.export.csv_files import CsvFiles
from archiver.export.folder import Folder
from archiver.export.item import Item
from archiver.export.parquet import ParquetFiles
from archiver.export.rsmf import rsmf
from archiver.export.vcon import vcon
from archiver.jsontext import encode
from archiver.model import Transcript
from archiver.transcript import unreadable_as_json
from archiver.value import Value

if TYPE_CHECKING:
    from hashlib import _Hash as Digest

_CHECKPOINT_EVERY = 200  # conversations
_UNREADABLE = "unreadable.ndjson"


class Writer(Protocol):
    """Writes a format into a folder."""

    def begin(self) -> None:
        """Writes what stands before the first conversation."""
        ...

    def rest_before(self, item: Item) -> bool:
        """Whether everything that was added is whole before this item, so that an ended export could go on with it."""
        ...

    def add(self, item: Item) -> None:
        """Writes a conversation; nothing for one that can't be read."""
        ...

    def end(self, count: int, unreadable: int) -> None:
        """Writes what stands after the last one."""
        ...


class Exported(Value):
    """How many conversations were exported, and the ids of those whose records can't be read, which stand in
    `unreadable.ndjson` with their bytes. `sha256`: of their vault entries and ids, a line each, in order.
    """

    count: int
    unreadable: tuple[str, ...]
    sha256: str


class PerConversation:
    """A format of one or several files for each conversation."""

    def __init__(self, folder: Folder, files: Callable[[Item, Transcript], Iterable[tuple[str, bytes]]]) -> None:
        self._folder, self._files = folder, files

    def begin(self) -> None:
        """Nothing stands before the first conversation."""

    def rest_before(self, _: Item) -> bool:
        return True

    def add(self, item: Item) -> None:
        for name, content in self._files(item, item.transcript) if item.transcript else ():
            self._folder.put(name, content)

    def end(self, count: int, unreadable: int) -> None:
        """Nothing stands after the last one."""


def writer_of(format_: str, folder: Folder, head: str) -> Writer:
    """The writer of a format that needs no more than the archive's head: csv, parquet, rsmf or vcon."""
    if format_ == "rsmf":
        return PerConversation(folder, lambda item, transcript: rsmf(item, transcript, head))
    if format_ == "vcon":
        return PerConversation(
            folder, lambda item, transcript: [(f"{item.file_stem}.vcon.json", vcon(item, transcript))]
        )
    return CsvFiles(folder) if format_ == "csv" else ParquetFiles(folder)


def export(
    items: Iterable[Item], writer: Writer, folder: Folder, *, advance: Callable[[], None]
) -> Exported:  # fmt: skip
    """Writes all items into a folder that is open, and completes it. One that was begun before goes on where it was
    ended: the items have to come in the same order. Raises ConfigError, OSError.
    """
    if not folder.done:
        writer.begin()
        folder.growing(_UNREADABLE)
    unreadable = folder.listed(_UNREADABLE)
    count, seen = folder.done, hashlib.sha256()
    for item in _rest(items, folder, seen):
        if count - folder.done >= _CHECKPOINT_EVERY and writer.rest_before(item):
            folder.checkpoint(count, seen.hexdigest())
        _note(seen, item)
        writer.add(item)
        if item.fault:
            folder.growing(_UNREADABLE).write(_as_line(item))
            unreadable.append(item.id)
        count += 1
        advance()
    folder.finish_or_drop(_UNREADABLE)
    writer.end(count, len(unreadable))
    folder.complete()
    return Exported(count, tuple(unreadable), seen.hexdigest())


def _rest(items: Iterable[Item], folder: Folder, seen: Digest) -> Iterator[Item]:
    """The items behind those that were written before. Raises ConfigError if these are not the same any more."""
    found = iter(items)
    for item in islice(found, folder.done):
        _note(seen, item)
    if folder.done and seen.hexdigest() != folder.seen:
        raise ConfigError(
            f"{folder.path} was begun with other conversations than are found now", hint="Begin anew: --force."
        )
    yield from found


def _note(seen: Digest, item: Item) -> None:
    seen.update(f"{item.record.seq} {item.id}\n".encode("utf-8", "surrogatepass"))


def _as_line(item: Item) -> bytes:
    record = item.record
    content = unreadable_as_json(
        item.id, item.fault or "", seq=record.seq, fetched_at=record.fetched_at, raw=record.raw
    )  # fmt: skip
    return encode(content) + b"\n"
