"""The embedded index: tantivy in a folder beside the archive's SQLite file. It can be rebuilt at any time.

The folder's name carries the versions of fields, tokens, projection and tantivy.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tantivy

from archiver.config import StoreAddress
from archiver.errors import StoreBusy, StoreDenied, StoreError, StoreOutdated
from archiver.index.axes import Axes, Tally
from archiver.index.embedded.comparison import compare
from archiver.index.embedded.documents import documents
from archiver.index.embedded.errors import our_errors
from archiver.index.embedded.files import Commit, commit_of, damaged_files, library_version, remove_idle, stored_bytes
from archiver.index.embedded.pages import count
from archiver.index.embedded.position import POSITION_FILE, PositionFile
from archiver.index.embedded.read_only import ReadOnlyCopy, denied, may_write
from archiver.index.embedded.schema import VERSION as FIELDS_VERSION
from archiver.index.embedded.schema import build_schema, of_kind, register_tokenizer
from archiver.index.embedded.searching import Searching
from archiver.index.refusals import refusing
from archiver.index.results import Comparison, Key, KeyPage, Position, Refusal, Sort, Version, none_held
from archiver.index.store import StoreStatus
from archiver.index.versions import Unread, read
from archiver.private import make_private_folder
from archiver.query import TOKENS_VERSION, Expression, Scope
from archiver.transcript import VERSION as TRANSCRIPT_VERSION

HEAP_BYTES = 128_000_000


def open_store(address: StoreAddress, folder: Path, archive_id: str) -> EmbeddedStore:
    """The index inside an archive's folder. Opens nothing yet."""
    return EmbeddedStore(folder / "index", archive_id)


class EmbeddedStore:
    """One folder below `root`. Any number of processes may read, one writes at a time."""

    def __init__(self, root: Path, archive_id: str, *, suffix: str = "") -> None:
        self._root = root
        self._archive_id = archive_id
        versions = f"fields{FIELDS_VERSION}-tokens{TOKENS_VERSION}-transcript{TRANSCRIPT_VERSION}"
        self._name = f"{versions}-tantivy{library_version()}"
        self._folder = root / (self._name + suffix)
        self._schema = build_schema()
        self._index: Any = None
        self._writer: Any = None
        self._newest: Any = None  # the searcher of a commit, and the conversations that were counted in it
        self._commit: Commit | None = None
        self._counted: int | None = None
        self._replaced: EmbeddedStore | None = None
        self._links: ReadOnlyCopy | None = None

    def position(self) -> Position:
        return self._position_file.read()

    @property
    def _position_file(self) -> PositionFile:
        return PositionFile(self._folder, self._archive_id)

    def check_current(self) -> None:
        if not self._is_current():
            raise StoreOutdated(
                f"the search index in {self._root} was built by another version of this program",
                hint="Rebuild it from the vault: archiver reindex",
            )

    def _is_current(self) -> bool:
        """Whether there is no index yet, or one of this version."""
        with our_errors(self._folder):
            return self._replaced is not None or self._folder.exists() or not self._outdated()

    def _outdated(self) -> list[Path]:
        """The folders of indexes that other versions of this program built."""
        if not self._root.is_dir():
            return []
        return [path for path in self._root.iterdir() if path.is_dir() and not path.name.startswith(self._name)]

    def _open(self) -> Any:
        if self._index is None:
            folder = self._prepared() if may_write(self._root) else self._linked()
            self._index = register_tokenizer(tantivy.Index(self._schema, path=str(folder), reuse=True))
            self._index.config_reader("manual", 0)
        return self._index

    def _prepared(self) -> Path:
        if not self.position().seq:
            remove_idle(self._folder)
        make_private_folder(self._root)
        make_private_folder(self._folder)
        return self._folder

    def _linked(self) -> Path:
        """A folder from which an index can be read that this process may not write: tantivy locks beside it."""
        if not self.position().seq:
            raise denied(self._root)
        self._links = self._links or ReadOnlyCopy(self._folder)
        return self._links.folder

    @contextmanager
    def writing(self, *, expected: int, patience_s: float | None = None) -> Iterator[EmbeddedStore]:
        yield self

    def replace(self, versions: Iterable[Version | Unread | Refusal], *, applied: Position) -> int:
        refused = {refusal.conversation_id: refusal for refusal in self.refused()}
        count = self._write(map(read, versions), refused)
        with our_errors(self._folder):
            self._position_file.write(applied, list(refused.values()))
        return count

    def refused(self) -> tuple[Refusal, ...]:
        return self._position_file.refused()

    def _write(self, versions: Iterable[Version | Refusal], refused: dict[str, Refusal]) -> int:
        """Replaces the documents of conversations, and adds to or removes from those that are refused."""
        with our_errors(self._folder):
            writer, count = self._open_writer(), 0
        try:
            for version in versions:
                conversation_id, made = _made(version, refused)
                with our_errors(self._folder):
                    writer.delete_documents_by_term("key", conversation_id)
                    for document in made:
                        writer.add_document(document)
                count += bool(made)
            with our_errors(self._folder):
                writer.commit()
        except BaseException:
            self.close()  # a writer that failed once can't be used again
            raise
        return count

    def _open_writer(self) -> Any:
        """The one writer, held until `close`: a new one per batch would leave memory behind in its threads."""
        if self._writer is None:
            if not may_write(self._root):
                raise denied(self._root)
            self._writer = self._open().writer(HEAP_BYTES, 1)
        return self._writer

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: Key | None = None,
        is_counted: bool = True,
    ) -> KeyPage:  # fmt: skip
        if not self.position().seq:
            return KeyPage()
        with our_errors(self._folder):
            return self._searching().page(expression, scope, sort, limit, after, is_counted=is_counted)

    def tallies(self, expression: Expression, asked: Sequence[Axes], *, scope: Scope) -> list[Tally]:
        if not self.position().seq:
            return [{} for _ in asked]
        with our_errors(self._folder):
            return self._searching().tallies(expression, asked, scope)

    def _searching(self) -> Searching:
        return Searching(self._searcher(), self._schema)

    def check_whole(self, conversations: int) -> None:
        held = self.count()
        if not conversations - len(self.refused()) <= held <= conversations:
            raise StoreError(
                f"the search index {self._folder} holds {held:,} conversations, and the vault {conversations:,}",
                hint="Find out what is missing: archiver verify. Put it in: archiver verify --repair",
            )

    def compare(self, versions: Sequence[Version]) -> Comparison:
        if not self.position().seq:
            return none_held(versions)
        with our_errors(self._folder):
            return compare(self._searcher(), self._schema, versions)

    def documents(self) -> int:
        if not self.position().seq:
            return 0
        with our_errors(self._folder):
            return int(self._searcher().num_docs)

    def damage(self) -> Iterator[str]:
        if self._position_file.is_damaged():
            yield f"its file {POSITION_FILE} is damaged"
        with our_errors(self._folder):
            damaged = list(damaged_files(self._folder)) if self._folder.is_dir() else []
        yield from (f"its file {name} is damaged" for name in damaged)

    def _searcher(self) -> Any:
        """A searcher of the newest commit; the same until there is another one."""
        index, commit = self._open(), commit_of(self._folder)
        if self._commit != commit and self._newest is not None and self._links:
            self.close()  # the links are to the files of one commit
            index = self._open()
        if self._commit != commit or self._newest is None:
            index.reload()
            self._commit, self._newest, self._counted = commit, index.searcher(), None
        return self._newest

    def count(self) -> int:
        if not self.position().seq:
            return 0
        with our_errors(self._folder):
            searcher = self._searcher()
            if self._counted is None:
                self._counted = count(searcher, of_kind(self._schema, Scope.CONVERSATION.value))
            return self._counted

    def mend(self) -> None:
        pass  # a damaged file can't be made again alone

    def begin_rebuild(self) -> EmbeddedStore:
        fresh = EmbeddedStore(self._root, self._archive_id, suffix=".new")
        self._keep_others_out()
        with our_errors(fresh._folder):
            shutil.rmtree(fresh._folder, ignore_errors=True)
        fresh._replaced = self
        return fresh

    def _keep_others_out(self) -> None:
        """Prevents writing to an index that is about to be replaced. A damaged index cannot be written to anyway."""
        try:
            with our_errors(self._folder):
                self._open_writer()
        except (StoreBusy, StoreDenied):
            raise
        except StoreError:
            self.close()

    def finish_rebuild(self) -> None:
        assert self._replaced is not None
        with our_errors(self._folder):
            if not self.position().seq:
                self._open()
                self._position_file.write(Position(), ())
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
        with our_errors(self._folder):
            self._open()
            self._position_file.write(self.position(), self.refused())

    def status(self) -> StoreStatus:
        with our_errors(self._folder):
            size, is_prepared = stored_bytes(self._folder), self._folder.exists()
        return StoreStatus(
            kind="embedded", place=str(self._folder), is_prepared=is_prepared, is_current=self._is_current(),
            applied=self.position().seq, conversations=self.count(), bytes=size,
        )  # fmt: skip

    def drop(self) -> None:
        with our_errors(self._folder):
            self._keep_others_out()
            self.close()
            for path in (self._folder, *self._outdated()):
                shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        self._index = self._writer = self._newest = None
        if self._links:
            self._links.close()
            self._links = None


def _made(version: Version | Refusal, refused: dict[str, Refusal]) -> tuple[str, Sequence[Any]]:
    """The id of a conversation and its documents; none if it is refused, which is noted."""
    if isinstance(version, Refusal):
        refused[version.conversation_id] = version
        return version.conversation_id, ()
    refusals, made = list[Refusal](), list[Any]()
    with refusing(version, refusals.append):
        made = list(documents(version))
    refused.pop(version.transcript.id, None)
    refused.update((refusal.conversation_id, refusal) for refusal in refusals)
    return version.transcript.id, made
