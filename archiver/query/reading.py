"""One transcript, of which any number of queries ask whether they are true and what they mark. Pure: every store must
agree with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from archiver.model import Message, Transcript
from archiver.query.ast import (
    And,
    Compare,
    Everything,
    Exactly,
    Expression,
    Near,
    Not,
    OfConversation,
    Or,
    Scope,
    Text,
    Words,
)
from archiver.query.documents import is_about_message
from archiver.query.exact import exact_values
from archiver.query.fields import (
    BY,
    KEYWORDS,
    NUMBERS,
    RECORD,
    SENT,
    Passage,
    every_message,
    fact_names,
    fact_words,
    message_numbers,
    passages,
    path_numbers,
)
from archiver.query.haystack import Haystack
from archiver.query.matching import Match, Snippet, is_in_place, merge, places, positive_words, spans
from archiver.query.patterns import fits
from archiver.query.tokens import Token, tokens


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
    def _haystack(self) -> Haystack:
        return Haystack([passage.text for passage in self._passages])

    @cached_property
    def _by_message(self) -> dict[str, list[int]]:
        """The numbers of the passages of each message, by its id."""
        found: dict[str, list[int]] = {}
        for number, passage in enumerate(self._passages):
            if passage.message:
                found.setdefault(passage.message.id, []).append(number)
        return found

    def _numbers_of(self, message: Message) -> list[int]:
        return self._by_message.get(message.id, [])

    @cached_property
    def _keywords(self) -> dict[str, list[list[Token]]]:
        return {name: [tokens(value) for value in read(self.transcript)] for name, read in KEYWORDS.items()}

    def _of(self, message: Message) -> list[tuple[Passage, list[Token]]]:
        """The passages of a message, earlier ones too."""
        found = self._of_messages.get(message.id)
        if found is None:
            own = (self._passages[number] for number in self._numbers_of(message))
            found = [(passage, tokens(passage.text)) for passage in own]
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
            case Exactly(field, value):
                return value in exact_values(self.transcript, field, message)
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
        holding = {leaf: self._haystack.holding(leaf) for leaf in positive_words(expression)}
        held = set().union(*holding.values())
        for number in sorted(held if message is None else held.intersection(self._numbers_of(message))):
            passage = self._passages[number]
            looking = [leaf for leaf, those in holding.items() if number in those and is_in_place(leaf, passage)]
            marked = [span for leaf in looking for span in places(leaf, passage.text)]
            if marked:
                snippet = Snippet(passage.text, merge(marked))
                yield Match(passage.zone, snippet, passage.message, passage.path, passage.until)


def results(reading: Reading, expression: Expression, scope: Scope) -> Iterator[Message | None]:
    """The results within one conversation: None for the conversation itself, or its messages."""
    if scope is Scope.CONVERSATION:
        if reading.is_true(expression):
            yield None
        return
    for message in every_message(reading.transcript):
        if reading.is_true(expression, message):
            yield message
