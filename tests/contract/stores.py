"""The stores that the contract holds: one line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from archiver.config.settings import StoreAddress
from archiver.index.store import StoreAdmin, open_store

Make = Callable[[], StoreAdmin]  # an empty store, each time another one
Reopen = Callable[[StoreAdmin], StoreAdmin]  # the same store as another process sees it


class Opened:
    """Stores of one address, opened as the program opens them, and removed at the end."""

    def __init__(self, url: str | None, folder: Path, *, has_readers: bool = True) -> None:
        self._url, self._folder, self._has_readers = url, folder, has_readers
        self._numbers = count()
        self._places: dict[int, tuple[StoreAddress, Path]] = {}
        self._made: list[StoreAdmin] = []

    def make(self) -> StoreAdmin:
        # The server may be one that outlives the tests, so the indices have names of their own.
        address = StoreAddress(self._url, prefix=f"contract_{uuid4().hex}")
        store = self._open(address, self._folder / str(next(self._numbers)))
        self._made.append(store)
        return store

    def _open(self, address: StoreAddress, folder: Path) -> StoreAdmin:
        store = open_store(address, folder=folder, archive_id="archive")
        self._places[id(store)] = address, folder
        return store

    def reopen(self, store: StoreAdmin) -> StoreAdmin:
        """The same store as another process sees it; a store that lives in one process is the same object."""
        return self._open(*self._places[id(store)]) if self._has_readers else store

    def remove(self) -> None:
        for store in self._made:
            store.close()
            store.drop()


@contextmanager
def memory(folder: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    yield Opened("memory:", folder, has_readers=False)


@contextmanager
def embedded(folder: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    yield Opened(None, folder)


@contextmanager
def elastic(folder: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    opened = Opened(request.getfixturevalue("elasticsearch").url, folder)
    yield opened
    opened.remove()


STORES = {
    "memory": memory,
    "embedded": embedded,
    "elastic": elastic,
}
