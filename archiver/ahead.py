"""Does work before its result is asked for, in threads that end with the program."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Generic, TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")


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
