"""The documents of the embedded index: one for each conversation and one for each message."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import tantivy

from archiver.index.embedded.schema import (
    CONVERSATION_NUMBER,
    FILLER,
    PATH_NUMBER,
    PATH_WORD,
    RANK,
    all_words,
    at_path,
    facet_field,
    keyword_field,
    number_field,
    rank_field,
    zone_field,
)
from archiver.index.ranks import RANKED, rank, rank_by
from archiver.index.results import Version, digest_of
from archiver.index.sortable import sortable
from archiver.model import Message, Transcript
from archiver.query import (
    BY,
    FACETS,
    KEYWORDS,
    MOST_DISTANCE,
    NUMBERS,
    REPEATED_KEYWORDS,
    REPEATED_NUMBERS,
    SDE,
    SHARED_FACETS,
    NamesOf,
    Passage,
    Scope,
    every_message,
    facet_values,
    fact_names,
    fact_words,
    indexed,
    message_numbers,
    numbers_at,
    own_facets,
    passages,
    path_values,
    sde_names,
    words,
)
from archiver.rawrecord import Scalar

Texts = list[tuple[str, str]]  # a field and its content
Read = tuple[Passage, str]  # a passage and its folded words
_REMEMBERED = 20_000  # values of records that recur often
_LONGEST_REMEMBERED = 100  # characters of a value
_NEXT = f" {FILLER} "  # between two texts of a field, so that no phrase is found across them
_APART = f" {f'{FILLER} ' * MOST_DISTANCE}"  # so that no words of two texts are near one another


def documents(version: Version) -> Iterator[Any]:
    """The index documents of one conversation."""
    transcript, number = version.transcript, number_of(version.transcript.id)
    read = [(passage, text) for passage in passages(transcript) if (text := indexed(passage.text)).strip()]
    facets = {name: facet_values(transcript, name) for name in FACETS}
    yield _conversation(version, number, read, facets)
    texts: dict[str, list[Read]] = defaultdict(list)
    for passage, text in read:
        if passage.message:
            texts[passage.message.id].append((passage, text))
    repeated = _keywords(transcript, REPEATED_KEYWORDS) + _facets({name: facets[name] for name in SHARED_FACETS})
    numbers = _numbers(transcript, REPEATED_NUMBERS)
    for message in every_message(transcript):
        document = _document(Scope.MESSAGE.value, transcript.id, number, rank(message.sent_at))
        for field, text in repeated:
            document.add_text(field, text)
        for field, value in numbers:
            document.add_float(field, value)
        _add_message(document, message, texts[message.id])
        yield document


def number_of(conversation_id: str) -> int:
    """The number by which queries name many conversations."""
    return int.from_bytes(hashlib.sha256(conversation_id.encode()).digest()[:8], "big") >> 1


def _document(kind: str, conversation_id: str, number: int, place: int) -> Any:
    document = tantivy.Document()
    document.add_text("key", conversation_id)
    document.add_text("kind", kind)
    document.add_integer(RANK, place)
    document.add_integer(CONVERSATION_NUMBER, number)
    return document


def _keywords(transcript: Transcript, names: Iterable[str]) -> Texts:
    return [(keyword_field(name), indexed(value)) for name in names for value in KEYWORDS[name](transcript)]


def _numbers(transcript: Transcript, names: Iterable[str]) -> list[tuple[str, float]]:
    return [(number_field(name), float(value)) for name in names for value in NUMBERS[name](transcript)]


def _facets(facets: Mapping[str, Iterable[str]]) -> Texts:
    return [(facet_field(name), value) for name, values in facets.items() for value in values]


def _conversation(version: Version, number: int, read: Iterable[Read], facets: Mapping[str, Iterable[str]]) -> Any:
    transcript = version.transcript
    document = _document(Scope.CONVERSATION.value, transcript.id, number, rank(transcript.metadata.started_at))
    document.add_text("digest", digest_of(version))
    for field, text in (*_keywords(transcript, KEYWORDS), *_facets(facets)):
        document.add_text(field, text)
    for sort in RANKED:
        document.add_integer(rank_field(sort), rank_by(sort, transcript))
    for field, number_ in _numbers(transcript, NUMBERS):
        document.add_float(field, number_)
    document.add_text(PATH_NUMBER, " ".join(_path_numbers(transcript)))
    facts = [found for path, text in fact_words(transcript) for found in _at_paths(fact_names, path, text)]
    document.add_text(PATH_WORD, _NEXT.join(facts))
    _add_passages(document, read)
    return document


def _add_passages(document: Any, read: Iterable[Read]) -> None:
    """Adds what words without a field search. Words near one another are searched here in texts beside messages."""
    said: dict[str, list[str]] = defaultdict(list)
    beside: dict[str, list[str]] = defaultdict(list)
    for passage, text in read:
        said[all_words(Scope.CONVERSATION, passage.is_earlier)].append(text)
        if passage.message:
            said[zone_field(passage.zone, passage.message.role, passage.is_earlier)].append(text)
            continue
        beside[zone_field(passage.zone, None, passage.is_earlier)].append(text)
        if passage.zone == SDE and passage.path:
            beside[PATH_WORD] += _at_paths(sde_names, passage.path, text)
    _add_joined(document, said, _NEXT)
    _add_joined(document, beside, _APART)


def _add_message(document: Any, message: Message, read: Iterable[Read]) -> None:
    """Adds what a message has of its own."""
    document.add_text("message", message.id)
    document.add_text(keyword_field(BY), message.role.value)
    for name, value in own_facets(message):
        document.add_text(facet_field(name), value)
    for name, numbers in message_numbers(message).items():
        for number in numbers:
            document.add_float(number_field(name), number)
    by_field: dict[str, list[str]] = defaultdict(list)
    for passage, text in read:
        document.add_text(all_words(Scope.MESSAGE, passage.is_earlier), text)
        by_field[zone_field(passage.zone, None, passage.is_earlier)].append(text)
    _add_joined(document, by_field, _APART)


def _add_joined(document: Any, by_field: Mapping[str, Sequence[str]], between: str) -> None:
    for field, texts in by_field.items():
        document.add_text(field, between.join(texts))


def _at_paths(names_of: NamesOf, path: str, text: str) -> tuple[str, ...]:
    """The words of a text behind each name of its path."""
    made = _made_at_paths if len(text) <= _LONGEST_REMEMBERED else _made_at_paths.__wrapped__
    return made(names_of, path, text)


@lru_cache(_REMEMBERED)
def _made_at_paths(names_of: NamesOf, path: str, text: str) -> tuple[str, ...]:
    found = words(text)
    return tuple(" ".join(at_path(name, word) for word in found) for name in names_of(path)) if found else ()


def _path_numbers(transcript: Transcript) -> Iterable[str]:
    return dict.fromkeys(text for place in path_values(transcript) for text in _numbers_at(*place))


@lru_cache(_REMEMBERED, typed=True)
def _numbers_at(names_of: NamesOf, path: str, value: Scalar) -> tuple[str, ...]:
    return tuple(at_path(name, sortable(number)) for name, number in numbers_at(names_of, path, value))
