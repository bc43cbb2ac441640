"""The words of a conversation and of its messages, as documents hold them: our own tokens, by zone and role. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from archiver.index.elastic.queries import KEYWORDS_FIELD, PATH_NUMBERS_FIELD, tagged
from archiver.index.sortable import sortable
from archiver.model import Message, Transcript
from archiver.query import (
    KEYWORDS,
    SDE,
    NamesOf,
    Passage,
    fact_names,
    fact_words,
    indexed,
    numbers_at,
    passages,
    path_values,
    sde_names,
    words,
)
from archiver.rawrecord import Scalar

_REMEMBERED = 20_000  # keywords and SDE values that recur often
_LONGEST_REMEMBERED = 100  # characters of a value


class WordFields:
    """The words of one conversation, read once. Each passage is a value of its own, so that no phrase leaves it."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        read = ((passage, indexed(passage.text)) for passage in passages(transcript))
        self._passages = [(passage, text) for passage, text in read if text.strip()]
        self._earlier: dict[str, list[str]] = defaultdict(list)
        for item in transcript.former:
            self._earlier[item.message.id].append(item.message.text)
        self._by_message: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for passage, text in self._passages:
            if passage.message:
                self._by_message[passage.message.id][_field(passage)].append(text)

    def of_message(self, message: Message) -> dict[str, list[str]]:
        """The words of a message by zone, earlier ones apart."""
        return self._by_message.get(message.id, {})

    def earlier_texts(self, message: Message) -> list[str]:
        """What a message said before, for people."""
        return list(dict.fromkeys(filter(None, self._earlier.get(message.id, ()))))

    def of_conversation(self) -> dict[str, Any]:
        """The words of the whole conversation: all, and by zone and role; with keywords and numbers by path."""
        everything: dict[str, list[str]] = {"words": [], "earlier_words": []}
        by_role: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        by_zone: dict[str, list[str]] = defaultdict(list)
        found = list(keywords(self._transcript, KEYWORDS))
        for passage, text in self._passages:
            everything["earlier_words" if passage.is_earlier else "words"].append(text)
            if passage.message:
                by_role[_field(passage)][passage.message.role.value].append(text)
            else:
                by_zone[_field(passage)].append(text)
                if passage.path and passage.zone == SDE:
                    found += _at_paths(sde_names, passage.path, text)
        for path, text in fact_words(self._transcript):
            found += _at_paths(fact_names, path, text)
        numbers = dict.fromkeys(text for place in path_values(self._transcript) for text in _numbers_at(*place))
        return {**everything, KEYWORDS_FIELD: found, PATH_NUMBERS_FIELD: list(numbers), **by_role, **by_zone}


def _field(passage: Passage) -> str:
    return _zone_field(passage.zone, passage.is_earlier)


@cache
def _zone_field(zone: str, is_earlier: bool) -> str:
    return f"{'earlier_' if is_earlier else ''}{zone}_words"


@lru_cache(_REMEMBERED, typed=True)
def _numbers_at(names_of: NamesOf, path: str, value: Scalar) -> tuple[str, ...]:
    return tuple(f"{tagged(name, '')}{sortable(number)}" for name, number in numbers_at(names_of, path, value))


def _at_paths(names_of: NamesOf, path: str, text: str) -> tuple[str, ...]:
    """The words of a text behind each name of its path."""
    made = _made_at_paths if len(text) <= _LONGEST_REMEMBERED else _made_at_paths.__wrapped__
    return made(names_of, path, text)


@lru_cache(_REMEMBERED)
def _made_at_paths(names_of: NamesOf, path: str, text: str) -> tuple[str, ...]:
    parts = words(text)
    return tuple(" ".join(tagged(name, word) for word in parts) for name in names_of(path)) if parts else ()


@lru_cache(_REMEMBERED)
def _keyword(name: str, value: str) -> str:
    return " ".join(tagged(name, word) for word in words(value))


def keywords(transcript: Transcript, names: Iterable[str]) -> Iterator[str]:
    """The words of keyword fields, each behind the field's name."""
    return (keyword for name in names for value in KEYWORDS[name](transcript) if (keyword := _keyword(name, value)))
