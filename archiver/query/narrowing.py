"""What `from:`, `in:` and `is:current` do: each narrows the words of the whole group that it stands in. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from archiver.errors import QueryError
from archiver.model import Role
from archiver.query.ast import (
    Age,
    And,
    Everything,
    Expression,
    Near,
    Not,
    OfConversation,
    Or,
    Term,
    Text,
    Where,
    Words,
)
from archiver.query.fields import BY, MESSAGE_ZONES, ZONES
from archiver.value import Value, replace


class Modifier(Value):
    """`from:`, `in:` or `is:current`, at a position of the query's text; with `is_not`, all others."""

    kind: str
    values: tuple[str, ...]
    at: int
    is_not: bool = False


_ALL = {
    "from": tuple(role.value for role in Role),
    "in": ZONES,
    "is": (Age.CURRENT.value, Age.EARLIER.value),
}
Child = Expression | Modifier | None


def narrow(children: Sequence[Child]) -> list[Expression]:
    """The parts of a group, narrowed by its modifiers. Raises QueryError.

    One `from:` narrows the whole group, wherever it stands; of several, each narrows what follows up to the next.
    """
    voices = [child for child in children if isinstance(child, Modifier) and child.kind == "from" and not child.is_not]
    if len(voices) > 1:
        return _narrow_each(children, voices[0])
    modifiers = [child for child in children if isinstance(child, Modifier)]
    parts = [child for child in children if child is not None and not isinstance(child, Modifier)]
    return _narrowed(parts, modifiers)


def _narrow_each(children: Sequence[Child], first: Modifier) -> list[Expression]:
    before = children[: children.index(first)]
    if any(_has_text(child) for child in before if not isinstance(child, Modifier)):
        hint = "Put each from: and its words in parentheses: (from:agent refund) (from:customer thanks)"
        raise QueryError("several from: follow words that may belong to any of them", position=first.at, hint=hint)
    others = [child for child in children if isinstance(child, Modifier) and (child.kind != "from" or child.is_not)]
    found: list[Expression] = []
    segment: list[Child] = [child for child in before if not isinstance(child, Modifier)]
    for child in children[len(before) :]:
        if isinstance(child, Modifier):
            if child.kind == "from" and not child.is_not:
                found += _flush(segment, others)
                segment = [child]
        else:
            segment.append(child)
    return found + _flush(segment, others)


def _flush(segment: Sequence[Child], others: Sequence[Modifier]) -> list[Expression]:
    return narrow([*segment, *others]) if segment else []


def _narrowed(parts: list[Expression], modifiers: Sequence[Modifier]) -> list[Expression]:
    for kind, narrowing in _NARROWING.items():
        of_kind = [modifier for modifier in modifiers if modifier.kind == kind]
        if not of_kind:
            continue
        chosen = _chosen(of_kind)
        if kind == "from" and not any(map(_has_text, parts)):
            parts = [*map(_speaks, of_kind), *parts]
        elif kind != "from" and not any(_has_text(part) and part != Everything() for part in parts):
            hint = "Add a word, or search for what a conversation has: has:card has:note"
            raise QueryError(f"{kind}: needs words that it can narrow", position=of_kind[0].at, hint=hint)
        parts = [_mapped(part, narrowing(chosen)) for part in parts]
    return parts


def _chosen(modifiers: Sequence[Modifier]) -> tuple[str, ...]:
    """What remains: one of the positive ones, without all negative ones. Raises QueryError if that is nothing."""
    given = {value for modifier in modifiers if not modifier.is_not for value in modifier.values}
    taken = {value for modifier in modifiers if modifier.is_not for value in modifier.values}
    every = _ALL[modifiers[0].kind]
    left = tuple(value for value in every if (not given or value in given) and value not in taken)
    if not left:
        raise QueryError(f"{modifiers[0].kind}: leaves nothing to search", position=modifiers[-1].at)
    return left


def _speaks(modifier: Modifier) -> Expression:
    """Somebody of a role wrote a message; or, of an excluded role, nobody did."""
    spoken = spoken_by(modifier.values, modifier.at)
    return Not(spoken) if modifier.is_not else spoken


def spoken_by(roles: Iterable[str], at: int = 0) -> Expression:
    """Somebody of one of these roles wrote a message."""
    spoken = tuple(Words((Term(role),), Where((BY,)), at) for role in roles)
    return spoken[0] if len(spoken) == 1 else Or(spoken)


def _has_text(expression: Expression | None) -> bool:
    """Whether an expression holds words of messages, or * for any message."""
    match expression:
        case Words() | Near():
            return any(place in MESSAGE_ZONES for place in expression.where.places)
        case Not(child) | OfConversation(child):
            return _has_text(child)
        case And(children) | Or(children):
            return any(map(_has_text, children))
        case Everything():
            return True
    return False


Narrowing = Callable[[Text | Everything], Expression]


def _mapped(expression: Expression, narrowing: Narrowing) -> Expression:
    match expression:
        case Words() | Near() | Everything():
            return narrowing(expression)
        case Not(child):
            return Not(_mapped(child, narrowing))
        case And(children):
            return And(tuple(_mapped(child, narrowing) for child in children))
        case Or(children):
            return Or(tuple(_mapped(child, narrowing) for child in children))
    return expression


def _to_roles(chosen: Sequence[str]) -> Narrowing:
    def narrowing(leaf: Text | Everything) -> Expression:
        if isinstance(leaf, Everything):
            return spoken_by(chosen)
        where = leaf.where
        places = tuple(place for place in where.places if place in MESSAGE_ZONES)
        roles = tuple(role for role in map(Role, chosen) if not where.roles or role in where.roles)
        if not roles:
            raise QueryError("two from: contradict one another here", position=leaf.at)
        return dataclasses.replace(leaf, where=replace(where, places=places, roles=roles)) if places else leaf

    return narrowing


def _to_zones(chosen: Sequence[str]) -> Narrowing:
    def narrowing(leaf: Text | Everything) -> Expression:
        if isinstance(leaf, Everything) or len(leaf.where.places) == 1:
            return leaf  # a field of its own says where it looks
        places = tuple(place for place in leaf.where.places if place in chosen)
        if not places:
            raise QueryError("in: leaves no zone to search here", position=leaf.at)
        return dataclasses.replace(leaf, where=replace(leaf.where, places=places))

    return narrowing


def _to_age(chosen: Sequence[str]) -> Narrowing:
    def narrowing(leaf: Text | Everything) -> Expression:
        if isinstance(leaf, Everything) or not _has_text(leaf):
            return leaf
        age = Age(chosen[0]) if len(chosen) == 1 else Age.ANY
        return dataclasses.replace(leaf, where=replace(leaf.where, age=age))

    return narrowing


# In this order: a zone that is left may be none of messages, whose texts alone have an age.
_NARROWING: dict[str, Callable[[Sequence[str]], Narrowing]] = {"from": _to_roles, "is": _to_age, "in": _to_zones}
