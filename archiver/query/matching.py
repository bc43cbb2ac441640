"""Which conversations and messages match a query, and which spans of a text it marks. Pure: every store must agree with
it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from archiver.model import Message
from archiver.query.ast import (
    Age,
    And,
    Expression,
    How,
    Near,
    Not,
    OfConversation,
    Or,
    Term,
    Text,
    Words,
)
from archiver.query.fields import (
    MESSAGE_ZONES,
    SDE,
    Passage,
    sde_names,
)
from archiver.query.patterns import fits
from archiver.query.proximity import sequences
from archiver.query.tokens import Token, places_of, tokens
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


def places(leaf: Text, text: str) -> Iterator[Span]:
    """Where the words of a leaf stand in the text of one passage."""
    match leaf:
        case Words((Term(word, How.EXACT | How.PREFIX as how),)) if word:
            return places_of(word, text, is_prefix=how is How.PREFIX)
    return spans(leaf, tokens(text))


def _runs(terms: Sequence[Term], passage_tokens: Sequence[Token]) -> Iterator[Span]:
    """Where terms follow one another: from the first token to the one behind the last."""
    first, *others = terms
    for at in range(len(passage_tokens) - len(others)):
        if fits(first, passage_tokens[at].text) and all(
            fits(term, passage_tokens[at + offset].text) for offset, term in enumerate(others, 1)
        ):
            yield at, at + len(terms)


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
    return Snippet(text, merge(span for leaf in positive_words(expression) for span in places(leaf, text)))


def merge(overlapping: Iterable[Span]) -> tuple[Span, ...]:
    """The same characters as few disjoint spans in order."""
    merged: list[Span] = []
    for start, end in sorted(overlapping):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
