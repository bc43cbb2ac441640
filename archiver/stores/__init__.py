"""What a search index promises, and how one is opened. `tests/contract` holds every store to these promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from archiver.errors import ConfigError
from archiver.model import Found, Scope, Sort, Transcript
from archiver.query import Expression


class Store(Protocol):
    """A projection of the vault that answers queries with ids. All methods raise StoreError or one of its kinds."""

    def applied(self) -> int:
        """The vault sequence number up to which everything is applied; 0 when new."""
        ...

    def replace(self, transcripts: Sequence[Transcript], *, applied: int) -> None:
        """Holds exactly these versions of these conversations, durably, then notes `applied`. Safe to repeat."""
        ...

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: int | None = None
    ) -> Found:
        """The first `limit` results behind the cursor `after`, and the exact total of all results.

        Newest first, oldest first, or most relevant first (which has no cursor: `Found.next` is None).
        What a query is true of: `archiver.matching`.
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

    def close(self) -> None: ...


def open_store(url: str | None, *, folder: Path, archive_id: str) -> Store:
    """The store that a URL names; without one, the embedded index inside the archive's folder."""
    if url is None or url == "embedded:":
        from archiver.stores.embedded import EmbeddedStore

        return EmbeddedStore(folder / "index", archive_id)
    if url == "memory:":
        from archiver.stores.memory import MemoryStore

        return MemoryStore()
    scheme = url.split(":", 1)[0]
    raise ConfigError(
        f"store {scheme}:… is not supported by this version", hint="Leave store unset for the embedded index."
    )
