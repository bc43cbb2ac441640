"""The meaning of a query: an expression over the fields of `fields.py`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from archiver.model import Role
from archiver.value import Value


class How(StrEnum):
    """How a word of a text is compared with a term."""

    EXACT = "exact"
    PREFIX = "prefix"  # it begins with the term
    WILD = "wild"  # * stands for any characters, ? for one
    FUZZY = "fuzzy"  # at most `edits` characters are added, left out, replaced, or swapped with their neighbour
    REGEX = "regex"  # the term is a regular expression for the whole word (`patterns`)


class Term(Value):
    """What one word of a text has to be."""

    text: str
    how: How = How.EXACT
    edits: int = 0


class Age(StrEnum):
    """Which texts are searched: those that LivePerson shows now, those that it showed before, or both."""

    ANY = "any"
    CURRENT = "current"
    EARLIER = "earlier"


class Where(Value):
    """Which texts are searched: in zones or one keyword field or `sde.path`; with `roles`, only in messages of one of
    these roles.
    """

    places: tuple[str, ...]
    roles: tuple[Role, ...] = ()
    age: Age = Age.ANY


@dataclass(frozen=True, slots=True)
class Words:
    """Consecutive words in one passage. `at` is the position in the query's text."""

    terms: tuple[Term, ...]
    where: Where
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Near:
    """Words near one another in one passage: of each part an alternative, without overlap, and fewer than
    `distance` other words among them; with `is_ordered`, in the order of the parts.
    """

    parts: tuple[tuple[tuple[Term, ...], ...], ...]
    distance: int
    is_ordered: bool
    where: Where
    at: int = field(default=0, compare=False)


class Compare(Value):
    """`low <= number < high`; None leaves a side open. Of several numbers, one is enough."""

    field: str
    low: float | None
    high: float | None


class Exactly(Value):
    """A value of a field as it is written (`exact`). Of several values, one is enough."""

    field: str
    value: str


class Not(Value):
    child: Expression


class And(Value):
    children: tuple[Expression, ...]


class Or(Value):
    children: tuple[Expression, ...]


class Everything(Value):
    """Every conversation, or every message."""


class OfConversation(Value):
    """In a query for messages: conditions on their conversation. Made by `documents.for_messages` only."""

    child: Expression


Text = Words | Near
Condition = Compare | Exactly  # of which no text is marked
Expression = Words | Near | Compare | Exactly | Not | And | Or | Everything | OfConversation


class Query(Value):
    """A parsed query; `notices` say how a doubtful part was understood. `text` is the query as typed."""

    expression: Expression
    notices: tuple[str, ...] = ()
    text: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether it matches everything."""
        return isinstance(self.expression, Everything)


class Scope(StrEnum):
    """What a result is, within which the whole query must match."""

    CONVERSATION = "conversation"
    MESSAGE = "message"
