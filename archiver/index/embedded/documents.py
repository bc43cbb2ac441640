"""The documents of the embedded index: one for each conversation and one for each message."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import tantivy

from archiver.index.embedded.schema import (
    CONVERSATION_NUMBER,
    PASSAGE,
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
from archiver.model import Former, Message, Transcript
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
    Passage,
    Scope,
    earlier_passages,
    every_message,
    facet_values,
    fact_names,
    fact_words,
    message_numbers,
    message_passages,
    own_facets,
    passages,
    path_numbers,
    sde_names,
    words,
)

Texts = list[tuple[str, str]]  # a field and its content
_REMEMBERED = 20_000  # values of records that recur often
_APART = f" {'- ' * MOST_DISTANCE}"  # words of no text


def documents(version: Version) -> Iterator[Any]:
    """The index documents of one conversation."""
    transcript, number = version.transcript, number_of(version.transcript.id)
    repeated = _keywords(transcript, REPEATED_KEYWORDS) + _facets(transcript, SHARED_FACETS)
    numbers = _numbers(transcript, REPEATED_NUMBERS)
    yield _conversation(version, number)
    former: dict[str, list[Former]] = defaultdict(list)
    for item in transcript.former:
        former[item.message.id].append(item)
    shown = {message.id for message in transcript.messages}
    for message in every_message(transcript):
        texts = [*(message_passages(message) if message.id in shown else ()), *earlier_passages(former[message.id])]
        yield _message(transcript, message, texts, number, repeated, numbers)
    for passage in lengthy_passages(transcript):
        yield _passage(transcript, passage, number)


def number_of(conversation_id: str) -> int:
    """The number by which queries name many conversations."""
    return int.from_bytes(hashlib.sha256(conversation_id.encode()).digest()[:8], "big") >> 1


def lengthy_passages(transcript: Transcript) -> list[Passage]:
    """The passages beside messages, of several words, in which words can stand near one another; each text once."""
    found = {
        (passage.zone, passage.path, passage.text): passage
        for passage in passages(transcript)
        if passage.message is None and len(words(passage.text)) > 1
    }
    return list(found.values())


def _document(kind: str, transcript: Transcript, number: int, place: int) -> Any:
    document = tantivy.Document()
    document.add_text("key", transcript.id)
    document.add_text("kind", kind)
    document.add_integer(RANK, place)
    document.add_integer(CONVERSATION_NUMBER, number)
    return document


def _keywords(transcript: Transcript, names: Iterable[str]) -> Texts:
    return [(keyword_field(name), " ".join(words(value))) for name in names for value in KEYWORDS[name](transcript)]


def _numbers(transcript: Transcript, names: Iterable[str]) -> list[tuple[str, float]]:
    return [(number_field(name), float(value)) for name in names for value in NUMBERS[name](transcript)]


def _facets(transcript: Transcript, names: Iterable[str]) -> Texts:
    return [(facet_field(name), value) for name in names for value in facet_values(transcript, name)]


def _conversation(version: Version, number: int) -> Any:
    transcript = version.transcript
    place = rank(transcript.metadata.started_at)
    document = _document(Scope.CONVERSATION.value, transcript, number, place)
    document.add_text("digest", digest_of(version))
    for field, text in _keywords(transcript, KEYWORDS):
        document.add_text(field, text)
    for field, value in _facets(transcript, FACETS):
        document.add_text(field, value)
    for sort in RANKED:
        document.add_integer(rank_field(sort), rank_by(sort, transcript))
    for field, number_ in _numbers(transcript, NUMBERS):
        document.add_float(field, number_)
    for path, number_at_path in dict.fromkeys(path_numbers(transcript)):
        document.add_text(PATH_NUMBER, at_path(path, sortable(number_at_path)))
    for passage in passages(transcript):
        _add_passage(document, passage)
    for path, text in fact_words(transcript):
        for words_at_path in _fact_texts(path, text):
            document.add_text(PATH_WORD, words_at_path)
    return document


@lru_cache(_REMEMBERED)
def _fact_texts(path: str, text: str) -> tuple[str, ...]:
    """The words of a value, behind each of its names."""
    tokens = words(text)
    return tuple(" ".join(at_path(name, word) for word in tokens) for name in fact_names(path)) if tokens else ()


def _add_passage(document: Any, passage: Passage) -> None:
    tokens = words(passage.text)
    if not tokens:
        return
    text, role = " ".join(tokens), passage.message.role if passage.message else None
    document.add_text(all_words(Scope.CONVERSATION, is_earlier=passage.is_earlier), text)
    document.add_text(zone_field(passage.zone, role, is_earlier=passage.is_earlier), text)
    _add_paths(document, passage, tokens)


def _add_paths(document: Any, passage: Passage, tokens: Sequence[str]) -> None:
    if passage.zone == SDE and passage.path:
        for name in sde_names(passage.path):
            document.add_text(PATH_WORD, " ".join(at_path(name, word) for word in tokens))


def _passage(transcript: Transcript, passage: Passage, number: int) -> Any:
    document = _document(PASSAGE, transcript, number, 0)
    tokens = words(passage.text)
    document.add_text(passage.zone, " ".join(tokens))
    _add_paths(document, passage, tokens)
    return document


def _message(
    transcript: Transcript, message: Message, texts: Iterable[Passage], number: int, repeated: Texts,
    numbers: list[tuple[str, float]],
) -> Any:  # fmt: skip
    place = rank(message.sent_at)
    document = _document(Scope.MESSAGE.value, transcript, number, place)
    document.add_text("message", message.id)
    document.add_text(keyword_field(BY), message.role.value)
    for field, text in (*repeated, *((facet_field(name), value) for name, value in own_facets(message))):
        document.add_text(field, text)
    for field, value in numbers:
        document.add_float(field, value)
    for name, values in message_numbers(message).items():
        for value in values:
            document.add_float(number_field(name), value)
    _add_texts(document, texts)
    return document


def _add_texts(document: Any, texts: Iterable[Passage]) -> None:
    """Adds the passages of a message. Those of one zone are so far apart that no words of two are near one another."""
    by_field: dict[str, list[str]] = defaultdict(list)
    for passage in texts:
        text = " ".join(words(passage.text))
        if text:
            document.add_text(all_words(Scope.MESSAGE, is_earlier=passage.is_earlier), text)
            by_field[zone_field(passage.zone, None, is_earlier=passage.is_earlier)].append(text)
    for field, values in by_field.items():
        document.add_text(field, _APART.join(values))
