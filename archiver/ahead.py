"""Does work before its result is asked for, in threads that end with the program."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")
_POLL_S = 0.2


class Later(Generic[T]):
    """The result of a call that a thread of its own makes at once."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001  (it is raised where the result is used)
            self._error = error

    def result(self) -> T:
        """The result, once it is there. Raises what the call raised."""
        self._thread.join()
        if self._error:
            raise self._error
        return cast(T, self._result)


def in_order(items: Iterable[T], work: Callable[[T], U], *, most: int) -> Iterator[U]:
    """What `work` makes of each item, in their order; up to `most` items are worked on at once.

    An exception of `items` is raised after the results of all items before it.
    """
    started: deque[Later[U]] = deque()
    raised: Exception | None = None
    source = iter(items)
    while True:
        try:
            item = next(source)
        except StopIteration:
            break
        except Exception as error:  # noqa: BLE001  (raised below, at its place)
            raised = error
            break
        started.append(Later(partial(work, item)))
        if len(started) >= most:
            yield started.popleft().result()
    while started:
        yield started.popleft().result()
    if raised:
        raise raised


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
