"""Decides which index document each part of a query is about: a message's or its conversation's. Pure; used by every
store.

A conversation's document holds everything that belongs to the conversation. A message's document holds its own words
and role, and repeats a few values of its conversation (`REPEATED_KEYWORDS`, `REPEATED_NUMBERS`), so that common filters
need no look-up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from archiver.model import BEFORE_ALL_MS
from archiver.query.ast import (
    And,
    Compare,
    Condition,
    Everything,
    Exactly,
    Expression,
    Near,
    Not,
    OfConversation,
    Or,
    Words,
)
from archiver.query.fields import BY, DATES, KEYWORDS, MESSAGE_ZONES, SENT

REPEATED_KEYWORDS = ("group", "lang", "skill", "source", "status")
REPEATED_NUMBERS = ("start",)
Leaf = Words | Near | Condition


def is_about_message(leaf: Leaf) -> bool:
    """Whether a leaf of a query for messages is about the message itself, not about its conversation."""
    if isinstance(leaf, Condition):
        return leaf.field == SENT
    return any(place in MESSAGE_ZONES for place in leaf.where.places) or leaf.where.places[0] == BY


def _is_on_message(leaf: Leaf) -> bool:
    """Whether a message's document holds the values that a leaf tests."""
    if is_about_message(leaf) or isinstance(leaf, Exactly):  # messages have the facets of their conversation
        return True
    return leaf.field in REPEATED_NUMBERS if isinstance(leaf, Compare) else leaf.where.places[0] in REPEATED_KEYWORDS


def for_messages(expression: Expression) -> Expression:
    """The same expression with the parts that only conversation documents can answer inside `OfConversation`.

    Such parts of one conjunction are joined, so that they need one look-up.
    """
    match expression:
        case Words() | Near() | Compare() | Exactly():
            return expression if _is_on_message(expression) else OfConversation(expression)
        case Not(child):
            return Not(for_messages(child))
        case Or():
            return Or(tuple(for_messages(child) for child in flat(expression)))
        case And():
            there = tuple(_inner(child) for child in flat(expression) if _is_of_conversation(child))
            here = tuple(for_messages(child) for child in flat(expression) if not _is_of_conversation(child))
            joined = (OfConversation(And(there) if len(there) > 1 else there[0]),) if there else ()
            return And((*here, *joined))
        case Everything() | OfConversation():
            return expression


def _inner(expression: Expression) -> Expression:
    return expression.child if isinstance(expression, OfConversation) else expression


def _is_of_conversation(expression: Expression) -> bool:
    """Whether no part of an expression can be answered by message documents."""
    match expression:
        case Words() | Near() | Compare() | Exactly():
            return not _is_on_message(expression)
        case Not(child):
            return _is_of_conversation(child)
        case And(children) | Or(children):
            return all(map(_is_of_conversation, children))
        case Everything():
            return False
        case OfConversation():
            return True


def every_leaf(expression: Expression) -> Iterator[Leaf]:
    """All conditions of an expression, those too that exclude."""
    match expression:
        case Words() | Near() | Compare() | Exactly():
            yield expression
        case Not(child) | OfConversation(child):
            yield from every_leaf(child)
        case And(children) | Or(children):
            for child in children:
                yield from every_leaf(child)


def field_of(leaf: Leaf) -> str:
    """The field that a condition is about; of texts in several zones the first one."""
    return leaf.field if isinstance(leaf, Condition) else leaf.where.places[0]


def flat(expression: And | Or) -> Iterator[Expression]:
    """The parts of a conjunction or disjunction, without inner parentheses of the same kind."""
    for child in expression.children:
        if isinstance(child, And | Or) and type(child) is type(expression):
            yield from flat(child)
        else:
            yield child


def facts_of(expression: Expression) -> Expression:
    """What a query demands of conversations beside texts: the conditions about facts that must hold for every result.
    If a query consists of facts only, just its times.
    """
    parts = required(expression)
    facts = [part for part in parts if all(map(_is_fact, every_leaf(part)))]
    if len(facts) == len(parts):
        facts = [part for part in parts if isinstance(part, Compare) and part.field in DATES.values()]
    return And(tuple(facts)) if len(facts) > 1 else facts[0] if facts else Everything()


def _is_fact(leaf: Leaf) -> bool:
    return isinstance(leaf, Condition) or leaf.where.places[0] in KEYWORDS


def of_unknown_start(expression: Expression) -> Expression | None:
    """What a query that bounds the start asks of conversations whose start is unknown: everything else. It may find
    more than that where the bound is one of several alternatives. None for a query without a bound.
    """
    parts = required(expression)
    others = [part for part in parts if not any(map(bounds_start, every_leaf(part)))]
    return None if len(others) == len(parts) else And((*others, Not(Compare("start", BEFORE_ALL_MS, None))))


def required(expression: Expression) -> tuple[Expression, ...]:
    """The parts of an expression that all must hold."""
    return tuple(flat(expression)) if isinstance(expression, And) else (expression,)


def bounds_start(expression: Expression) -> TypeGuard[Compare]:
    """Whether it is a bound of the start of conversations."""
    return isinstance(expression, Compare) and expression.field == "start"
