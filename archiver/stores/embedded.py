"""The embedded index: tantivy in a folder beside the archive's SQLite file, rebuilt whenever in doubt.

The folder's name carries the versions of schema and analysis. Its watermark lies in a file of its own that is
written after the commit: after a crash the last batch is applied again, which changes nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tantivy

from archiver import analysis
from archiver.encoding import decode, encode
from archiver.errors import ArchiverError, StoreBusy, StoreError
from archiver.model import Found, Key, Scope, Sort, Transcript
from archiver.query import Expression
from archiver.stores import schema

HEAP_BYTES = 128_000_000
_MARK = "applied.json"


class EmbeddedStore:
    """One folder below `root`. Any number of processes may read, one writes at a time."""

    def __init__(self, root: Path, archive_id: str, *, suffix: str = "") -> None:
        self._root = root
        self._archive_id = archive_id
        self._name = f"schema{schema.VERSION}-analysis{analysis.VERSION}"
        self._folder = root / (self._name + suffix)
        self._schema = schema.build_schema()
        self._index: Any = None
        self._writer: Any = None
        self._replaced: EmbeddedStore | None = None

    def applied(self) -> int:
        mark = self._folder / _MARK
        if not mark.is_file():
            return 0
        try:
            found = decode(mark.read_bytes())
            return int(found["applied"]) if found["archive"] == self._archive_id else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _open(self) -> Any:
        if self._index is None:
            if not self.applied():
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._index = schema.register(tantivy.Index(self._schema, path=str(self._folder), reuse=True))
            self._index.config_reader("manual", 0)
        return self._index

    def replace(self, transcripts: Sequence[Transcript], *, applied: int) -> None:
        with _our_errors(self._folder):
            self._write(transcripts)
            self._set_applied(applied)

    def _write(self, transcripts: Sequence[Transcript]) -> None:
        writer = self._writing()
        try:
            for transcript in {item.id: item for item in transcripts}.values():
                writer.delete_documents_by_term("key", transcript.id)
                for document in schema.documents(transcript):
                    writer.add_document(document)
            writer.commit()
        except BaseException:
            self.close()  # a writer that failed once is dead for good
            raise

    def _writing(self) -> Any:
        """The one writer, held until `close`: a fresh one for each batch leaves memory behind in its threads."""
        if self._writer is None:
            self._writer = self._open().writer(HEAP_BYTES, 1)
        return self._writer

    def _set_applied(self, applied: int) -> None:
        fresh = self._folder / f"{_MARK}.new"
        with fresh.open("wb") as file:
            file.write(encode({"applied": applied, "archive": self._archive_id}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / _MARK)

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: int | None = None
    ) -> Found:
        if not self.applied():
            return Found()
        with _our_errors(self._folder):
            searcher = self._searcher()
            query = schema.Translator(self._schema, scope, lambda asked: _numbers(searcher, asked)).query(expression)
            total = searcher.search(query, 1, count=True, order_by_field="rank").count
            if sort is Sort.RELEVANCE:
                hits = searcher.search(query, limit, count=False).hits
                return Found(tuple(_key(searcher, address, 0) for _, address in hits), total)
            return self._page(searcher, query, total, sort, limit, after)

    def _page(self, searcher: Any, query: Any, total: int, sort: Sort, limit: int, after: int | None) -> Found:
        asked = query if after is None else schema.behind(self._schema, query, after, is_newest=sort is Sort.NEWEST)
        order = tantivy.Order.Desc if sort is Sort.NEWEST else tantivy.Order.Asc
        hits = searcher.search(asked, limit + 1, count=False, order_by_field="rank", order=order).hits
        keys = tuple(_key(searcher, address, rank) for rank, address in hits[:limit])
        return Found(keys, total, keys[-1].cursor if len(hits) > limit else None)

    def _searcher(self) -> Any:
        index = self._open()
        index.reload()
        return index.searcher()

    def count(self) -> int:
        if not self.applied():
            return 0
        with _our_errors(self._folder):
            return int(self._searcher().search(schema.of_kind(self._schema, Scope.CONVERSATION), 1, count=True).count)

    def begin_rebuild(self) -> EmbeddedStore:
        fresh = EmbeddedStore(self._root, self._archive_id, suffix=".new")
        self._keep_others_out()
        with _our_errors(fresh._folder):
            shutil.rmtree(fresh._folder, ignore_errors=True)
        fresh._replaced = self
        return fresh

    def _keep_others_out(self) -> None:
        """Nobody may write to an index that is about to be replaced; a damaged one nobody can."""
        try:
            with _our_errors(self._folder):
                self._writing()
        except StoreBusy:
            raise
        except StoreError:
            self.close()

    def finish_rebuild(self) -> None:
        assert self._replaced is not None
        with _our_errors(self._folder):
            if not self.applied():
                self._open()
                self._set_applied(0)
            self.close()
            self._replaced.close()
            self._take_place()

    def _take_place(self) -> None:
        final, old = self._root / self._name, self._root / f"{self._name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if final.exists():
            final.rename(old)
        self._folder.rename(final)
        self._folder = final
        shutil.rmtree(old, ignore_errors=True)

    def close(self) -> None:
        self._index = self._writer = None


def _key(searcher: Any, address: Any, rank: int) -> Key:
    document = searcher.doc(address)
    return Key(str(document.get_first("key")), document.get_first("message"), rank)


def _numbers(searcher: Any, query: Any) -> list[int]:
    count = searcher.search(query, 1, count=True, order_by_field=schema.NUMBER).count
    return [
        number for number, _ in searcher.search(query, max(count, 1), count=False, order_by_field=schema.NUMBER).hits
    ]


class _our_errors:  # noqa: N801  (used as a statement)
    """Turns what tantivy and the disk say into our words."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None or isinstance(error, ArchiverError) or not isinstance(error, ValueError | OSError):
            return
        words = str(error)
        if "LockBusy" in words or "Lockfile" in words:
            raise StoreBusy(
                "another process is writing the search index", hint="Run the command again when it has finished."
            ) from error
        raise StoreError(
            f"the search index {self._folder} cannot be used: {words}",
            hint="Check the disk. If the index is damaged, build it again: archiver reindex",
        ) from error
