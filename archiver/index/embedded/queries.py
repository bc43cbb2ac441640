"""Expressions to tantivy queries, always built from objects: users' text never reaches tantivy's own parser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tantivy import FieldType, Occur, Query

from archiver.index.embedded.schema import (
    ALL_WORDS,
    CONVERSATION_NUMBER,
    RECORD_ZONES,
    SDE_PATH,
    at_path,
    keyword_field,
    number_field,
    of_kind,
)
from archiver.index.prefixes import Part, parts
from archiver.model import Role
from archiver.query import (
    KEYWORDS,
    MESSAGE_ZONES,
    ZONES,
    And,
    Compare,
    Everything,
    Expression,
    Not,
    OfConversation,
    Or,
    Scope,
    Words,
    for_messages,
)

Conversations = Callable[[Any], Iterable[int]]


def conversation_query(schema: Any, searcher: Any, expression: Expression) -> Any:
    """A query on conversation documents, for that searcher."""
    return _Translator(schema, searcher, Scope.CONVERSATION, lambda query: ()).query(expression)


def message_query(schema: Any, searcher: Any, expression: Expression, conversations: Conversations) -> Any:
    """A query on message documents, for that searcher. `conversations` returns the numbers of the conversations that
    match a query.
    """
    return _Translator(schema, searcher, Scope.MESSAGE, conversations).query(for_messages(expression))


class _Translator:
    def __init__(self, schema: Any, searcher: Any, scope: Scope, conversations: Conversations) -> None:
        self._schema = schema
        self._searcher = searcher
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
                return self._range(expression)
            case Words():
                return self._words(expression)
            case OfConversation(child):
                return self._join(child)

    def _range(self, leaf: Compare) -> Any:
        low = None if leaf.low is None else float(leaf.low)
        high = None if leaf.high is None else float(leaf.high)
        name = number_field(leaf.field)
        query = Query.range_query(self._schema, name, FieldType.Float, low, high, True, high is None)
        return Query.const_score_query(query, 0.0)

    def _words(self, leaf: Words) -> Any:
        place = leaf.places[0]
        if place in KEYWORDS:
            return Query.const_score_query(self._phrase(keyword_field(place), leaf), 0.0)
        return _any_of([self._phrase(field, leaf) for field in self._fields(leaf)])

    def _fields(self, leaf: Words) -> Iterator[str]:
        if leaf.places == ZONES and not leaf.role and self._scope is Scope.CONVERSATION:
            yield ALL_WORDS
            return
        for place in leaf.places:
            if place in MESSAGE_ZONES:
                yield from (f"{place}_{role.value}" for role in Role if leaf.role in (None, role))
            elif self._scope is Scope.CONVERSATION:
                yield place if place in RECORD_ZONES else SDE_PATH

    def _join(self, expression: Expression) -> Any:
        numbers = list(self._conversations(conversation_query(self._schema, self._searcher, expression)))
        if not numbers:
            return Query.empty_query()
        return Query.const_score_query(Query.term_set_query(self._schema, CONVERSATION_NUMBER, numbers), 0.0)

    def _phrase(self, field: str, leaf: Words) -> Any:
        path = leaf.places[0].removeprefix("sde.")
        terms = [at_path(path, word) if field == SDE_PATH else word for word in leaf.words]
        if leaf.is_prefix:
            return self._prefix(field, terms)
        if len(terms) == 1:
            return Query.term_query(self._schema, field, terms[0])
        return Query.phrase_query(self._schema, field, [*terms])

    def _prefix(self, field: str, terms: list[str]) -> Any:
        *before, stem = terms
        if not before:
            return Query.regex_query(self._schema, field, _pattern(Part(stem)))
        words = [_escape(word) for word in before]

        def phrase(part: Part) -> Any:
            return Query.regex_phrase_query(self._schema, field, [*words, _pattern(part)])

        return _any_of([phrase(part) for part in parts(stem, lambda part: self._is_taken(phrase(part)))])

    def _is_taken(self, phrase: Any) -> bool:
        """Whether the words of a phrase's patterns are so few that tantivy takes it: 16,384 in a segment."""
        try:
            self._searcher.search(phrase, 1, count=False)
        except ValueError as error:
            if "max expansions" in str(error):  # tantivy has no error codes
                return False
            raise
        return True


def _any_of(queries: list[Any]) -> Any:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def _pattern(part: Part) -> str:
    """A part of the words of a prefix as a regular expression for whole words."""
    stem = _escape(part.stem)
    if part.is_word:
        return stem
    if part.first is None or part.last is None:
        return f"{stem}.*"
    return f"{stem}[\\x{{{ord(part.first):x}}}-\\x{{{ord(part.last):x}}}].*"


_SPECIAL = frozenset(r"\.+*?()|[]{}^$#&-~/")


def _escape(word: str) -> str:
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in word)
