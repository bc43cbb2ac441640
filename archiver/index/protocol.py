"""What a search index promises, and how one is opened. `tests/contract` holds every store to these promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from archiver.config import StoreAddress
from archiver.errors import ConfigError
from archiver.index.results import Facet, Found, Refusal, Sort, Version
from archiver.query import Expression, Scope


class Writer(Protocol):
    """What puts versions of conversations into a store."""

    def replace(self, versions: Sequence[Version], *, applied: int) -> None:
        """Holds exactly these versions of their conversations, then notes `applied`. Safe to repeat.

        May return before that is so; `Store.writing` waits for it.
        """
        ...

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Notes vault entries that can't be indexed, to be listed by `Store.refused`."""
        ...


class Store(Protocol):
    """A projection of the vault that answers queries with ids. All methods raise StoreError or one of its kinds."""

    def applied(self) -> int:
        """The vault sequence number up to which everything is applied; 0 when new."""
        ...

    def writing(self, *, expected: int) -> AbstractContextManager[Writer]:
        """A writer for about `expected` conversations. Once left without an error, all it was given is durable."""
        ...

    def refused(self) -> tuple[Refusal, ...]:
        """What the vault has and this index has not, with the reason, until a newer version or a retry succeeds."""
        ...

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: int | None = None
    ) -> Found:
        """The first `limit` results behind the cursor `after`, and the exact total of all results.

        Newest first, oldest first, or most relevant first (which has no cursor: `Found.next` is None).
        What a query is true of: `archiver.matching`.
        """
        ...

    def facets(self, expression: Expression, names: Sequence[str], *, limit: int) -> Mapping[str, tuple[Facet, ...]]:
        """For each name in `fields.FACETS`, how many conversations of a query have each value.

        Exact counts of the `limit` most frequent values, in the order of `fields.most_frequent`.
        """
        ...

    def count(self) -> int:
        """How many conversations the index holds."""
        ...

    def begin_rebuild(self) -> Store:
        """An empty store that takes this one's place when `finish_rebuild` is called on it."""
        ...

    def finish_rebuild(self) -> None:
        """Puts a store made by `begin_rebuild` in the place of the old one, at once for every reader."""
        ...

    def prepare(self) -> None:
        """Makes the index ready to be written to. Changes nothing if it is."""
        ...

    def describe(self) -> dict[str, Any]:
        """What the index is and how it is, for `archiver store status`: plain values."""
        ...

    def drop(self) -> None:
        """Removes the index, which can be built again from the vault."""
        ...

    def close(self) -> None: ...


def open_store(
    address: StoreAddress, *, folder: Path, archive_id: str, notify: Callable[[str], None] = lambda words: None
) -> Store:
    """The store of an address; without a URL, the embedded index inside the archive's folder.

    `notify` is told when a server makes us wait.
    """
    url = address.url
    if url is None or url == "embedded:":
        from archiver.index.embedded.store import EmbeddedStore

        return EmbeddedStore(folder / "index", archive_id)
    if url == "memory:":
        from archiver.index.memory import MemoryStore

        return MemoryStore()
    if url.startswith(("http://", "https://", "cloud:")):
        from archiver.index.elastic.store import open_elastic_store

        return open_elastic_store(address, archive_id, notify)
    scheme = url.split(":", 1)[0]
    raise ConfigError(
        f"a store at {scheme}:… is not known",
        hint="Use https://host:9200, cloud:ID, or leave store unset for the embedded index.",
    )
