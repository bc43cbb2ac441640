"""The words of a conversation and of its messages, as documents hold them: our own tokens, by zone and role. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from archiver.index.elastic.queries import KEYWORDS_FIELD, PATH_NUMBERS_FIELD, tagged
from archiver.index.folding import folded_passages, numbers_at_paths, words_at_path
from archiver.model import Message, Transcript
from archiver.query import (
    KEYWORDS,
    SDE,
    Passage,
    fact_names,
    fact_words,
    sde_names,
    words,
)

_REMEMBERED = 20_000  # keywords that recur often


class WordFields:
    """The words of one conversation, read once. Each passage is a value of its own, so that no phrase leaves it."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._passages = folded_passages(transcript)
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
                    found += words_at_path(tagged, sde_names, passage.path, text)
        for path, text in fact_words(self._transcript):
            found += words_at_path(tagged, fact_names, path, text)
        numbers = numbers_at_paths(_number_at, self._transcript)
        return {**everything, KEYWORDS_FIELD: found, PATH_NUMBERS_FIELD: list(numbers), **by_role, **by_zone}


def _field(passage: Passage) -> str:
    return _zone_field(passage.zone, passage.is_earlier)


@cache
def _zone_field(zone: str, is_earlier: bool) -> str:
    return f"{'earlier_' if is_earlier else ''}{zone}_words"


def _number_at(name: str, number: str) -> str:
    return f"{tagged(name, '')}{number}"


@lru_cache(_REMEMBERED)
def _keyword(name: str, value: str) -> str:
    return " ".join(tagged(name, word) for word in words(value))


def keywords(transcript: Transcript, names: Iterable[str]) -> Iterator[str]:
    """The words of keyword fields, each behind the field's name."""
    return (keyword for name in names for value in KEYWORDS[name](transcript) if (keyword := _keyword(name, value)))
