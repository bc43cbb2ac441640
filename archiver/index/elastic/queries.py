"""Expressions to Elasticsearch's Query DSL. Pure; users' text never reaches Elasticsearch's own parsers.

Documents hold our own tokens joined by blanks, and are searched with the built-in `whitespace` analyzer: so every store
compares the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from archiver.index.prefixes import Part, parts
from archiver.index.sortable import between
from archiver.model import Role
from archiver.query import (
    BY,
    ID,
    KEYWORDS,
    MESSAGE_ZONES,
    NUMBERS,
    PATHS,
    SDE,
    ZONES,
    Age,
    And,
    Compare,
    Everything,
    Exactly,
    Expression,
    How,
    Near,
    Not,
    OfConversation,
    Or,
    Scope,
    Term,
    Text,
    Words,
    escaped,
    fits,
    flat,
    for_messages,
    regex_of,
    sequences,
)

Dsl = dict[str, Any]
KEYWORDS_FIELD, PATH_NUMBERS_FIELD = "keywords", "path_numbers"
NUMBER_FIELDS = {
    "csat": "csat", "duration": "duration_ms", "end": "ended_at", "mcs": "mcs", "messages": "message_count",
    "nps": "nps", "sent": "sent_at", "start": "started_at", "transfers": "transfers",
}  # fmt: skip
VISIBLE: Dsl = {"bool": {"must_not": [{"term": {"superseded": True}}]}}
_TERMS_AT_ONCE = 60_000  # Elasticsearch allows 65,536 in one terms query
_LONGEST_TAGGED = 255  # characters; the whitespace analyzer cuts longer tokens
_AS_IT_IS = {"analyzer": "whitespace"}  # the field's own one for searches is for what people type in Kibana
_LAST_CHARACTER = "\U0010ffff"
_MOST_STATES = 1_000_000
_EVERY_WORD = 2**31 - 1  # the server refuses a larger number, so a response is never incomplete

assert NUMBER_FIELDS.keys() == NUMBERS.keys()


def tagged(name: str, word: str) -> str:
    """A word prefixed with its keyword field or SDE path. Never longer than the longest allowed token."""
    return f"{_tag(name)}{word}"[:_LONGEST_TAGGED]


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
            case Near():
                return self._near(expression)
            case Compare():
                return silent(_range(expression))
            case Exactly(field, value):
                return silent({"term": {"conversation_id" if field == ID else f"facets.{field}": {"value": value}}})
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
        place = leaf.where.places[0]
        if place == BY and self._is_message:
            return silent({"terms": {"role": [role for role in Role if fits(leaf.terms[0], role.value)]}})
        if place in KEYWORDS or place.startswith(PATHS):
            return silent(self._consecutive(KEYWORDS_FIELD, [_tagged(place, term) for term in leaf.terms], place))
        return self._in_texts(leaf, lambda field: self._consecutive(field, leaf.terms))

    def _in_texts(self, leaf: Text, query: Callable[[str], Dsl]) -> Dsl:
        """A query for each field that holds what a leaf searches."""
        found = any_of([query(field) for field in self._fields(leaf)])
        roles = leaf.where.roles
        if not self._is_message or not roles:
            return found
        return {"bool": {"must": [found], "filter": [{"terms": {"role": [role.value for role in roles]}}]}}

    def _fields(self, leaf: Text) -> Iterator[str]:
        where = leaf.where
        zones = tuple(place for place in where.places if place in MESSAGE_ZONES)
        is_everywhere = zones == MESSAGE_ZONES if self._is_message else where.places == ZONES and not where.roles
        for prefix in _PREFIXES[where.age]:
            if is_everywhere:
                yield f"{prefix}words"
                continue
            for zone in zones:
                roles = (None,) if self._is_message else where.roles or tuple(Role)
                yield from (f"{prefix}{zone}_words" + (f".{role.value}" if role else "") for role in roles)
        if not self._is_message and not is_everywhere and where.age is not Age.EARLIER:
            yield from (f"{place}_words" for place in where.places if place not in MESSAGE_ZONES)

    def _consecutive(self, field: str, terms: Sequence[Term], tag: str = "") -> Dsl:
        """Consecutive words. A prefix at the end may be one of any number of words in the index."""
        if len(terms) == 1:
            return _single(field, terms[0], tag)
        *before, last = terms
        if any(term.how is not How.EXACT for term in before) or last.how not in (How.EXACT, How.PREFIX):
            return {"span_near": {"clauses": [_span(field, term, tag) for term in terms], "slop": 0, "in_order": True}}
        phrase: Dsl = {"query": " ".join(term.text for term in terms), "analyzer": "whitespace"}
        if last.how is How.EXACT:
            return {"match_phrase": {field: phrase}}
        if self._is_taken:
            return _divided(field, [term.text for term in terms], self._is_taken)
        return {"match_phrase_prefix": {field: phrase | {"max_expansions": _EVERY_WORD}}}

    def _near(self, leaf: Near) -> Dsl:
        place = leaf.where.places[0]
        if place.startswith(f"{SDE}."):
            return silent(_near(KEYWORDS_FIELD, leaf, place))
        return self._in_texts(leaf, lambda field: _near(field, leaf))


_PREFIXES = {Age.ANY: ("", "earlier_"), Age.CURRENT: ("",), Age.EARLIER: ("earlier_",)}


def _single(field: str, term: Term, tag: str = "") -> Dsl:
    """One word. What stands before it in the index, as for a keyword, is part of it and has to be the same."""
    match term.how:
        case How.EXACT:
            return {"term": {field: {"value": term.text}}}
        case How.PREFIX:
            return {"prefix": {field: {"value": term.text}}}
        case How.FUZZY:
            options = {"fuzziness": term.edits, "max_expansions": _EVERY_WORD, "transpositions": True}
            length = len(_tag(tag)) if tag else 0
            return {"fuzzy": {field: {"value": term.text, "prefix_length": length, **options}}}
    return {"regexp": {field: {"value": regex_of(term), "flags": "NONE", "max_determinized_states": _MOST_STATES}}}


def _span(field: str, term: Term, tag: str = "") -> Dsl:
    if term.how is How.EXACT:
        return {"span_term": {field: term.text}}
    return {"span_multi": {"match": _single(field, term, tag)}}


def _near(field: str, leaf: Near, tag: str = "") -> Dsl:
    """Words near one another: a query for each order of each choice of alternatives."""

    def run(terms: Sequence[Term]) -> Dsl:
        spans = [_span(field, _tagged(tag, term) if tag else term, tag) for term in terms]
        return spans[0] if len(spans) == 1 else {"span_near": {"clauses": spans, "slop": 0, "in_order": True}}

    return any_of(
        [
            {"span_near": {"clauses": list(map(run, sequence)), "slop": leaf.distance - 1, "in_order": True}}
            for sequence in sequences(leaf)
        ]
    )


def _tag(name: str) -> str:
    return f"{'_'.join(name.split())}:"


def _tagged(name: str, term: Term) -> Term:
    """A term of a keyword field or SDE path, as the index holds its words."""
    if term.how is How.REGEX:
        return Term(f"{escaped(_tag(name))}({term.text})", term.how)
    return Term(tagged(name, term.text), term.how, term.edits)


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
        return {"prefix": {"prefix": part.stem} | _AS_IT_IS}
    # No word holds the last character of Unicode, so the upper bound stands behind all words that begin with `last`.
    bounds = {"gte": part.stem + part.first, "lte": f"{part.stem}{part.last}{_LAST_CHARACTER}"}
    return {"range": bounds | _AS_IT_IS}


def _word(word: str) -> Dsl:
    return {"match": {"query": word, "analyzer": "whitespace"}}


def _any(expression: Expression) -> Iterator[Expression]:
    """The parts of which an expression needs one."""
    yield from flat(expression) if isinstance(expression, Or) else (expression,)


def _range(leaf: Compare) -> Dsl:
    if leaf.field not in NUMBERS:
        first, end = between(leaf.low, leaf.high)
        name = _tag(leaf.field)
        return {"range": {PATH_NUMBERS_FIELD: {"gte": name + first, "lt": name + end}}}
    bounds: dict[str, float | int | str] = {}
    for name, bound in (("gte", leaf.low), ("lt", leaf.high)):
        if bound is not None:
            bounds[name] = int(bound) if float(bound).is_integer() else bound
    if leaf.field in ("start", "end", "sent"):
        bounds["format"] = "epoch_millis"
    return {"range": {NUMBER_FIELDS[leaf.field]: bounds}}


def silent(query: Dsl) -> Dsl:
    """A query that filters without adding to relevance."""
    return {"constant_score": {"filter": query, "boost": 0.0}}


def any_of(queries: Sequence[Dsl]) -> Dsl:
    if len(queries) == 1:
        return queries[0]
    return {"bool": {"should": list(queries), "minimum_should_match": 1}} if queries else {"match_none": {}}
