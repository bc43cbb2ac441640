"""The embedded index: tantivy in a folder beside the archive's SQLite file. It can be rebuilt at any time.

The folder's name carries the versions of fields, tokens and projection. The position is in a file of its own that is
written after the commit: after a crash the last batch is applied again, which changes nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tantivy

from archiver.config import StoreAddress
from archiver.errors import StoreBusy, StoreDenied, StoreError, StoreOutdated
from archiver.index.embedded.documents import documents
from archiver.index.embedded.errors import our_errors as _our_errors
from archiver.index.embedded.queries import after_cursor, conversation_query, message_query
from archiver.index.embedded.read_only import ReadOnlyCopy, denied, may_write
from archiver.index.embedded.schema import CONVERSATION_NUMBER, build_schema, facet_field, of_kind, register_tokenizer
from archiver.index.embedded.schema import VERSION as FIELDS_VERSION
from archiver.index.results import Facet, Key, KeyPage, Refusal, Sort, Version, most_frequent
from archiver.index.store import StoreStatus
from archiver.jsontext import decode, encode
from archiver.model import Transcript
from archiver.private import close_to_others, make_private_file, make_private_folder
from archiver.query import TOKENS_VERSION, Expression, Scope
from archiver.transcript import VERSION as TRANSCRIPT_VERSION

HEAP_BYTES = 128_000_000
_POSITION_FILE = "applied.json"
_MOST_VALUES = 60_000  # of one facet; tantivy refuses more than 65,000


def open_store(address: StoreAddress, folder: Path, archive_id: str) -> EmbeddedStore:
    """The index inside an archive's folder. Opens nothing yet."""
    return EmbeddedStore(folder / "index", archive_id)


class EmbeddedStore:
    """One folder below `root`. Any number of processes may read, one writes at a time."""

    def __init__(self, root: Path, archive_id: str, *, suffix: str = "") -> None:
        self._root = root
        self._archive_id = archive_id
        self._name = f"fields{FIELDS_VERSION}-tokens{TOKENS_VERSION}-transcript{TRANSCRIPT_VERSION}"
        self._folder = root / (self._name + suffix)
        self._schema = build_schema()
        self._index: Any = None
        self._writer: Any = None
        self._replaced: EmbeddedStore | None = None
        self._links: ReadOnlyCopy | None = None

    def applied(self) -> int:
        return int(self._position().get("applied", 0))

    def check_current(self) -> None:
        if not self._is_current():
            raise StoreOutdated(
                f"the search index in {self._root} was built by another version of this program",
                hint="Rebuild it from the vault: archiver reindex",
            )

    def _is_current(self) -> bool:
        """Whether there is no index yet, or one of this version."""
        with _our_errors(self._folder):
            return self._replaced is not None or self._folder.exists() or not self._outdated()

    def _outdated(self) -> list[Path]:
        """The folders of indexes that other versions of this program built."""
        if not self._root.is_dir():
            return []
        return [path for path in self._root.iterdir() if path.is_dir() and not path.name.startswith(self._name)]

    def _position(self) -> dict[str, Any]:
        """The position stored after the last commit; none if it belongs to another archive or is unreadable."""
        try:
            position = decode((self._folder / _POSITION_FILE).read_bytes())
            is_ours = position["archive"] == self._archive_id and isinstance(position["applied"], int)
            return position if is_ours else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _open(self) -> Any:
        if self._index is None:
            folder = self._prepared() if may_write(self._root) else self._linked()
            self._index = register_tokenizer(tantivy.Index(self._schema, path=str(folder), reuse=True))
            self._index.config_reader("manual", 0)
        return self._index

    def _prepared(self) -> Path:
        if not self.applied():
            shutil.rmtree(self._folder, ignore_errors=True)
        make_private_folder(self._root)
        make_private_folder(self._folder)
        return self._folder

    def _linked(self) -> Path:
        """A folder from which an index can be read that this process may not write: tantivy locks beside it."""
        if not self.applied():
            raise denied(self._root)
        self._links = self._links or ReadOnlyCopy(self._folder)
        return self._links.folder

    @contextmanager
    def writing(self, *, expected: int) -> Iterator[EmbeddedStore]:
        yield self

    def replace(self, versions: Sequence[Version], *, applied: int) -> None:
        with _our_errors(self._folder):
            transcripts = {version.transcript.id: version.transcript for version in versions}
            self._write(transcripts.values())
            refused = [refusal for refusal in self.refused() if refusal.conversation_id not in transcripts]
            self._write_position(applied, refused)

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        if not refusals:
            return
        by_id = {refusal.conversation_id: refusal for refusal in (*self.refused(), *refusals)}
        with _our_errors(self._folder):
            self._open()
            self._write_position(self.applied(), list(by_id.values()))

    def refused(self) -> tuple[Refusal, ...]:
        return tuple(Refusal(**item) for item in self._position().get("refused", ()))

    def _write(self, transcripts: Iterable[Transcript]) -> None:
        writer = self._open_writer()
        try:
            for transcript in transcripts:
                writer.delete_documents_by_term("key", transcript.id)
                for document in documents(transcript):
                    writer.add_document(document)
            writer.commit()
        except BaseException:
            self.close()  # a writer that failed once can't be used again
            raise

    def _open_writer(self) -> Any:
        """The one writer, held until `close`: a new one per batch would leave memory behind in its threads."""
        if self._writer is None:
            if not may_write(self._root):
                raise denied(self._root)
            self._writer = self._open().writer(HEAP_BYTES, 1)
        return self._writer

    def _write_position(self, applied: int, refused: Sequence[Refusal]) -> None:
        if not may_write(self._root):
            raise denied(self._root)
        close_to_others(self._folder)
        fresh = self._folder / f"{_POSITION_FILE}.new"
        make_private_file(fresh, is_new=True)
        with fresh.open("wb") as file:
            file.write(encode({"applied": applied, "archive": self._archive_id, "refused": refused}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / _POSITION_FILE)

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: int | None = None
    ) -> KeyPage:
        if not self.applied():
            return KeyPage()
        with _our_errors(self._folder):
            searcher = self._searcher()
            query = self._query(searcher, expression, scope)
            total = searcher.search(query, 1, count=True, order_by_field="rank").count
            if sort is Sort.RELEVANCE:
                hits = searcher.search(query, limit, count=False).hits
                return KeyPage(tuple(_key(searcher, address, 0) for _, address in hits), total)
            return self._page(searcher, query, total, sort, limit, after)

    def _query(self, searcher: Any, expression: Expression, scope: Scope) -> Any:
        if scope is Scope.CONVERSATION:
            return conversation_query(self._schema, expression)
        return message_query(self._schema, expression, lambda query: _numbers(searcher, query))

    def _page(self, searcher: Any, query: Any, total: int, sort: Sort, limit: int, after: int | None) -> KeyPage:
        rest = query
        if after is not None:
            rest = after_cursor(self._schema, query, after, is_newest=sort is Sort.NEWEST)
        order = tantivy.Order.Desc if sort is Sort.NEWEST else tantivy.Order.Asc
        hits = searcher.search(rest, limit + 1, count=False, order_by_field="rank", order=order).hits
        keys = tuple(_key(searcher, address, rank) for rank, address in hits[:limit])
        return KeyPage(keys, total, keys[-1].cursor if len(hits) > limit else None)

    def _searcher(self) -> Any:
        index = self._open()
        index.reload()
        return index.searcher()

    def facets(self, expression: Expression, names: Sequence[str], *, limit: int) -> Mapping[str, tuple[Facet, ...]]:
        if not self.applied():
            return dict.fromkeys(names, ())
        with _our_errors(self._folder):
            searcher = self._searcher()
            query = conversation_query(self._schema, expression)
            terms = {name: {"terms": {"field": facet_field(name), "size": _MOST_VALUES}} for name in names}
            answer = searcher.aggregate(query, terms)
        return {name: most_frequent(_counts(answer[name]), limit) for name in names}

    def count(self) -> int:
        if not self.applied():
            return 0
        with _our_errors(self._folder):
            return int(self._searcher().search(of_kind(self._schema, Scope.CONVERSATION), 1, count=True).count)

    def begin_rebuild(self) -> EmbeddedStore:
        fresh = EmbeddedStore(self._root, self._archive_id, suffix=".new")
        self._keep_others_out()
        with _our_errors(fresh._folder):
            shutil.rmtree(fresh._folder, ignore_errors=True)
        fresh._replaced = self
        return fresh

    def _keep_others_out(self) -> None:
        """Prevents writing to an index that is about to be replaced. A damaged index cannot be written to anyway."""
        try:
            with _our_errors(self._folder):
                self._open_writer()
        except (StoreBusy, StoreDenied):
            raise
        except StoreError:
            self.close()

    def finish_rebuild(self) -> None:
        assert self._replaced is not None
        with _our_errors(self._folder):
            if not self.applied():
                self._open()
                self._write_position(0, ())
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
        for path in (old, *self._outdated()):
            shutil.rmtree(path, ignore_errors=True)

    def prepare(self) -> None:
        with _our_errors(self._folder):
            self._open()
            self._write_position(self.applied(), self.refused())

    def status(self) -> StoreStatus:
        with _our_errors(self._folder):
            size = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
            is_prepared = self._folder.exists()
        return StoreStatus(
            kind="embedded", place=str(self._folder), is_prepared=is_prepared, is_current=self._is_current(),
            applied=self.applied(), conversations=self.count(), bytes=size,
        )  # fmt: skip

    def drop(self) -> None:
        with _our_errors(self._folder):
            self._keep_others_out()
            self.close()
            for path in (self._folder, *self._outdated()):
                shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        self._index = self._writer = None
        if self._links:
            self._links.close()
            self._links = None


def _counts(aggregation: Any) -> dict[str, int]:
    return {bucket["key"]: bucket["doc_count"] for bucket in aggregation["buckets"]}


def _key(searcher: Any, address: Any, rank: int) -> Key:
    document = searcher.doc(address)
    return Key(str(document.get_first("key")), document.get_first("message"), rank)


def _numbers(searcher: Any, query: Any) -> list[int]:
    count = searcher.search(query, 1, count=True, order_by_field=CONVERSATION_NUMBER).count
    return [
        number
        for number, _ in searcher.search(query, max(count, 1), count=False, order_by_field=CONVERSATION_NUMBER).hits
    ]
