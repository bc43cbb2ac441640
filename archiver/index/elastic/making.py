"""Makes the documents of conversations, in the order in which they are given; of many conversations, in processes."""

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
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from multiprocessing.connection import wait
from types import ModuleType
from typing import TypeAlias

from archiver.errors import StoreError
from archiver.index.elastic.bodies import Body, Names, body
from archiver.index.refusals import refusing
from archiver.index.results import Refusal, Version
from archiver.index.versions import Unread, read
from archiver.logs import EventLogger

Item: TypeAlias = Version | Unread | Refusal
Made: TypeAlias = Body | Refusal
Wanted: TypeAlias = tuple[Item, bool]  # what to index, and whether it was refused before and is written again
_log = EventLogger("index")
_AT_ONCE = 25  # conversations that a process is given
_AHEAD = 2  # tasks for each process


def make(item: Item, names: Names, *, is_retry: bool) -> Made:
    """The documents of a version; a refusal if it can't be read, or they can't be made."""
    version = read(item)
    if isinstance(version, Refusal):
        return version
    refused: list[Refusal] = []
    with refusing(version, refused.append):
        return body(version, names, is_retry=is_retry)
    return refused[0]


class Makers(AbstractContextManager["Makers"]):
    """So many processes that make documents; with 1, this one does. They end with the context and with this process."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            with suppress(OSError, ImportError, NotImplementedError):  # a system without semaphores has no pools
                # A fork would copy locks that threads of this process hold.
                self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin)

    def make(self, wanted: Iterable[Wanted], names: Names) -> Iterator[Made]:
        """The documents of each item, in their order. Raises StoreError if a process ended."""
        if self._pool is None:
            yield from (make(item, names, is_retry=is_retry) for item, is_retry in wanted)
            return
        try:
            yield from self._ahead(self._pool, iter(wanted), names)
        except BrokenProcessPool as error:
            raise StoreError(
                "a process that makes documents ended; it may have lacked memory",
                hint="Run the same command again, with fewer of them: index_workers = 1.",
            ) from error

    def _ahead(self, pool: ProcessPoolExecutor, wanted: Iterator[Wanted], names: Names) -> Iterator[Made]:
        given: deque[Future[list[Made]]] = deque()
        while some := list(islice(wanted, _AT_ONCE)):
            with _hidden_main():  # this may start a process
                given.append(pool.submit(_make_all, some, names))
            if len(given) > self._processes * _AHEAD:
                yield from _noted(given.popleft().result())
        for future in given:
            yield from _noted(future.result())

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def _make_all(wanted: Sequence[Wanted], names: Names) -> list[Made]:
    return [make(item, names, is_retry=is_retry) for item, is_retry in wanted]


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
