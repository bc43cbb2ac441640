"""Reads a slow iterator ahead in another thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL_S = 0.2


class Prefetcher(Generic[T]):
    """The items of an iterator, read by another thread with up to `most` items waiting.

    An exception of the iterator is raised here at the same position. `close` ends the thread after its present item.
    """

    def __init__(self, items: Iterator[T], *, most: int) -> None:
        self._items = items
        self._queue: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(most)
        self._closed = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        try:
            for item in self._items:
                if not self._put((item, None)):
                    return
            self._put((None, None))
        except BaseException as error:  # noqa: BLE001  (it is raised where the items are used)
            self._put((None, error))

    def _put(self, item: tuple[T | None, BaseException | None]) -> bool:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._queue.put(item, timeout=_POLL_S)
                return True
        return False

    def __iter__(self) -> Iterator[T]:
        while True:
            item, error = self._queue.get()
            if error:
                raise error
            if item is None:
                return
            yield item

    def close(self) -> None:
        self._closed.set()
