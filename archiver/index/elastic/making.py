"""Makes the documents of conversations, in the order in which they are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TypeAlias

from archiver.index.elastic.bodies import Body, Names, body
from archiver.index.refusals import refusing
from archiver.index.results import Refusal, Version
from archiver.index.versions import Unread, read

Item: TypeAlias = Version | Unread | Refusal
Made: TypeAlias = Body | Refusal
Wanted: TypeAlias = tuple[Item, bool]  # what to index, and whether it was refused before and is written again


class Maker(AbstractContextManager["Maker"]):
    """Makes documents in this process. Use it in a `with` statement, as the one that needs other processes."""

    def make(self, wanted: Iterable[Wanted], names: Names) -> Iterator[Made]:
        """The documents of each item, in their order; a refusal of what can't be read, or of which they can't be made.
        Raises StoreError.
        """
        return (_made(item, names, is_retry=is_retry) for item, is_retry in wanted)

    def __exit__(self, *_: object) -> None: ...


def _made(item: Item, names: Names, *, is_retry: bool) -> Made:
    version = read(item)
    if isinstance(version, Refusal):
        return version
    refused: list[Refusal] = []
    with refusing(version, refused.append):
        return body(version, names, is_retry=is_retry)
    return refused[0]
