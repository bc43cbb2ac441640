"""The values of fields that hold words: which are known, where a field has few of them. Pure."""

from __future__ import annotations

from archiver.errors import QueryError, suggest
from archiver.query.ast import Words
from archiver.query.faults import quoted
from archiver.query.fields import SAME_VALUE, USUAL_VALUES, VALUES


def known(leaf: Words, position: int) -> Words:
    """The leaf; with the usual spelling of its value, if its field has a closed set of values.

    Raises QueryError with the nearest value if no value of that set fits.
    """
    name, written = leaf.places[0], " ".join(leaf.words)
    if name not in VALUES:
        return leaf
    value = written if leaf.is_prefix else SAME_VALUE.get(written, written)
    if not any(_fits(leaf, value, one) for one in VALUES[name]):
        hint = suggest(written, VALUES[name], what="Values")
        raise QueryError(f"{name}: does not know {quoted(written)}", position=position, hint=hint)
    return Words((value,), leaf.places, leaf.is_prefix, leaf.role)


def unusual(leaf: Words) -> str | None:
    """A notice, if the field has usual values and the leaf asks for another one."""
    name, value = leaf.places[0], " ".join(leaf.words)
    usual = USUAL_VALUES.get(name, ())
    if usual and not any(_fits(leaf, value, one) for one in usual):
        return f"{name}: usually is {', '.join(usual)}; {quoted(value)} is searched as it is written"
    return None


def _fits(leaf: Words, value: str, known_value: str) -> bool:
    return known_value.startswith(value) if leaf.is_prefix else known_value == value
