"""Work that fails as a whole because of one part of it: done in ever smaller parts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def work_through(whole: T, attempt: Callable[[T], Iterable[T]]) -> None:
    """Attempts the whole, and then each part that an attempt returns as still to be done, in order."""
    pending = [whole]
    while pending:
        pending[:0] = attempt(pending.pop(0))


def halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """The first and the second half of at least two items."""
    middle = len(items) // 2
    return items[:middle], items[middle:]
