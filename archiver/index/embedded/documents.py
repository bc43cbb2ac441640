"""The documents of the embedded index: one for each conversation and one for each message."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import tantivy

from archiver.index.embedded.schema import (
    ALL_WORDS,
    CONVERSATION_NUMBER,
    SDE_PATH,
    at_path,
    facet_field,
    keyword_field,
    number_field,
)
from archiver.index.results import Version, digest_of, rank
from archiver.model import Message, Transcript
from archiver.query import (
    BY,
    FACETS,
    KEYWORDS,
    NUMBERS,
    REPEATED_KEYWORDS,
    REPEATED_NUMBERS,
    SDE,
    Passage,
    Scope,
    facet_values,
    message_passages,
    passages,
    path_names,
    words,
)

Texts = list[tuple[str, str]]  # a field and its content


def documents(version: Version) -> Iterator[Any]:
    """The index documents of one conversation."""
    transcript, number = version.transcript, number_of(version.transcript.id)
    keywords, numbers = _keywords(transcript, REPEATED_KEYWORDS), _numbers(transcript, REPEATED_NUMBERS)
    yield _conversation(version, number)
    for message in transcript.messages:
        yield _message(transcript, message, number, keywords, numbers)


def number_of(conversation_id: str) -> int:
    """The number by which queries name many conversations."""
    return int.from_bytes(hashlib.sha256(conversation_id.encode()).digest()[:8], "big") >> 1


def _document(kind: Scope, transcript: Transcript, number: int, place: int) -> Any:
    document = tantivy.Document()
    document.add_text("key", transcript.id)
    document.add_text("kind", kind.value)
    document.add_integer("rank", place)
    document.add_integer(CONVERSATION_NUMBER, number)
    return document


def _keywords(transcript: Transcript, names: Iterable[str]) -> Texts:
    return [(keyword_field(name), " ".join(words(value))) for name in names for value in KEYWORDS[name](transcript)]


def _numbers(transcript: Transcript, names: Iterable[str]) -> list[tuple[str, float]]:
    values = ((name, NUMBERS[name](transcript)) for name in names)
    return [(number_field(name), float(value)) for name, value in values if value is not None]


def _conversation(version: Version, number: int) -> Any:
    transcript = version.transcript
    place = rank(transcript.metadata.started_at)
    document = _document(Scope.CONVERSATION, transcript, number, place)
    document.add_text("digest", digest_of(version))
    for field, text in _keywords(transcript, KEYWORDS):
        document.add_text(field, text)
    for name in FACETS:
        for value in facet_values(transcript, name):
            document.add_text(facet_field(name), value)
    for field, number_ in _numbers(transcript, NUMBERS):
        document.add_float(field, number_)
    for passage in passages(transcript):
        _add_passage(document, passage)
    return document


def _add_passage(document: Any, passage: Passage) -> None:
    tokens = words(passage.text)
    if not tokens:
        return
    text = " ".join(tokens)
    document.add_text(ALL_WORDS, text)
    document.add_text(_zone(passage), text)
    for name in path_names(passage.path) if passage.zone == SDE and passage.path else ():
        document.add_text(SDE_PATH, " ".join(at_path(name, word) for word in tokens))


def _zone(passage: Passage) -> str:
    return f"{passage.zone}_{passage.message.role.value}" if passage.message else passage.zone


def _message(
    transcript: Transcript, message: Message, number: int, keywords: Texts, numbers: list[tuple[str, float]]
) -> Any:
    place = rank(message.sent_at)
    document = _document(Scope.MESSAGE, transcript, number, place)
    document.add_text("message", message.id)
    document.add_text(keyword_field(BY), message.role.value)
    for field, text in keywords:
        document.add_text(field, text)
    for field, value in numbers:
        document.add_float(field, value)
    for passage in message_passages(message):
        document.add_text(_zone(passage), " ".join(words(passage.text)))
    return document
