"""Reads the values of `from:`, `in:` and `is:`. Pure."""

from __future__ import annotations

import re

from archiver.errors import QueryError, suggest
from archiver.model import Role
from archiver.query.ast import Age, Term, Where, Words
from archiver.query.faults import needs_role, quoted
from archiver.query.fields import HAS, HAS_STATES, SAME_ZONE, ZONES
from archiver.query.narrowing import Modifier
from archiver.query.values import known

MODIFIERS = ("from", "in", "is")
_SAME_ROLE = {"consumer": "customer"}


def read_modifier(name: str, typed: str, start: int, position: int) -> Modifier | Words:
    """The modifier of the words typed at `start`, joined by OR or blanks; `is:vanished` and the like are conditions
    of a conversation. Raises QueryError.
    """
    words = [word for word in re.split(r"\s+OR\s+|\s+", typed.strip()) if word]
    values = tuple(_value(name, word.lower(), position if not word else start) for word in words or [""])
    if name == "is" and values[0] in HAS_STATES:
        if len(values) > 1:
            raise QueryError("is: takes one value here", position=start, hint=f"(is:{values[0]} OR is:{values[1]})")
        return known(Words((Term(values[0]),), Where((HAS,)), position))
    every = tuple(Role) if name == "from" else ZONES
    return Modifier(name, every if "*" in values else values, position)


def _value(name: str, word: str, position: int) -> str:
    """A value in its usual spelling. Raises QueryError."""
    if name == "from":
        role = _SAME_ROLE.get(word, word)
        if role not in {*Role, "*"}:
            raise needs_role(position, word)
        return role
    zone = SAME_ZONE.get(word, word)
    choices = (*ZONES, "*") if name == "in" else (*HAS_STATES, Age.CURRENT.value, Age.EARLIER.value)
    if zone not in choices:
        hint = suggest(word, [choice for choice in choices if choice != "*"], what="Values")
        raise QueryError(f"{name}: does not know {quoted(word)}", position=position, hint=hint)
    return zone
