"""Words near one another: reads the two sides of `w/5` and `pre/5`, and finds them in a text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from math import comb, factorial

from archiver.errors import QueryError
from archiver.query.ast import And, Expression, How, Near, Or, Term, Where, Words
from archiver.query.fields import KEYWORDS, RECORD

MOST_DISTANCE = 50
MOST_ALTERNATIVES = 50
MOST_ARRANGEMENTS = 2_000


def near(left: Expression, right: Expression, distance: int, *, is_ordered: bool, at: int) -> Near:
    """The words of two sides near one another. Each side is a word, a phrase, or a group of them with OR between them.
    Raises QueryError.
    """
    sides = [list(_leaves(side, at)) for side in (left, right)]
    wheres = {leaf.where for side in sides for leaf in side}
    if len(wheres) > 1:
        raise QueryError("both sides of a distance have to be searched in the same place", position=at)
    parts = tuple(tuple(dict.fromkeys(leaf.terms for leaf in side)) for side in sides)
    return _checked(Near(parts, distance, is_ordered, wheres.pop(), at))


def near_words(terms: Sequence[Term], distance: int, where: Where, *, at: int) -> Near:
    """Single words near one another, in any order. Raises QueryError."""
    return _checked(Near(tuple(((term,),) for term in terms), distance, False, where, at))


def _leaves(side: Expression, at: int) -> Iterator[Words]:
    match side:
        case Words():
            if any(term.how in (How.FUZZY, How.REGEX) for term in side.terms):
                raise QueryError("~ and /…/ do not work beside a distance", position=side.at)
            yield side
        case Or(children):
            for child in children:
                yield from _leaves(child, at)
        case And():
            hint = 'Put words that follow one another in quotes, and others in parentheses with OR: (pay OR "pay back")'
            raise QueryError("a side of a distance is one word or phrase", position=at, hint=hint)
        case _:
            raise QueryError("a side of a distance has to be words that are searched for", position=at)


def _checked(leaf: Near) -> Near:
    if leaf.where.places[0] in KEYWORDS or leaf.where.places[0].startswith(f"{RECORD}."):
        raise QueryError(f"a distance works in texts, not in {leaf.where.places[0]}:", position=leaf.at)
    alternatives = 1
    for part in leaf.parts:
        alternatives *= len(part)
    if alternatives > MOST_ALTERNATIVES or _count(leaf, alternatives) > MOST_ARRANGEMENTS:
        raise QueryError(
            "these words can stand near one another in too many ways", position=leaf.at,
            hint="Use fewer words or alternatives, or a smaller distance.",
        )  # fmt: skip
    return leaf


def _count(leaf: Near, alternatives: int) -> int:
    count = len(leaf.parts)
    orders = 1 if leaf.is_ordered else factorial(min(count, 12))
    return alternatives * orders * comb(leaf.distance - 1 + count - 1, count - 1)


def sequences(leaf: Near) -> Iterator[tuple[tuple[Term, ...], ...]]:
    """Every choice of alternatives in every allowed order: what may follow one another, with gaps between."""
    for chosen in product(*leaf.parts):
        yield from dict.fromkeys([chosen] if leaf.is_ordered else permutations(chosen))


def arrangements(leaf: Near) -> Iterator[list[tuple[int, Term]]]:
    """Every way in which the words may stand: each term with its distance from the first one."""
    for sequence in sequences(leaf):
        for gaps in _gaps(len(sequence) - 1, leaf.distance - 1):
            placed: list[tuple[int, Term]] = []
            at = 0
            for terms, gap in zip(sequence, (*gaps, 0), strict=True):
                placed += [(at + offset, term) for offset, term in enumerate(terms)]
                at += len(terms) + gap
            yield placed


def _gaps(count: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every way to have at most `most` other words in `count` gaps."""
    if not count:
        yield ()
        return
    for first in range(most + 1):
        for rest in _gaps(count - 1, most - first):
            yield (first, *rest)
