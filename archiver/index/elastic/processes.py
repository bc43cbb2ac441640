"""Makes the documents of many conversations in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait
from types import ModuleType

from archiver.errors import StoreError
from archiver.index.elastic.bodies import Names
from archiver.index.elastic.making import Made, Maker, Wanted
from archiver.index.results import Refusal
from archiver.logs import EventLogger

_log = EventLogger("index")
_AT_ONCE = 25  # conversations that a process is given
_AHEAD = 2  # tasks for each process


class Processes(Maker):
    """So many processes. They end with the context and with this process."""

    def __init__(self, count: int) -> None:
        self._count = count
        # A fork would copy locks that threads of this process hold.
        self._pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)

    def make(self, wanted: Iterable[Wanted], names: Names) -> Iterator[Made]:
        try:
            yield from self._ahead(iter(wanted), names)
        except BrokenProcessPool as error:
            raise StoreError(
                "a process that makes documents ended; it may have lacked memory",
                hint="Run the same command again, with fewer of them: index_workers = 1.",
            ) from error

    def _ahead(self, wanted: Iterator[Wanted], names: Names) -> Iterator[Made]:
        given: deque[Future[list[Made]]] = deque()
        while some := list(islice(wanted, _AT_ONCE)):
            with _hidden_main():  # this may start a process
                given.append(self._pool.submit(_make_all, some, names))
            if len(given) > self._count * _AHEAD:
                yield from _noted(given.popleft().result())
        for future in given:
            yield from _noted(future.result())

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def _make_all(wanted: Sequence[Wanted], names: Names) -> list[Made]:
    return list(Maker().make(wanted, names))


def _noted(made: Sequence[Made]) -> Sequence[Made]:
    """The same. The log of another process is not this one's."""
    for item in made:
        if isinstance(item, Refusal):
            message = f"conversation {item.conversation_id} is refused"
            _log.warning("conversation.refused", message, seq=item.seq)
    return made


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Within the context a process that is started does not import the program that runs: it may be a script, which
    would do its work once more.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin() -> None:
    """Leaves an interrupt to the process that gives the work, and ends when that has ended, however it did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
