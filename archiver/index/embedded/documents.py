"""The documents of the embedded index: one for each conversation and one for each message."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from archiver.index.folding import Folded, folded_passages, numbers_at_paths, words_at_path
from archiver.index.ranks import RANKED, rank, rank_by
from archiver.index.results import Version, digest_of
from archiver.model import Message, Transcript
from archiver.query import (
    BY,
    KEYWORDS,
    MOST_DISTANCE,
    NUMBERS,
    REPEATED_KEYWORDS,
    REPEATED_NUMBERS,
    SDE,
    SHARED_FACETS,
    Scope,
    all_facets,
    every_message,
    fact_names,
    fact_words,
    indexed,
    message_numbers,
    own_facets,
    sde_names,
)

Texts = list[tuple[str, str]]  # a field and its content
_NEXT = f" {FILLER} "  # between two texts of a field, so that no phrase is found across them
_APART = f" {f'{FILLER} ' * MOST_DISTANCE}"  # so that no words of two texts are near one another


def documents(version: Version) -> Iterator[Any]:
    """The index documents of one conversation."""
    transcript, number = version.transcript, number_of(version.transcript.id)
    read, facets = folded_passages(transcript), all_facets(transcript)
    yield _conversation(version, number, read, facets)
    texts: dict[str, list[Folded]] = defaultdict(list)
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


def _conversation(version: Version, number: int, read: Iterable[Folded], facets: Mapping[str, Iterable[str]]) -> Any:
    transcript = version.transcript
    document = _document(Scope.CONVERSATION.value, transcript.id, number, rank(transcript.metadata.started_at))
    document.add_text("digest", digest_of(version))
    for field, text in (*_keywords(transcript, KEYWORDS), *_facets(facets)):
        document.add_text(field, text)
    for sort in RANKED:
        document.add_integer(rank_field(sort), rank_by(sort, transcript))
    for field, number_ in _numbers(transcript, NUMBERS):
        document.add_float(field, number_)
    document.add_text(PATH_NUMBER, " ".join(numbers_at_paths(at_path, transcript)))
    facts = [found for path, text in fact_words(transcript) for found in words_at_path(at_path, fact_names, path, text)]
    document.add_text(PATH_WORD, _NEXT.join(facts))
    _add_passages(document, read)
    return document


def _add_passages(document: Any, read: Iterable[Folded]) -> None:
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
            beside[PATH_WORD] += words_at_path(at_path, sde_names, passage.path, text)
    _add_joined(document, said, _NEXT)
    _add_joined(document, beside, _APART)


def _add_message(document: Any, message: Message, read: Iterable[Folded]) -> None:
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
