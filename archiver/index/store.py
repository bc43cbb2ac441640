"""What a search index promises, and how one is opened. `tests/contract` holds every store to these promises."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast

from archiver.config import StoreAddress, shown_url
from archiver.errors import ConfigError
from archiver.index.axes import Axes, Tally
from archiver.index.results import Comparison, Key, KeyPage, Position, Refusal, Sort, Version
from archiver.index.versions import Unread
from archiver.query import Expression, Scope
from archiver.value import Value


class Writer(Protocol):
    """What puts versions of conversations into a store."""

    def replace(self, versions: Iterable[Version | Unread | Refusal], *, applied: Position) -> int:
        """Stores exactly these versions of their conversations, then the position `applied`. Safe to repeat. Returns of
        how many it made documents.

        Of a conversation that is given as a refusal, or whose documents can't be made, no version is left, and
        `Store.refused` lists it. Few versions are in memory at a time.

        May return before that is done; leaving `Store.writing` waits for it.
        """
        ...


class Store(Protocol):
    """A search index over the vault that answers queries with ids. All methods raise StoreError or a subclass."""

    def position(self) -> Position:
        """The vault entry up to which everything is applied; the default when new."""
        ...

    def check_current(self) -> None:
        """Raises StoreOutdated if the index was built by another version of tokens, documents or projection."""
        ...

    def writing(self, *, expected: int, patience_s: float | None = None) -> AbstractContextManager[Writer]:
        """A writer for about `expected` conversations. When the context ends without error, everything is durable.

        A server that accepts nothing is waited for `patience_s` seconds, by default minutes.
        """
        ...

    def refused(self) -> tuple[Refusal, ...]:
        """What the vault has and this index lacks, with the reason, until a newer version or a retry succeeds."""
        ...

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: Key | None = None,
        is_counted: bool = True,
    ) -> KeyPage:  # fmt: skip
        """The first `limit` results after the key `after`, and the exact total of all results. Behind a key the total
        takes as long again: if it is not to be counted, it may be 0.

        Most relevant first has no next page (`KeyPage.next` is None); messages are sorted by time or relevance only.
        What matches a query is defined by `archiver.query.matching`.
        """
        ...

    def tallies(self, expression: Expression, asked: Sequence[Axes], *, scope: Scope) -> list[Tally]:
        """For each of the axes or pairs of axes that are asked for, how many results of a query have each value. Exact,
        or StoreError is raised, also if the values of all together are too many.

        Facets are those of `query.FACETS`, for messages of `query.MESSAGE_FACETS`.
        """
        ...

    def count(self) -> int:
        """How many conversations the index holds."""
        ...

    def check_whole(self, conversations: int) -> None:
        """Raises StoreError if the index, which is up to date, does not hold this many conversations or its parts do
        not add up: then no answer of it can be trusted. Takes milliseconds.
        """
        ...

    def compare(self, versions: Sequence[Version]) -> Comparison:
        """Compares the documents of conversations with those that these versions make."""
        ...

    def documents(self) -> int:
        """How many documents the index holds that a query can find."""
        ...

    def close(self) -> None:
        """Releases open files and connections. The next use opens them again."""
        ...


class StoreStatus(Value, kw_only=True):
    """An index and its condition. `place`: its folder or server; `documents` and `bytes` where they are known.
    `faults`: what is wrong with it; `leftovers`: what it does not need and `drop` removes."""

    kind: str
    place: str
    is_prepared: bool
    is_current: bool
    applied: int
    conversations: int
    documents: int | None = None
    bytes: int | None = None
    version: str | None = None
    is_backfilling: bool = False
    indices: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()


class StoreAdmin(Store, Protocol):
    """A store with its administration."""

    def damage(self) -> Iterator[str]:
        """What is wrong with the index itself, whatever the vault holds: damaged files, missing parts."""
        ...

    def mend(self) -> None:
        """Makes missing parts of the index again, empty; what they held is put in from the vault."""
        ...

    def prepare(self) -> None:
        """Makes the index ready for writing. Does nothing if it is ready."""
        ...

    def status(self) -> StoreStatus:
        """What the index is and its condition."""
        ...

    def drop(self) -> None:
        """Removes the index. It can be rebuilt from the vault."""
        ...

    def begin_rebuild(self) -> StoreAdmin:
        """An empty store that replaces this one when `finish_rebuild` is called on it."""
        ...

    def finish_rebuild(self) -> None:
        """Puts a store made by `begin_rebuild` in the place of the old one, for every reader at the same moment."""
        ...


# By scheme of the store's URL: the module whose `open_store(address, folder, archive_id)` opens it. They are imported
# when they are used, because their libraries take long to load.
_STORES = {
    "embedded": "archiver.index.embedded.store",
    "memory": "archiver.index.memory",
    "http": "archiver.index.elastic.store",
    "https": "archiver.index.elastic.store",
    "cloud": "archiver.index.elastic.store",
}


def open_store(address: StoreAddress, *, folder: Path, archive_id: str) -> StoreAdmin:
    """The store at an address; without a URL, the embedded index inside the archive's folder. Raises ConfigError."""
    scheme = (address.url or "embedded:").split(":", 1)[0].lower()
    if scheme not in _STORES:
        raise ConfigError(
            f"a store at {shown_url(address.url or '')!r} is not known",
            hint="Use https://host:9200, cloud:ID, or leave store unset for the embedded index.",
        )
    module = importlib.import_module(_STORES[scheme])
    return cast(StoreAdmin, module.open_store(address, folder, archive_id))
