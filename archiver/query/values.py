"""The values of fields that hold words: which are known, where a field has few of them. Pure."""

from __future__ import annotations

from dataclasses import replace

from archiver.errors import QueryError, suggest
from archiver.query.ast import Everything, Expression, How, Term, Where, Words
from archiver.query.faults import quoted
from archiver.query.fields import SAME_VALUE, USUAL_VALUES, VALUES
from archiver.query.patterns import fits


def anything(where: Where, at: int) -> Expression:
    """What `*` stands for: everything; in one field, what has any word there."""
    return Words((Term("", How.PREFIX),), where, at) if len(where.places) == 1 else Everything()


def known(leaf: Words) -> Words:
    """The leaf; with the usual spelling of its value, if its field has a closed set of values.

    Raises QueryError with the nearest value if no value of that set fits.
    """
    name, written = leaf.where.places[0], " ".join(term.text for term in leaf.terms)
    if name not in VALUES:
        return leaf
    if written in SAME_VALUE and leaf.terms[-1].how is How.EXACT:
        leaf = replace(leaf, terms=(Term(SAME_VALUE[written]),))
    if not any(_fits(leaf, one) for one in VALUES[name]):
        hint = suggest(written, VALUES[name], what="Values")
        raise QueryError(f"{name}: does not know {quoted(written)}", position=leaf.at, hint=hint)
    return leaf


def unusual(leaf: Words) -> str | None:
    """A notice, if the field has usual values and the leaf asks for another one."""
    name, value = leaf.where.places[0], " ".join(term.text for term in leaf.terms)
    usual = USUAL_VALUES.get(name, ())
    if usual and not any(_fits(leaf, one) for one in usual):
        return f"{name}: usually is {', '.join(usual)}; {quoted(value)} is searched as it is written"
    return None


def _fits(leaf: Words, value: str) -> bool:
    return len(leaf.terms) == 1 and fits(leaf.terms[0], value)
