"""Which conversations and messages match a query, and which spans of a text it marks. Pure: every store must agree with
it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property

from archiver.model import Message, Transcript
from archiver.query.ast import (
    Age,
    And,
    Compare,
    Everything,
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
)
from archiver.query.documents import is_about_message
from archiver.query.fields import (
    BY,
    KEYWORDS,
    MESSAGE_ZONES,
    NUMBERS,
    RECORD,
    SDE,
    SENT,
    Passage,
    every_message,
    fact_names,
    fact_words,
    message_numbers,
    passages,
    path_numbers,
    sde_names,
)
from archiver.query.patterns import fits
from archiver.query.proximity import sequences
from archiver.query.tokens import Token, tokens
from archiver.value import Value

Span = tuple[int, int]


class Snippet(Value):
    """A text with the spans that a query marks in it: `[start, end)`, sorted, disjoint, in code points."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The text cut at the marks: (piece, whether it is marked)."""
        at = 0
        for start, end in self.marks:
            if at < start:
                yield self.text[at:start], False
            yield self.text[start:end], True
            at = end
        if at < len(self.text):
            yield self.text[at:], False


class Match(Value):
    """A text in which a query matched: `where` is its zone, `path` and `until` as for a passage (`fields`)."""

    where: str
    snippet: Snippet
    message: Message | None = None
    path: str | None = None
    until: datetime | None = None


def spans(leaf: Text, passage_tokens: Sequence[Token]) -> Iterator[Span]:
    """Where the words of a leaf stand in the tokens of one passage."""
    if isinstance(leaf, Words):
        for start, end in _runs(leaf.terms, passage_tokens):
            yield passage_tokens[start].start, passage_tokens[end - 1].end
        return
    for runs in _arranged(leaf, passage_tokens):
        yield from ((passage_tokens[start].start, passage_tokens[end - 1].end) for start, end in runs)


def _runs(terms: Sequence[Term], passage_tokens: Sequence[Token]) -> Iterator[Span]:
    """Where terms follow one another: from the first token to the one behind the last."""
    count = len(terms)
    for at in range(len(passage_tokens) - count + 1):
        if all(fits(term, passage_tokens[at + offset].text) for offset, term in enumerate(terms)):
            yield at, at + count


def _arranged(leaf: Near, passage_tokens: Sequence[Token]) -> Iterator[tuple[Span, ...]]:
    """The runs of each part that stand near one another, once for each way they do."""
    found = {terms: list(_runs(terms, passage_tokens)) for part in leaf.parts for terms in part}
    if any(not any(found[terms] for terms in part) for part in leaf.parts):
        return
    for sequence in sequences(leaf):
        yield from _chains([found[terms] for terms in sequence], leaf.distance - 1)


def _chains(runs: Sequence[Sequence[Span]], most: int) -> Iterator[tuple[Span, ...]]:
    """One run of each list, each behind the one before, with at most so many other tokens between in all."""
    first, *others = runs
    for run in first:
        chains: list[tuple[tuple[Span, ...], int]] = [((run,), 0)]
        for following in others:
            starts = [start for start, _ in following]
            chains = [
                ((*chain, other), gaps + other[0] - chain[-1][1])
                for chain, gaps in chains
                for other in following[bisect_left(starts, chain[-1][1]) :]
                if gaps + other[0] - chain[-1][1] <= most
            ]
        yield from (chain for chain, _ in chains)


class Reading:
    """A transcript for any number of queries. What they look at is tokenised once, and what they do not, never."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self._of_messages: dict[str, list[tuple[Passage, list[Token]]]] = {}

    def tokenise(self) -> Reading:
        """Reads everything now, so that what can't be read fails here and at no query."""
        assert self._tokenised is not None
        assert self._keywords is not None
        return self

    @cached_property
    def _passages(self) -> list[Passage]:
        return list(passages(self.transcript))

    @cached_property
    def _tokenised(self) -> list[tuple[Passage, list[Token]]]:
        return [(passage, tokens(passage.text)) for passage in self._passages]

    @cached_property
    def _by_message(self) -> dict[str, list[Passage]]:
        found: dict[str, list[Passage]] = {}
        for passage in self._passages:
            if passage.message:
                found.setdefault(passage.message.id, []).append(passage)
        return found

    @cached_property
    def _keywords(self) -> dict[str, list[list[Token]]]:
        return {name: [tokens(value) for value in read(self.transcript)] for name, read in KEYWORDS.items()}

    def _of(self, message: Message) -> list[tuple[Passage, list[Token]]]:
        """The passages of a message, earlier ones too."""
        found = self._of_messages.get(message.id)
        if found is None:
            found = [(passage, tokens(passage.text)) for passage in self._by_message.get(message.id, ())]
            self._of_messages[message.id] = found
        return found

    def is_true(self, expression: Expression, message: Message | None = None) -> bool:
        """Whether the expression matches the conversation, or one message of it."""
        match expression:
            case Everything():
                return True
            case Not(child):
                return not self.is_true(child, message)
            case And(children):
                return all(self.is_true(child, message) for child in children)
            case Or(children):
                return any(self.is_true(child, message) for child in children)
            case Compare(field, low, high):
                numbers = self._numbers(field, message)
                return any((low is None or low <= value) and (high is None or value < high) for value in numbers)
            case Words() | Near():
                return self._has(expression, message)
            case OfConversation(child):
                return self.is_true(child)

    def _numbers(self, field: str, message: Message | None) -> Iterable[float]:
        if message is not None and field == SENT:
            return message_numbers(message)[field]
        if field in NUMBERS:
            return NUMBERS[field](self.transcript)
        return (value for name, value in path_numbers(self.transcript) if name == field)

    def _has(self, leaf: Text, message: Message | None) -> bool:
        place = leaf.where.places[0]
        if message and place == BY:
            return isinstance(leaf, Words) and len(leaf.terms) == 1 and fits(leaf.terms[0], message.role.value)
        if place in KEYWORDS:
            return any(any(spans(leaf, value)) for value in self._keywords[place])
        if place.startswith(f"{RECORD}."):
            values = (text for path, text in fact_words(self.transcript) if place in fact_names(path))
            return any(any(spans(leaf, tokens(text))) for text in values)
        return any(any(spans(leaf, passage_tokens)) for _, passage_tokens in self._looked_at(leaf, message))

    def _looked_at(self, leaf: Text, message: Message | None) -> Iterator[tuple[Passage, list[Token]]]:
        """The passages that a leaf searches: with a message, plain words and message zones search that message only."""
        only = message if message is not None and is_about_message(leaf) else None
        for passage, passage_tokens in self._tokenised if only is None else self._of(only):
            if is_in_place(leaf, passage):
                yield passage, passage_tokens

    def matches(self, expression: Expression, message: Message | None = None) -> Iterator[Match]:
        """The texts that contain words of the expression which are not excluded, with their marks, in reading order."""
        leaves = list(positive_words(expression))
        for passage in self._passages if message is None else self._by_message.get(message.id, ()):
            looking = [leaf for leaf in leaves if is_in_place(leaf, passage) and may_hold(passage.text, leaf)]
            found = tokens(passage.text) if looking else []
            marked = [span for leaf in looking for span in spans(leaf, found)]
            if marked:
                snippet = Snippet(passage.text, merge(marked))
                yield Match(passage.zone, snippet, passage.message, passage.path, passage.until)


def may_hold(text: str, leaf: Text) -> bool:
    """False only if a text surely does not hold what a leaf searches, which is seen without reading its words."""
    if not text.isascii():
        return True
    runs = ((leaf.terms,),) if isinstance(leaf, Words) else leaf.parts
    lower = text.lower()
    return all(any(all(_may_be_in(lower, term) for term in run) for run in part) for part in runs)


def _may_be_in(lower: str, term: Term) -> bool:
    return term.how not in (How.EXACT, How.PREFIX) or term.text in lower


def is_in_place(leaf: Text, passage: Passage) -> bool:
    """Whether a leaf searches a passage."""
    where = leaf.where
    if where.roles and (passage.message is None or passage.message.role not in where.roles):
        return False
    if where.age is not Age.ANY and passage.is_earlier != (where.age is Age.EARLIER):
        return False
    if passage.zone in where.places:
        return True
    return passage.zone == SDE and any(name in where.places for name in sde_names(passage.path or ""))


def positive_words(expression: Expression, negated: bool = False) -> Iterator[Text]:
    """The leaves whose presence makes a result, not those that exclude one."""
    match expression:
        case Words() | Near() if not negated:
            yield expression
        case Not(child):
            yield from positive_words(child, not negated)
        case And(children) | Or(children):
            for child in children:
                yield from positive_words(child, negated)


def marked_messages(expression: Expression) -> Expression:
    """A query for the messages in which an expression marks something, of the conversations that it finds."""
    leaves = positive_words(expression)
    marking = Or(tuple(leaf for leaf in leaves if any(place in MESSAGE_ZONES for place in leaf.where.places)))
    return And((OfConversation(expression), marking))


def marked(text: str, expression: Expression) -> Snippet:
    """A text of any zone with what the words of an expression mark in it."""
    found = tokens(text)
    return Snippet(text, merge(span for leaf in positive_words(expression) for span in spans(leaf, found)))


def merge(overlapping: Iterable[Span]) -> tuple[Span, ...]:
    """The same characters as few disjoint spans in order."""
    merged: list[Span] = []
    for start, end in sorted(overlapping):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def results(reading: Reading, expression: Expression, scope: Scope) -> Iterator[Message | None]:
    """The results within one conversation: None for the conversation itself, or its messages."""
    if scope is Scope.CONVERSATION:
        if reading.is_true(expression):
            yield None
        return
    for message in every_message(reading.transcript):
        if reading.is_true(expression, message):
            yield message
