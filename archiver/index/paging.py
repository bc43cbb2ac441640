"""The one loop that follows a cursor to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
C = TypeVar("C")


def every_item(ask: Callable[[C | None], tuple[Sequence[T], C | None]], *, after: C | None = None) -> Iterator[T]:
    """All items of all pages. `ask` takes a cursor and returns its page and the next cursor, None at the end."""
    while True:
        items, after = ask(after)
        yield from items
        if after is None:
            return
