"""The stores that the contract holds, one line for each, and what its tests do with a store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from archiver.config.settings import StoreAddress
from archiver.index.results import KeyPage, Position, Sort, Version
from archiver.index.store import Store, StoreAdmin, open_store
from archiver.model import Transcript
from archiver.query.ast import Scope
from archiver.query.parser import parse
from archiver.transcript.history import with_history
from archiver.transcript.projection import project
from tests.archives import Versions
from tests.conftest import NOW

# Name → the address at which `open_store` opens it; None is the embedded index.
STORES: dict[str, Callable[[pytest.FixtureRequest], str | None]] = {
    "memory": lambda request: "memory:",
    "embedded": lambda request: None,
    "elastic": lambda request: request.getfixturevalue("elasticsearch").url,
}
_IN_ONE_PROCESS = {"memory:"}  # whose content only the object that wrote it can read


class Opened:
    """Stores at one address, opened as the program opens them, and removed at the end."""

    def __init__(self, url: str | None, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._numbers = count()
        self._places: dict[StoreAdmin, tuple[StoreAddress, Path]] = {}

    def make(self) -> StoreAdmin:
        """An empty store, each time another one."""
        # The server may be one that outlives the tests, so each store has names of its own there.
        address = StoreAddress(self._url, prefix=f"contract_{uuid4().hex}")
        folder = self._folder / f"store{next(self._numbers)}"
        store = open_store(address, folder=folder, archive_id="archive")
        self._places[store] = address, folder
        return store

    def reopen(self, store: StoreAdmin) -> StoreAdmin:
        """The same store as another process sees it; one that lives in this process only, as it is."""
        if self._url in _IN_ONE_PROCESS:
            return store
        address, folder = self._places[store]
        return open_store(address, folder=folder, archive_id="archive")

    def remove(self) -> None:
        for store in self._places:
            store.close()
            store.drop()


class Filled:
    """A store that one generated archive after another is put into."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seq = 0

    def fill(self, archive: list[Versions]) -> None:
        self.seq += len(archive)
        put(self.store, list(map(told, archive)), applied=self.seq)


def told(versions: Versions) -> Transcript:
    """The last version of a conversation, with what the earlier ones said."""
    *earlier, current = versions
    moments = [(seq, NOW + timedelta(hours=seq)) for seq in range(1, len(versions) + 1)]
    return with_history(project(current), list(enumerate(earlier, 1)), moments, ())


def put(store: Store, transcripts: list[Transcript], *, applied: int) -> None:
    """The transcripts as newer versions, whose last has the sequence number `applied`."""
    first = applied - len(transcripts) + 1
    with store.writing(expected=len(transcripts)) as writer:
        writer.replace(
            [Version(first + at, transcript) for at, transcript in enumerate(transcripts)],
            applied=Position(applied, "link"),
        )


def ask(store: Store, text: str, scope: Scope = Scope.CONVERSATION, limit: int = 1000) -> KeyPage:
    return store.search(parse(text, now=NOW).expression, scope=scope, sort=Sort.NEWEST, limit=limit)


def ids(found: KeyPage) -> list[str]:
    return [key.conversation_id for key in found.keys]
