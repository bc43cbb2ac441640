"""Expressions to tantivy queries, always built from objects: users' text never reaches tantivy's own parser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tantivy import FieldType, Occur, Query

from archiver.index.embedded.schema import (
    CONVERSATION_NUMBER,
    PATH_NUMBER,
    PATH_WORD,
    RECORD_ZONES,
    all_words,
    at_path,
    facet_field,
    keyword_field,
    number_field,
    of_kind,
    split_at_path,
    zone_field,
)
from archiver.index.prefixes import Part, parts
from archiver.index.sortable import between, pieces
from archiver.model import Role
from archiver.query import (
    BY,
    ID,
    KEYWORDS,
    MESSAGE_ZONES,
    NUMBERS,
    RECORD,
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
    alternatives,
    arrangements,
    escaped,
    for_messages,
    regex_of,
)

Conversations = Callable[[Any], Iterable[int]]
Placed = Sequence[tuple[int, Term]]  # terms with their distances from the first one


def conversation_query(schema: Any, searcher: Any, expression: Expression, conversations: Conversations) -> Any:
    """A query on conversation documents, for that searcher. `conversations` returns the numbers of the conversations
    whose documents match a query.
    """
    return _Translator(schema, searcher, Scope.CONVERSATION, conversations).query(expression)


def message_query(schema: Any, searcher: Any, expression: Expression, conversations: Conversations) -> Any:
    """The same on message documents."""
    return _Translator(schema, searcher, Scope.MESSAGE, conversations).query(for_messages(expression))


class _Translator:
    def __init__(self, schema: Any, searcher: Any, scope: Scope, conversations: Conversations) -> None:
        self._schema = schema
        self._searcher = searcher
        self._scope = scope
        self._conversations = conversations

    def query(self, expression: Expression) -> Any:
        return self._of_kind(self._scope.value, self._of(expression))

    def _of_kind(self, kind: str, query: Any) -> Any:
        return _all_of([Query.const_score_query(of_kind(self._schema, kind), 0.0), query])

    def _of(self, expression: Expression) -> Any:
        match expression:
            case Everything():
                return Query.const_score_query(Query.all_query(), 0.0)
            case Not(child):
                everything = (Occur.Must, Query.const_score_query(Query.all_query(), 0.0))
                return Query.boolean_query([everything, (Occur.MustNot, self._of(child))])
            case And(children):
                return _all_of([self._of(child) for child in children])
            case Or(children):
                return _any_of([self._of(child) for child in children])
            case Compare():
                return Query.const_score_query(self._range(expression), 0.0)
            case Exactly(field, value):
                name = "key" if field == ID else facet_field(field)
                return Query.const_score_query(Query.term_query(self._schema, name, value), 0.0)
            case Words():
                return self._words(expression)
            case Near():
                return self._near(expression)
            case OfConversation(child):
                query = conversation_query(self._schema, self._searcher, child, self._conversations)
                return self._in_conversations(self._conversations(query))

    def _in_conversations(self, numbers: Iterable[int]) -> Any:
        found = sorted(set(numbers))
        if not found:
            return Query.empty_query()
        return Query.const_score_query(Query.term_set_query(self._schema, CONVERSATION_NUMBER, found), 0.0)

    # ── numbers ──

    def _range(self, leaf: Compare) -> Any:
        if leaf.field not in NUMBERS:
            return self._range_at_path(leaf)
        low = None if leaf.low is None else float(leaf.low)
        high = None if leaf.high is None else float(leaf.high)
        return Query.range_query(
            self._schema, number_field(leaf.field), FieldType.Float, low, high, True, high is None
        )  # fmt: skip

    def _range_at_path(self, leaf: Compare) -> Any:
        patterns = [
            f"{escaped(at_path(leaf.field, begin))}" + (f"[{first}-{last}].*" if first else "")
            for begin, first, last in pieces(*between(leaf.low, leaf.high))
        ]
        return _any_of([Query.regex_query(self._schema, PATH_NUMBER, pattern) for pattern in patterns])

    # ── consecutive words ──

    def _words(self, leaf: Words) -> Any:
        place = leaf.where.places[0]
        if place in KEYWORDS:
            return Query.const_score_query(self._consecutive(keyword_field(place), leaf.terms), 0.0)
        if place.startswith(f"{RECORD}."):
            terms = [_in_field(PATH_WORD, leaf, term) for term in leaf.terms]
            return Query.const_score_query(self._consecutive(PATH_WORD, terms), 0.0)
        fields = self._fields(leaf)
        return self._of_roles(
            leaf,
            _any_of(
                [self._consecutive(field, [_in_field(field, leaf, term) for term in leaf.terms]) for field in fields]
            ),
        )

    def _of_roles(self, leaf: Text, query: Any) -> Any:
        """In message documents the role of a message is a field of its own."""
        if self._scope is Scope.CONVERSATION or not leaf.where.roles:
            return query
        return _all_of([query, self._by(leaf.where.roles)])

    def _by(self, roles: Iterable[Role]) -> Any:
        spoken = [Query.term_query(self._schema, keyword_field(BY), role.value) for role in roles]
        return Query.const_score_query(_any_of(spoken), 0.0)

    def _fields(self, leaf: Text) -> Iterator[str]:
        """The fields that hold what a leaf searches."""
        where = leaf.where
        messages = tuple(place for place in where.places if place in MESSAGE_ZONES)
        is_message = self._scope is Scope.MESSAGE
        for is_earlier in _ages(leaf):
            if messages == MESSAGE_ZONES and (is_message or (where.places == ZONES and not where.roles)):
                yield all_words(self._scope, is_earlier)
                continue
            for zone in messages:
                for role in (None,) if is_message else where.roles or tuple(Role):
                    yield zone_field(zone, role, is_earlier)
        if not is_message and not (where.places == ZONES and not where.roles):
            yield from _beside_messages(leaf)

    def _consecutive(self, field: str, terms: Sequence[Term]) -> Any:
        if len(terms) == 1:
            return self._single(field, terms[0])
        if all(term.how is How.EXACT for term in terms):
            return Query.phrase_query(self._schema, field, [term.text for term in terms])
        *before, last = terms
        if last.how is How.PREFIX and all(term.how is How.EXACT for term in before):
            return self._phrase_with_prefix(field, [term.text for term in before], last.text)
        return Query.regex_phrase_query(self._schema, field, [regex_of(term) for term in terms])

    def _single(self, field: str, term: Term) -> Any:
        match term.how:
            case How.EXACT:
                return Query.term_query(self._schema, field, term.text)
            case How.FUZZY if field == PATH_WORD:
                begin, word = split_at_path(term.text)
                patterns = [escaped(begin) + pattern for pattern in alternatives(Term(word, term.how, term.edits))]
                return _any_of([Query.regex_query(self._schema, field, pattern) for pattern in patterns])
            case How.FUZZY:
                return Query.fuzzy_term_query(self._schema, field, term.text, term.edits, True, False)
        return Query.regex_query(self._schema, field, regex_of(term))

    def _phrase_with_prefix(self, field: str, before: Sequence[str], stem: str) -> Any:
        words = [escaped(word) for word in before]

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

    # ── words near one another ──

    def _near(self, leaf: Near) -> Any:
        """Words near one another are found where no two texts touch: in documents of messages, and beside them."""
        places = list(arrangements(leaf))
        zones = [zone for zone in leaf.where.places if zone in MESSAGE_ZONES]
        fields = [zone_field(zone, None, is_earlier) for zone in zones for is_earlier in _ages(leaf)]
        spoken = _any_of([self._placed(field, placed, leaf) for field in fields for placed in places])
        if self._scope is Scope.MESSAGE:
            return self._of_roles(leaf, spoken)
        if leaf.where.roles:
            spoken = _all_of([spoken, self._by(leaf.where.roles)])
        found = self._in_conversations(self._conversations(self._of_kind(Scope.MESSAGE.value, spoken)))
        beside = [] if leaf.where.roles else list(_beside_messages(leaf))
        written = [self._placed(field, placed, leaf) for field in beside for placed in places]
        return _any_of([found, *(Query.const_score_query(query, 0.0) for query in written)])

    def _placed(self, field: str, placed: Placed, leaf: Near) -> Any:
        placed = [(at, _in_field(field, leaf, term)) for at, term in placed]
        if all(term.how is How.EXACT for _, term in placed):
            return Query.phrase_query(self._schema, field, [(at, term.text) for at, term in placed])
        return Query.regex_phrase_query(self._schema, field, [(at, regex_of(term)) for at, term in placed])


def _ages(leaf: Text) -> tuple[bool, ...]:
    """Whether fields of earlier texts are searched, those of present ones, or both."""
    return {Age.CURRENT: (False,), Age.EARLIER: (True,)}.get(leaf.where.age, (False, True))


def _beside_messages(leaf: Text) -> Iterator[str]:
    """The fields of a leaf's places that are no messages. LivePerson's earlier ones are not indexed."""
    if leaf.where.age is not Age.EARLIER:
        yield from (
            place if place in RECORD_ZONES else PATH_WORD for place in leaf.where.places if place not in MESSAGE_ZONES
        )


def _in_field(field: str, leaf: Text, term: Term) -> Term:
    """A term as a field holds its words: those at a path stand behind it."""
    if field != PATH_WORD:
        return term
    path = leaf.where.places[0]
    if term.how is How.REGEX:
        return Term(f"{escaped(at_path(path, ''))}({term.text})", term.how)
    return Term(at_path(path, term.text), term.how, term.edits)


def _any_of(queries: list[Any]) -> Any:
    if not queries:
        return Query.empty_query()
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def _all_of(queries: list[Any]) -> Any:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _pattern(part: Part) -> str:
    """A part of the words of a prefix as a regular expression for whole words."""
    stem = escaped(part.stem)
    if part.is_word:
        return stem
    if part.first is None or part.last is None:
        return f"{stem}.*"
    return f"{stem}[\\x{{{ord(part.first):x}}}-\\x{{{ord(part.last):x}}}].*"
