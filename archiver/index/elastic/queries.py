"""Expressions to Elasticsearch's Query DSL. Pure; users' text never reaches Elasticsearch's own parsers.

Documents hold our own tokens joined by blanks, and are searched with the built-in `whitespace` analyzer: so every store
compares the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from archiver.model import Role
from archiver.query import (
    BY,
    KEYWORDS,
    MESSAGE_ZONES,
    NOTE,
    NUMBERS,
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
    flat,
    for_messages,
)

Dsl = dict[str, Any]
KEYWORDS_FIELD = "keywords"
NUMBER_FIELDS = {
    "csat": "csat", "duration": "duration_ms", "mcs": "mcs", "messages": "message_count", "start": "started_at",
    "transfers": "transfers",
}  # fmt: skip
VISIBLE: Dsl = {"bool": {"must_not": [{"term": {"superseded": True}}]}}
_TERMS_AT_ONCE = 60_000  # Elasticsearch allows 65,536 in one terms query
_LONGEST_TAGGED = 255  # characters; the whitespace analyzer cuts longer tokens
_EVERY_WORD = 2**31 - 1  # the server refuses a larger number, so a response is never incomplete

assert NUMBER_FIELDS.keys() == NUMBERS.keys()


def tagged(name: str, word: str) -> str:
    """A word prefixed with its keyword field or SDE path. Never longer than the longest allowed token."""
    return f"{'_'.join(name.split())}:{word}"[:_LONGEST_TAGGED]


def conversation_query(expression: Expression) -> Dsl:
    """A query on conversation documents, which hold everything that belongs to the conversation."""
    return _Translator(Scope.CONVERSATION, lambda _: ()).query(expression)


def message_query(expression: Expression, conversations: Callable[[Dsl], Iterable[str]]) -> Dsl:
    """A query on message documents. `conversations` returns the ids of the conversations that match a query."""
    return _Translator(Scope.MESSAGE, conversations).query(for_messages(expression))


class _Translator:
    def __init__(self, scope: Scope, conversations: Callable[[Dsl], Iterable[str]]) -> None:
        self._is_message = scope is Scope.MESSAGE
        self._conversations = conversations

    def query(self, expression: Expression) -> Dsl:
        return {"bool": {"must": [self._of(expression)], "filter": [VISIBLE]}}

    def _of(self, expression: Expression) -> Dsl:
        match expression:
            case Everything():
                return silent({"match_all": {}})
            case Not(child):
                return silent({"bool": {"must_not": [self._of(child)]}})
            case And():
                return {"bool": {"must": [self._of(child) for child in flat(expression)]}}
            case Or():
                return any_of([self._of(child) for child in flat(expression)])
            case Words():
                return self._words(expression)
            case Compare():
                return silent(_range(expression))
            case OfConversation(child):
                return self._join(child)

    def _join(self, expression: Expression) -> Dsl:
        ids = list(self._conversations(conversation_query(expression)))
        pieces = [ids[start : start + _TERMS_AT_ONCE] for start in range(0, len(ids), _TERMS_AT_ONCE)]
        return any_of([silent({"terms": {"conversation_id": piece}}) for piece in pieces])

    def _words(self, leaf: Words) -> Dsl:
        place = leaf.places[0]
        if place == BY and self._is_message:
            return silent({"terms": {"role": [role for role in Role if leaf.words == (role.value,)]}})
        if place in KEYWORDS or place.startswith("sde."):
            return silent(_consecutive(KEYWORDS_FIELD, [tagged(place, word) for word in leaf.words], leaf.is_prefix))
        return self._of_message(leaf) if self._is_message else self._of_conversation(leaf)

    def _of_message(self, leaf: Words) -> Dsl:
        limits: list[Dsl] = [{"term": {"role": leaf.role.value}}] if leaf.role else []
        if len(leaf.places) == 1:
            limits.append({"term": {"is_private": leaf.places[0] == NOTE}})
        words = _consecutive("words", leaf.words, leaf.is_prefix)
        return {"bool": {"must": [words], "filter": limits}} if limits else words

    def _of_conversation(self, leaf: Words) -> Dsl:
        return any_of([_consecutive(field, leaf.words, leaf.is_prefix) for field in _fields(leaf)])


def _fields(leaf: Words) -> Iterator[str]:
    if leaf.places == ZONES and not leaf.role:
        yield "words"
        return
    for place in leaf.places:
        if place in MESSAGE_ZONES:
            yield from (f"{place}_words.{role.value}" for role in Role if leaf.role in (None, role))
        elif leaf.role is None:
            yield f"{place}_words"


def _range(leaf: Compare) -> Dsl:
    bounds: dict[str, float | int | str] = {}
    for name, bound in (("gte", leaf.low), ("lt", leaf.high)):
        if bound is not None:
            bounds[name] = int(bound) if float(bound).is_integer() else bound
    if leaf.field == "start":
        bounds["format"] = "epoch_millis"
    return {"range": {NUMBER_FIELDS[leaf.field]: bounds}}


def _consecutive(field: str, words: Sequence[str], is_prefix: bool) -> Dsl:
    """Consecutive words; the last one whole, or as a prefix of any word in the index."""
    if len(words) == 1:
        return {"prefix" if is_prefix else "term": {field: {"value": words[0]}}}
    phrase: Dsl = {"query": " ".join(words), "analyzer": "whitespace"}
    if is_prefix:
        return {"match_phrase_prefix": {field: phrase | {"max_expansions": _EVERY_WORD}}}
    return {"match_phrase": {field: phrase}}


def silent(query: Dsl) -> Dsl:
    """A query that filters without adding to relevance."""
    return {"constant_score": {"filter": query, "boost": 0.0}}


def any_of(queries: Sequence[Dsl]) -> Dsl:
    if len(queries) == 1:
        return queries[0]
    return {"bool": {"should": list(queries), "minimum_should_match": 1}} if queries else {"match_none": {}}
