"""From expressions to Elasticsearch's Query DSL. Pure; users' text never meets one of Elasticsearch's own parsers.

Documents hold the words of our own analysis joined by blanks, and are searched with the built-in `whitespace`
analyzer: the same words are compared as in every other store.
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
    Or,
    Scope,
    Words,
)

Dsl = dict[str, Any]
KEYWORDS_FIELD = "facts"
# ArchiveCounts that each message repeats; what else a message-scoped query says of the conversation is looked up first.
MESSAGE_KEYWORDS = ("group", "lang", "skill", "source", "status")
NUMBER_FIELDS = {
    "csat": "csat", "duration": "duration_ms", "mcs": "mcs", "messages": "message_count", "start": "started_at",
    "transfers": "transfers",
}  # fmt: skip
MESSAGE_NUMBERS = ("start",)
VISIBLE: Dsl = {"bool": {"must_not": [{"term": {"superseded": True}}]}}
_TERMS_AT_ONCE = 60_000  # Elasticsearch takes 65,536 in one terms query
_LONGEST_TAGGED = 255  # characters; the whitespace analyzer cuts longer tokens
_EVERY_WORD = 2**31 - 1  # the server refuses what is too much for it, so an answer is never short

assert NUMBER_FIELDS.keys() == NUMBERS.keys()


def tagged(name: str, word: str) -> str:
    """A word that says which fact or SDE path it stands in. Never longer than one token may be."""
    return f"{'_'.join(name.split())}:{word}"[:_LONGEST_TAGGED]


def conversation_query(expression: Expression) -> Dsl:
    """Over conversation documents, which hold all that belongs to a conversation."""
    return _Translator(Scope.CONVERSATION, lambda _: ()).query(expression)


def message_query(expression: Expression, conversations: Callable[[Dsl], Iterable[str]]) -> Dsl:
    """Over message documents. `conversations` gives the ids of the conversations that a query finds."""
    return _Translator(Scope.MESSAGE, conversations).query(expression)


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
                return self._all(list(_flat(expression)))
            case Or():
                return any_of([self._of(child) for child in _flat(expression)])
            case Words() | Compare():
                return self._leaf(expression)

    def _leaf(self, leaf: Words | Compare) -> Dsl:
        if not self._is_here(leaf):
            return self._join(leaf)
        return self._words(leaf) if isinstance(leaf, Words) else silent(_range(leaf))

    def _all(self, children: Sequence[Expression]) -> Dsl:
        """What speaks of the conversation alone is looked up in one go."""
        there = [child for child in children if self._is_of_conversation(child)]
        here = [self._of(child) for child in children if child not in there]
        joined = [self._join(And(tuple(there)))] if there else []
        return {"bool": {"must": here + joined}}

    def _is_of_conversation(self, expression: Expression) -> bool:
        match expression:
            case Words() | Compare():
                return not self._is_here(expression)
            case Not(child):
                return self._is_of_conversation(child)
            case And(children) | Or(children):
                return all(map(self._is_of_conversation, children))
            case Everything():
                return False

    def _is_here(self, leaf: Words | Compare) -> bool:
        """Whether documents of this scope hold what the leaf speaks of."""
        if not self._is_message:
            return True
        if isinstance(leaf, Compare):
            return leaf.field in MESSAGE_NUMBERS
        place = leaf.places[0]
        return leaf.places == ZONES or place in (BY, *MESSAGE_ZONES, *MESSAGE_KEYWORDS)

    def _join(self, expression: Expression) -> Dsl:
        found = list(self._conversations(conversation_query(expression)))
        pieces = [found[start : start + _TERMS_AT_ONCE] for start in range(0, len(found), _TERMS_AT_ONCE)]
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
        found = _consecutive("words", leaf.words, leaf.is_prefix)
        return {"bool": {"must": [found], "filter": limits}} if limits else found

    def _of_conversation(self, leaf: Words) -> Dsl:
        return any_of([_consecutive(field, leaf.words, leaf.is_prefix) for field in _fields(leaf)])


def _flat(expression: And | Or) -> Iterator[Expression]:
    """The parts of a conjunction or disjunction, without parentheses that say nothing: nesting is limited."""
    for child in expression.children:
        if type(child) is type(expression):
            yield from _flat(child)
        else:
            yield child


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
    """Words one right behind another, the last one whole or as a prefix of whatever the index holds."""
    if len(words) == 1:
        return {"prefix" if is_prefix else "term": {field: {"value": words[0]}}}
    phrase: Dsl = {"query": " ".join(words), "analyzer": "whitespace"}
    if is_prefix:
        return {"match_phrase_prefix": {field: phrase | {"max_expansions": _EVERY_WORD}}}
    return {"match_phrase": {field: phrase}}


def silent(query: Dsl) -> Dsl:
    """A query that says yes or no, and nothing about relevance."""
    return {"constant_score": {"filter": query, "boost": 0.0}}


def any_of(queries: Sequence[Dsl]) -> Dsl:
    if len(queries) == 1:
        return queries[0]
    return {"bool": {"should": list(queries), "minimum_should_match": 1}} if queries else {"match_none": {}}
