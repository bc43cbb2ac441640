"""A case package: pages, tables and the exact records, with a manifest and a program that checks them anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from typing import Any

from archiver.archive import Evidence
from archiver.export.csv_files import CsvFiles
from archiver.export.folder import Folder
from archiver.export.html_pages import HtmlFolder
from archiver.export.item import Item
from archiver.export.reviews import Reviews
from archiver.jsontext import encode, pretty
from archiver.model import Message

_RECORDS, _ATTACHMENTS, _MANIFEST = "records.ndjson", "attachments-not-archived.ndjson", "manifest.json"


class CasePackage:
    """Writes it. `about` is what the manifest says of the question and the archive; `evidence` proves a vault entry."""

    def __init__(
        self, folder: Folder, pages: HtmlFolder, about: dict[str, Any], evidence: Callable[[int], Evidence],
        reviews: Reviews | None = None,
    ) -> None:  # fmt: skip
        self._folder, self._about, self._evidence, self._reviews = folder, about, evidence, reviews
        self._parts = (pages, CsvFiles(folder))
        self.digest = ""  # of the manifest, once it is written

    def begin(self) -> None:
        for part in self._parts:
            part.begin()
        for name in (_RECORDS, _ATTACHMENTS):
            self._folder.growing(name)

    def rest_before(self, _: Item) -> bool:
        return True

    def add(self, item: Item) -> None:
        for part in self._parts:
            part.add(item)
        name = f"records/{item.file_stem}.json"
        self._folder.put(name, item.record.raw)
        proof = self._evidence(item.record.seq)
        line = {
            "conversation_id": item.id, "file": name, "entry": proof.entry, "link": proof.link, "salt": proof.salt,
            "unreadable": item.fault,
        }  # fmt: skip
        self._folder.growing(_RECORDS).write(encode(line) + b"\n")
        for number, message in enumerate(item.transcript.messages if item.transcript else (), 1):
            if message.file:
                self._folder.growing(_ATTACHMENTS).write(encode(_attachment(item, number, message)) + b"\n")

    def end(self, count: int, unreadable: int) -> None:
        """Completes the parts, and writes the manifest over all files."""
        for part in self._parts:
            part.end(count, unreadable)
        for name in (_RECORDS, _ATTACHMENTS):
            self._folder.finish(name)
        if self._reviews:
            self._reviews.write(self._folder)
        self._folder.put("verify.py", files("archiver.export").joinpath("verify_case.py").read_bytes())
        self._write_manifest(count, unreadable, sum(1 for _ in self._folder.names()))
        self._folder.put("manifest.sha256", f"{self.digest}  manifest.json\n".encode())

    def _write_manifest(self, count: int, unreadable: int, total: int) -> None:
        """A file after the other, as there may be very many."""
        counts = {"conversations": count, "unreadable": unreadable, "files": total}
        head = pretty({"schema": "archiver.case/1", "counts": counts, **self._about, "files": {}})
        listed = (name for name in self._folder.names() if name != _MANIFEST)
        digest, file = hashlib.sha256(), self._folder.growing(_MANIFEST)
        for part in _parts(head, (f"{_quoted(name)}: {pretty(self._folder.digest(name))}" for name in listed)):
            digest.update(part.encode())
            file.write(part.encode())
        self._folder.finish(_MANIFEST)
        self.digest = digest.hexdigest()


def _parts(empty: str, members: Iterable[str]) -> Iterator[str]:
    """A JSON text whose last member is an empty object, with the members of that object, which there must be."""
    yield empty.removesuffix("{}\n}")
    before = "{\n    "
    for member in members:
        yield before + member.replace("\n", "\n    ")
        before = ",\n    "
    yield "\n  }\n}"


def _quoted(text: str) -> str:
    return encode(text).decode()


def _attachment(item: Item, number: int, message: Message) -> dict[str, Any]:
    return {"conversation_id": item.id, "number": number, "message_id": message.id, "file": message.file}
