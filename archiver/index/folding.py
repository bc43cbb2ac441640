"""What both engines index of a transcript: its texts, folded once, and words and numbers behind their paths. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from archiver.index.sortable import sortable
from archiver.model import Transcript
from archiver.query import NamesOf, Passage, indexed, numbers_at, passages, path_values, words
from archiver.rawrecord import Scalar

Folded = tuple[Passage, str]  # a passage and its folded words
Placed = Callable[[str, str], str]  # a word or number as an engine holds it behind the name of its place
_REMEMBERED = 20_000  # values of records that recur often
_LONGEST_REMEMBERED = 100  # characters of a value


def folded_passages(transcript: Transcript) -> list[Folded]:
    """All passages that hold a word, in their order."""
    return [(passage, text) for passage in passages(transcript) if (text := indexed(passage.text)).strip()]


def words_at_path(placed: Placed, names_of: NamesOf, path: str, text: str) -> tuple[str, ...]:
    """The words of a text behind each name of its path."""
    made = _words_at_path if len(text) <= _LONGEST_REMEMBERED else _words_at_path.__wrapped__
    return made(placed, names_of, path, text)


@lru_cache(_REMEMBERED)
def _words_at_path(placed: Placed, names_of: NamesOf, path: str, text: str) -> tuple[str, ...]:
    found = words(text)
    return tuple(" ".join(placed(name, word) for word in found) for name in names_of(path)) if found else ()


def numbers_at_paths(placed: Placed, transcript: Transcript) -> Iterable[str]:
    """The numbers of SDEs and of the record behind each name of their paths, once each, as texts in their order."""
    found = (text for place in path_values(transcript) for text in _numbers_at_path(placed, *place))
    return dict.fromkeys(found)


@lru_cache(_REMEMBERED, typed=True)
def _numbers_at_path(placed: Placed, names_of: NamesOf, path: str, value: Scalar) -> tuple[str, ...]:
    return tuple(placed(name, sortable(number)) for name, number in numbers_at(names_of, path, value))
