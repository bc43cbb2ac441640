"""Which conversations and messages match a query, and which spans of a text it marks. Pure: every store must agree with
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archiver.model import Message, Transcript
from archiver.query.ast import And, Compare, Everything, Expression, Not, OfConversation, Or, Scope, Words
from archiver.query.documents import is_about_message
from archiver.query.fields import BY, KEYWORDS, NUMBERS, SDE, Passage, passages, path_names
from archiver.query.tokens import Token, tokens

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Snippet:
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


@dataclass(frozen=True, slots=True)
class Match:
    """A text in which a query matched: `where` is its zone (see `fields.ZONES`)."""

    where: str
    snippet: Snippet
    message: Message | None = None


def spans(leaf: Words, passage_tokens: Sequence[Token]) -> Iterator[Span]:
    """Where the words of a leaf follow one another in the tokens of one passage."""
    count = len(leaf.words)
    for at in range(len(passage_tokens) - count + 1):
        if _fits(leaf, passage_tokens, at):
            yield passage_tokens[at].start, passage_tokens[at + count - 1].end


def _fits(leaf: Words, passage_tokens: Sequence[Token], at: int) -> bool:
    last = len(leaf.words) - 1
    for offset, word in enumerate(leaf.words):
        token = passage_tokens[at + offset].text
        if token != word and not (leaf.is_prefix and offset == last and token.startswith(word)):
            return False
    return True


class Reading:
    """A transcript with its passages tokenised once, for any number of queries."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.passages = [(passage, tokens(passage.text)) for passage in passages(transcript)]
        self._by_message: dict[int, list[tuple[Passage, list[Token]]]] | None = None
        self.keywords = {name: [tokens(value) for value in read(transcript)] for name, read in KEYWORDS.items()}

    def _of(self, message: Message) -> list[tuple[Passage, list[Token]]]:
        """The passages of a message."""
        if self._by_message is None:
            self._by_message = {}
            for passage in self.passages:
                self._by_message.setdefault(id(passage[0].message), []).append(passage)
        return self._by_message.get(id(message), [])

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
                number = NUMBERS[field](self.transcript)
                return number is not None and (low is None or low <= number) and (high is None or number < high)
            case Words():
                return self._has(expression, message)
            case OfConversation(child):
                return self.is_true(child)

    def _has(self, leaf: Words, message: Message | None) -> bool:
        if message and leaf.places == (BY,):
            return leaf.words == (message.role.value,)
        if leaf.places[0] in self.keywords:
            return any(any(spans(leaf, value)) for value in self.keywords[leaf.places[0]])
        return any(any(spans(leaf, passage_tokens)) for _, passage_tokens in self._looked_at(leaf, message))

    def _looked_at(self, leaf: Words, message: Message | None) -> Iterator[tuple[Passage, list[Token]]]:
        """The passages that a leaf searches: with a message, plain words and message zones search that message only."""
        only = message if message is not None and is_about_message(leaf) else None
        for passage, passage_tokens in self.passages if only is None else self._of(only):
            if is_in_place(leaf, passage):
                yield passage, passage_tokens

    def matches(self, expression: Expression, message: Message | None = None) -> Iterator[Match]:
        """The texts that contain words of the expression which are not excluded, with their marks, in reading order."""
        leaves = list(positive_words(expression))
        for passage, passage_tokens in self.passages if message is None else self._of(message):
            marked = [span for leaf in leaves if is_in_place(leaf, passage) for span in spans(leaf, passage_tokens)]
            if marked:
                yield Match(passage.zone, Snippet(passage.text, merge(marked)), passage.message)


def is_in_place(leaf: Words, passage: Passage) -> bool:
    if leaf.role and (passage.message is None or passage.message.role is not leaf.role):
        return False
    if passage.zone in leaf.places:
        return True
    return passage.zone == SDE and any(f"sde.{name}" in leaf.places for name in path_names(passage.path or ""))


def positive_words(expression: Expression, negated: bool = False) -> Iterator[Words]:
    """The leaves whose presence makes a result, not those that exclude one."""
    match expression:
        case Words() if not negated:
            yield expression
        case Not(child):
            yield from positive_words(child, not negated)
        case And(children) | Or(children):
            for child in children:
                yield from positive_words(child, negated)


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
    for message in reading.transcript.messages:
        if reading.is_true(expression, message):
            yield message
