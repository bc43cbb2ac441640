"""The meaning of a query: an expression over the fields of `fields.py`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from archiver.model import Role


@dataclass(frozen=True, slots=True)
class Words:
    """Consecutive words in one passage of `places` (zones, one keyword field, or `sde.path`); the last may be a prefix.
    With `role`, only in messages of that role.
    """

    words: tuple[str, ...]
    places: tuple[str, ...]
    is_prefix: bool = False
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """`low <= number < high`; None leaves a side open."""

    field: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Not:
    child: Expression


@dataclass(frozen=True, slots=True)
class And:
    children: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every conversation, or every message."""


@dataclass(frozen=True, slots=True)
class OfConversation:
    """In a query for messages: conditions on their conversation. Made by `documents.for_messages` only."""

    child: Expression


Expression = Words | Compare | Not | And | Or | Everything | OfConversation


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `notices` say how a doubtful part was understood."""

    expression: Expression
    notices: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether it matches everything."""
        return isinstance(self.expression, Everything)


class Scope(StrEnum):
    """What a result is, within which the whole query must match."""

    CONVERSATION = "conversation"
    MESSAGE = "message"
