"""The embedded index's fields, its documents, and its queries, as tantivy wants them.

One document for each conversation (its facts, all its words, its words by role) and one for each message (its words
and role; what a query says of the conversation is looked up there). No text is stored, only ids: words come from our
own analysis, joined by blanks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tantivy
from tantivy import FieldType, Occur, Query, TextAnalyzerBuilder, Tokenizer

from archiver.index.results import rank
from archiver.model import Message, Role, Transcript
from archiver.query import (
    BY,
    FACETS,
    KEYWORDS,
    MESSAGE_ZONES,
    NUMBERS,
    ZONES,
    And,
    Compare,
    Everything,
    Expression,
    Not,
    Or,
    Passage,
    Scope,
    Words,
    facet_values,
    message_passage,
    passages,
    path_names,
    words,
)

VERSION = 2  # part of the index's folder name: raise it when a field changes
TOKENIZER = "blanks"
NUMBER = "number"  # stands for a conversation where many have to be named at once
_ALL = "words"
_SDE_PATH = "sde_path"
_PATH_MARK = "\x1f"
_RECORD_ZONES = ("survey", "summary", "sde", _SDE_PATH)
_ROLE_ZONES = tuple(f"{zone}_{role.value}" for zone in MESSAGE_ZONES for role in Role)


def build_schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in ("key", "kind"):
        builder.add_text_field(name, stored=name == "key", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("message", stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("rank", NUMBER):
        builder.add_integer_field(name, stored=False, indexed=True, fast=True)
    for name in (_ALL, *_ROLE_ZONES, *_RECORD_ZONES, *map(_fact, KEYWORDS)):
        builder.add_text_field(name, stored=False, tokenizer_name=TOKENIZER, index_option="position")
    for name in FACETS:
        builder.add_text_field(facet_field(name), fast=True, stored=False, tokenizer_name="raw", index_option="basic")
    for name in NUMBERS:
        builder.add_float_field(_number(name), stored=False, indexed=True, fast=True)
    return builder.build()


def register(index: Any) -> Any:
    """The analyzer has to be told to every index object anew."""
    index.register_tokenizer(TOKENIZER, TextAnalyzerBuilder(Tokenizer.whitespace()).build())
    return index


def _fact(name: str) -> str:
    return f"fact_{name}"


def facet_field(name: str) -> str:
    return f"facet_{name}"


def _number(name: str) -> str:
    return f"number_{name}"


def documents(transcript: Transcript) -> Iterator[Any]:
    """The index documents of one conversation."""
    yield _conversation(transcript)
    for message in transcript.messages:
        yield _message(transcript, message)


def _document(kind: Scope, transcript: Transcript, place: int) -> Any:
    document = tantivy.Document()
    document.add_text("key", transcript.id)
    document.add_text("kind", kind.value)
    document.add_integer("rank", place)
    document.add_integer(NUMBER, int.from_bytes(hashlib.sha256(transcript.id.encode()).digest()[:8], "big") >> 1)
    return document


def _conversation(transcript: Transcript) -> Any:
    document = _document(Scope.CONVERSATION, transcript, rank(transcript.metadata.started_at, transcript.id))
    for name, read_words in KEYWORDS.items():
        for value in read_words(transcript):
            document.add_text(_fact(name), " ".join(words(value)))
    for name in FACETS:
        for value in facet_values(transcript, name):
            document.add_text(facet_field(name), value)
    for name, read_number in NUMBERS.items():
        number = read_number(transcript)
        if number is not None:
            document.add_float(_number(name), float(number))
    for passage in passages(transcript):
        _add_passage(document, passage)
    return document


def _add_passage(document: Any, passage: Passage) -> None:
    found = words(passage.text)
    if not found:
        return
    text = " ".join(found)
    document.add_text(_ALL, text)
    document.add_text(_zone(passage), text)
    for name in path_names(passage.path) if passage.path else ():
        document.add_text(_SDE_PATH, " ".join(_at_path(name, word) for word in found))


def _zone(passage: Passage) -> str:
    return f"{passage.zone}_{passage.message.role.value}" if passage.message else passage.zone


def _at_path(name: str, word: str) -> str:
    return f"{'_'.join(name.split())}{_PATH_MARK}{word}"


def _message(transcript: Transcript, message: Message) -> Any:
    document = _document(Scope.MESSAGE, transcript, rank(message.sent_at, f"{transcript.id} {message.id}"))
    document.add_text("message", message.id)
    document.add_text(_fact(BY), message.role.value)
    passage = message_passage(message)
    document.add_text(_zone(passage), " ".join(words(passage.text)))
    return document


Conversations = Callable[[Any], Iterable[int]]


class Translator:
    """From expressions to tantivy queries, always built from objects: users' text never meets tantivy's own parser.

    `conversations` answers which conversations (their numbers) a query on conversation documents finds: what belongs to
    a conversation is not repeated in each of its messages, so a message-scoped query asks for it first.
    """

    def __init__(self, schema: Any, scope: Scope, conversations: Conversations) -> None:
        self._schema = schema
        self._scope = scope
        self._conversations = conversations

    def query(self, expression: Expression) -> Any:
        kind = Query.const_score_query(of_kind(self._schema, self._scope), 0.0)
        return Query.boolean_query([(Occur.Must, kind), (Occur.Must, self._of(expression))])

    def _of(self, expression: Expression) -> Any:
        match expression:
            case Everything():
                return Query.const_score_query(Query.all_query(), 0.0)
            case Not(child):
                everything = (Occur.Must, Query.const_score_query(Query.all_query(), 0.0))
                return Query.boolean_query([everything, (Occur.MustNot, self._of(child))])
            case And(children):
                return Query.boolean_query([(Occur.Must, self._of(child)) for child in children])
            case Or(children):
                return Query.boolean_query([(Occur.Should, self._of(child)) for child in children])
            case Compare():
                return self._range(expression) if self._scope is Scope.CONVERSATION else self._join(expression)
            case Words():
                return self._words(expression) if self._is_here(expression) else self._join(expression)

    def _is_here(self, leaf: Words) -> bool:
        """Whether documents of this scope hold what the leaf speaks of."""
        place = leaf.places[0]
        return self._scope is Scope.CONVERSATION or leaf.places == ZONES or place in (BY, *MESSAGE_ZONES)

    def _range(self, leaf: Compare) -> Any:
        low = None if leaf.low is None else float(leaf.low)
        high = None if leaf.high is None else float(leaf.high)
        found = Query.range_query(self._schema, _number(leaf.field), FieldType.Float, low, high, True, high is None)
        return Query.const_score_query(found, 0.0)

    def _words(self, leaf: Words) -> Any:
        place = leaf.places[0]
        if place in KEYWORDS:
            return Query.const_score_query(self._phrase(_fact(place), leaf), 0.0)
        return _any([self._phrase(field, leaf) for field in self._fields(leaf)])

    def _fields(self, leaf: Words) -> Iterator[str]:
        if leaf.places == ZONES and not leaf.role and self._scope is Scope.CONVERSATION:
            yield _ALL
            return
        for place in leaf.places:
            if place in MESSAGE_ZONES:
                yield from (f"{place}_{role.value}" for role in Role if leaf.role in (None, role))
            elif self._scope is Scope.CONVERSATION:
                yield place if place in _RECORD_ZONES else _SDE_PATH

    def _join(self, leaf: Words | Compare) -> Any:
        of_conversations = Translator(self._schema, Scope.CONVERSATION, self._conversations).query(leaf)
        found = list(self._conversations(of_conversations))
        if not found:
            return Query.empty_query()
        return Query.const_score_query(Query.term_set_query(self._schema, NUMBER, found), 0.0)

    def _phrase(self, field: str, leaf: Words) -> Any:
        path = leaf.places[0].removeprefix("sde.")
        spelled = [_at_path(path, word) if field == _SDE_PATH else word for word in leaf.words]
        if leaf.is_prefix:
            return self._prefix(field, [_escape(word) for word in spelled])
        if len(spelled) == 1:
            return Query.term_query(self._schema, field, spelled[0])
        return Query.phrase_query(self._schema, field, [*spelled])

    def _prefix(self, field: str, patterns: list[str]) -> Any:
        patterns[-1] += ".*"
        if len(patterns) == 1:
            return Query.regex_query(self._schema, field, patterns[0])
        return Query.regex_phrase_query(self._schema, field, [*patterns])


_SPECIAL = frozenset(r"\.+*?()|[]{}^$#&-~/")


def _escape(word: str) -> str:
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in word)


def _any(queries: list[Any]) -> Any:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def of_kind(index_schema: Any, scope: Scope) -> Any:
    return Query.term_query(index_schema, "kind", scope.value)


def after_cursor(index_schema: Any, query: Any, after: int, *, is_newest: bool) -> Any:
    """Those results of a query that stand behind a cursor."""
    low, high = (None, after) if is_newest else (after, None)
    rest = Query.range_query(index_schema, "rank", FieldType.Integer, low, high, low is None, high is None)
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(rest, 0.0))])
