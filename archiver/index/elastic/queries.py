"""Expressions to Elasticsearch's Query DSL. Pure; users' text never reaches Elasticsearch's own parsers.

Documents hold our own tokens joined by blanks, and are searched with the built-in `whitespace` analyzer: so every store
compares the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from archiver.index.prefixes import Part, parts
from archiver.model import Role
from archiver.query import (
    BY,
    KEYWORDS,
    MESSAGE_ZONES,
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
_LAST_CHARACTER = "\U0010ffff"
_EVERY_WORD = 2**31 - 1  # the server refuses a larger number, so a response is never incomplete

assert NUMBER_FIELDS.keys() == NUMBERS.keys()


def tagged(name: str, word: str) -> str:
    """A word prefixed with its keyword field or SDE path. Never longer than the longest allowed token."""
    return f"{'_'.join(name.split())}:{word}"[:_LONGEST_TAGGED]


IsTaken = Callable[[Dsl], bool]


def conversation_query(expression: Expression, is_taken: IsTaken | None = None) -> Dsl:
    """A query on conversation documents, which hold everything that belongs to the conversation.

    With `is_taken`, which tells whether the server takes a query, a phrase with a prefix that stands for more words
    than the server allows is divided until it takes each part.
    """
    return _Translator(Scope.CONVERSATION, lambda _: (), is_taken).query(expression)


def message_query(
    expression: Expression, conversations: Callable[[Expression], Iterable[str]], is_taken: IsTaken | None = None
) -> Dsl:
    """A query on message documents. `conversations` returns the ids of the conversations that match an expression."""
    return _Translator(Scope.MESSAGE, conversations, is_taken).query(for_messages(expression))


class _Translator:
    def __init__(
        self, scope: Scope, conversations: Callable[[Expression], Iterable[str]], is_taken: IsTaken | None
    ) -> None:
        self._is_message = scope is Scope.MESSAGE
        self._conversations = conversations
        self._is_taken = is_taken

    def query(self, expression: Expression) -> Dsl:
        return {"bool": {"must": [self._of(expression)], "filter": [VISIBLE]}}

    def _of(self, expression: Expression) -> Dsl:
        match expression:
            case Everything():
                return silent({"match_all": {}})
            case Not():
                return self._all_of([expression])
            case And():
                return self._all_of(list(flat(expression)))
            case Or():
                return any_of([self._of(child) for child in flat(expression)])
            case Words():
                return self._words(expression)
            case Compare():
                return silent(_range(expression))
            case OfConversation(child):
                return self._join(child)

    def _all_of(self, expressions: Sequence[Expression]) -> Dsl:
        """As few levels as possible: Elasticsearch allows 30 of them."""
        required = [self._of(part) for part in expressions if not isinstance(part, Not)]
        excluded = [self._of(child) for part in expressions if isinstance(part, Not) for child in _any(part.child)]
        return {"bool": {kind: parts for kind, parts in (("must", required), ("must_not", excluded)) if parts}}

    def _join(self, expression: Expression) -> Dsl:
        ids = list(self._conversations(expression))
        pieces = [ids[start : start + _TERMS_AT_ONCE] for start in range(0, len(ids), _TERMS_AT_ONCE)]
        return any_of([silent({"terms": {"conversation_id": piece}}) for piece in pieces])

    def _words(self, leaf: Words) -> Dsl:
        place = leaf.places[0]
        if place == BY and self._is_message:
            return silent({"terms": {"role": [role for role in Role if leaf.words == (role.value,)]}})
        if place in KEYWORDS or place.startswith("sde."):
            return silent(
                self._consecutive(KEYWORDS_FIELD, [tagged(place, word) for word in leaf.words], leaf.is_prefix)
            )
        return self._of_message(leaf) if self._is_message else self._of_conversation(leaf)

    def _of_message(self, leaf: Words) -> Dsl:
        limits: list[Dsl] = [{"term": {"role": leaf.role.value}}] if leaf.role else []
        zones = [place for place in leaf.places if place in MESSAGE_ZONES]
        fields = ["words"] if len(zones) == len(MESSAGE_ZONES) else [f"{zone}_words" for zone in zones]
        words = any_of([self._consecutive(field, leaf.words, leaf.is_prefix) for field in fields])
        return {"bool": {"must": [words], "filter": limits}} if limits else words

    def _of_conversation(self, leaf: Words) -> Dsl:
        return any_of([self._consecutive(field, leaf.words, leaf.is_prefix) for field in _fields(leaf)])

    def _consecutive(self, field: str, words: Sequence[str], is_prefix: bool) -> Dsl:
        """Consecutive words; the last one whole, or as a prefix of any word in the index."""
        if len(words) == 1:
            return {"prefix" if is_prefix else "term": {field: {"value": words[0]}}}
        phrase: Dsl = {"query": " ".join(words), "analyzer": "whitespace"}
        if not is_prefix:
            return {"match_phrase": {field: phrase}}
        if self._is_taken:
            return _divided(field, words, self._is_taken)
        return {"match_phrase_prefix": {field: phrase | {"max_expansions": _EVERY_WORD}}}


def _divided(field: str, words: Sequence[str], is_taken: IsTaken) -> Dsl:
    """Consecutive words, the last one as a prefix of any number of words."""
    *before, stem = words

    def phrase(*lasts: Part) -> Dsl:
        last = {"any_of": {"intervals": [_interval(part) for part in lasts]}}
        intervals = [*map(_word, before), last]
        return {"intervals": {field: {"all_of": {"ordered": True, "max_gaps": 0, "intervals": intervals}}}}

    return phrase(*parts(stem, lambda part: is_taken(phrase(part))))


def _interval(part: Part) -> Dsl:
    """A part of the words of a prefix."""
    if part.is_word:
        return _word(part.stem)
    if part.first is None or part.last is None:
        return {"prefix": {"prefix": part.stem}}
    # No word holds the last character of Unicode, so the upper bound stands behind all words that begin with `last`.
    return {"range": {"gte": part.stem + part.first, "lte": f"{part.stem}{part.last}{_LAST_CHARACTER}"}}


def _word(word: str) -> Dsl:
    return {"match": {"query": word, "analyzer": "whitespace"}}


def _any(expression: Expression) -> Iterator[Expression]:
    """The parts of which an expression needs one."""
    yield from flat(expression) if isinstance(expression, Or) else (expression,)


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


def silent(query: Dsl) -> Dsl:
    """A query that filters without adding to relevance."""
    return {"constant_score": {"filter": query, "boost": 0.0}}


def any_of(queries: Sequence[Dsl]) -> Dsl:
    if len(queries) == 1:
        return queries[0]
    return {"bool": {"should": list(queries), "minimum_should_match": 1}} if queries else {"match_none": {}}
