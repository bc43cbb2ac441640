"""Decides which index document each part of a query is about: a message's or its conversation's. Pure; used by every
store.

A conversation's document holds everything that belongs to the conversation. A message's document holds its own words
and role, and repeats a few values of its conversation (`REPEATED_KEYWORDS`, `REPEATED_NUMBERS`), so that common filters
need no look-up.
"""

from __future__ import annotations

from collections.abc import Iterator

from archiver.query.ast import And, Compare, Everything, Expression, Not, OfConversation, Or, Words
from archiver.query.fields import BY, MESSAGE_ZONES, ZONES

REPEATED_KEYWORDS = ("group", "lang", "skill", "source", "status")
REPEATED_NUMBERS = ("start",)


def is_about_message(leaf: Words | Compare) -> bool:
    """Whether a leaf of a query for messages is about the message itself, not about its conversation."""
    return isinstance(leaf, Words) and (leaf.places == ZONES or leaf.places[0] in (BY, *MESSAGE_ZONES))


def _is_on_message(leaf: Words | Compare) -> bool:
    """Whether a message's document holds the values that a leaf tests."""
    if isinstance(leaf, Compare):
        return leaf.field in REPEATED_NUMBERS
    return is_about_message(leaf) or leaf.places[0] in REPEATED_KEYWORDS


def for_messages(expression: Expression) -> Expression:
    """The same expression with the parts that only conversation documents can answer inside `OfConversation`.

    Such parts of one conjunction are joined, so that they need one look-up.
    """
    match expression:
        case Words() | Compare():
            return expression if _is_on_message(expression) else OfConversation(expression)
        case Not(child):
            return Not(for_messages(child))
        case Or():
            return Or(tuple(for_messages(child) for child in flat(expression)))
        case And():
            there = tuple(child for child in flat(expression) if _is_of_conversation(child))
            here = tuple(for_messages(child) for child in flat(expression) if not _is_of_conversation(child))
            joined = (OfConversation(And(there) if len(there) > 1 else there[0]),) if there else ()
            return And((*here, *joined))
        case Everything() | OfConversation():
            return expression


def _is_of_conversation(expression: Expression) -> bool:
    """Whether no part of an expression can be answered by message documents."""
    match expression:
        case Words() | Compare():
            return not _is_on_message(expression)
        case Not(child):
            return _is_of_conversation(child)
        case And(children) | Or(children):
            return all(map(_is_of_conversation, children))
        case Everything():
            return False
        case OfConversation():
            return True


def flat(expression: And | Or) -> Iterator[Expression]:
    """The parts of a conjunction or disjunction, without inner parentheses of the same kind."""
    for child in expression.children:
        if isinstance(child, And | Or) and type(child) is type(expression):
            yield from flat(child)
        else:
            yield child
