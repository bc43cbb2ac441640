"""Says which parts of a query find nothing in this archive whatever the rest is, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import cached_property

from archiver.errors import StoreError
from archiver.index.axes import Axis
from archiver.index.results import Sort
from archiver.index.store import Store
from archiver.query import (
    KEYWORDS,
    RECORD,
    SDE,
    VALUES,
    Compare,
    Everything,
    Expression,
    How,
    Near,
    Or,
    Query,
    Scope,
    Term,
    Where,
    Words,
    every_leaf,
    path_names,
    understood,
    words,
)

_MOST_LEAVES = 20
_ALIKE = 0.7  # of 1
# The facets whose values can be meant by a field.
_FACETS = {"agent": ("agent", "bot"), "anyskill": ("skill",), "customer": ("customer",)} | {
    name: (name,) for name in ("campaign", "closed", "device", "group", "intent", "lang", "skill", "source")
}


class Advice:
    """The advice about one query: nothing for words, which may well be nowhere, and for fields of known values."""

    def __init__(self, store: Store, query: Query) -> None:
        self._store, self._query = store, query

    def notices(self) -> tuple[str, ...]:
        """A sentence for each field's value and each SDE path that this archive does not have. Raises StoreError."""
        leaves = dict.fromkeys(every_leaf(self._query.expression))
        told = (sentence for leaf in list(leaves)[:_MOST_LEAVES] for sentence in self._about(leaf))
        return tuple(dict.fromkeys(told))

    def _about(self, leaf: Words | Near | Compare) -> Iterator[str]:
        field = leaf.field if isinstance(leaf, Compare) else leaf.where.places[0]
        if field.startswith(f"{SDE}."):
            yield from self._about_path(field.removeprefix(f"{SDE}."))
        elif field.startswith(f"{RECORD}."):
            anything = Or((Compare(field, None, None), Words((Term("", How.PREFIX),), Where((field,)))))
            if not self._finds(anything) and self._finds(Everything()):
                path = field.removeprefix(f"{RECORD}.")
                yield f"no record of this archive has the path {path}, or it has a field of its own: archiver fields"
        elif field in KEYWORDS and field not in (*VALUES, "by") and isinstance(leaf, Words) and not self._finds(leaf):
            nearest = self._nearest(field, leaf)
            meant = f"; did you mean {field}:{nearest}?" if nearest else f": archiver fields {field}"
            yield f"no conversation of this archive has {understood(leaf)}{meant}"

    def _about_path(self, path: str) -> Iterator[str]:
        known = {name: name for full in self._paths for name in path_names(full)}
        if path in known or not self._finds(Everything()):
            return
        near = _near(path, known)
        meant = f"; did you mean {SDE}.{near[0]}?" if near else f": archiver fields {SDE}"
        yield f"no SDE of this archive has the path {path}{meant}"

    def _finds(self, expression: Expression) -> bool:
        page = self._store.search(expression, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=1)
        return page.total > 0

    @cached_property
    def _paths(self) -> list[str]:
        return self._values(SDE)

    def _nearest(self, field: str, leaf: Words) -> str | None:
        """The value whose folded words are most like those of a leaf, in quotes if they are several."""
        folded = {" ".join(words(value)): value for facet in _FACETS.get(field, ()) for value in self._values(facet)}
        asked = " ".join(term.text for term in leaf.terms if term.how in (How.EXACT, How.PREFIX))
        singles = {word: value for text, value in folded.items() for word in text.split()}
        near = _near(asked, folded) or _near(asked, singles)
        if not near:
            return None
        value = folded.get(near[0]) or singles[near[0]]
        return f'"{value}"' if len(words(value)) > 1 else value

    def _values(self, facet: str) -> list[str]:
        try:
            tally = self._store.tally(Everything(), [Axis(facet)], scope=Scope.CONVERSATION)
        except StoreError:  # too many values: there is no advice then, which costs nobody the answer
            return []
        return [value for (value,) in tally if value]


def _near(asked: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(asked, list(known), n=1, cutoff=_ALIKE)
