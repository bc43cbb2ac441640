"""Says which parts of a query find nothing in this archive, and which mean something else than one may think."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from archiver.errors import StoreError
from archiver.index.axes import Axis
from archiver.index.results import Sort
from archiver.index.store import Store
from archiver.query import (
    ID,
    KEYWORDS,
    MESSAGE_ZONES,
    PATHS,
    RECORD,
    SDE,
    VALUES,
    Compare,
    Condition,
    Everything,
    Exactly,
    Expression,
    How,
    Near,
    Or,
    Query,
    Scope,
    Term,
    Where,
    Words,
    as_condition,
    every_leaf,
    field_of,
    sde_names,
    understood,
    words,
)

_MOST_LEAVES = 20
_ALIKE = 0.7  # of 1
# The facets whose values can be meant by a field.
_FACETS = {"agent": ("agent", "bot"), "anyskill": ("skill",), "customer": ("customer",)} | {
    name: (name,) for name in ("campaign", "closed", "device", "group", "intent", "lang", "place", "skill", "source")
}
# By the last name of a record's path, in lower case: the field that is searched instead.
_OWN_FIELDS = {
    "mcs": "mcs", "csat": "csat", "csatrate": "csat", "status": "status", "duration": "duration", "source": "source",
    "starttime": "started", "starttimel": "started", "endtime": "ended", "endtimel": "ended", "device": "device",
    "browser": "device", "operatingsystem": "device", "latestskillid": "skill", "latestskillname": "skill",
    "latestagentgroupid": "group", "latestagentgroupname": "group", "closereason": "closed",
    "closereasondescription": "closed", "language": "lang", "conversationid": "id", "country": "place", "city": "place",
    "campaignname": "campaign", "campaignengagementname": "campaign", "goalname": "campaign",
}  # fmt: skip


class Advice:
    """The advice about one query. Words get none but for a ?, as they may be anywhere, and neither do fields of few
    values.
    """

    def __init__(self, store: Store, query: Query) -> None:
        self._store, self._query = store, query
        self._known: dict[str, list[str]] = {}

    def notices(self) -> tuple[str, ...]:
        """A sentence for each field's value and each path that this archive does not have. Raises StoreError."""
        leaves = list(dict.fromkeys(every_leaf(self._query.expression)))
        told = [sentence for leaf in leaves[:_MOST_LEAVES] for sentence in self._about(leaf)]
        if not told or not self._finds(Everything()):  # an empty archive has no values at all
            return ()
        if len(leaves) > _MOST_LEAVES:
            told.append(f"the other {len(leaves) - _MOST_LEAVES} conditions were not looked at")
        return tuple(dict.fromkeys(told))

    def _about(self, leaf: Words | Near | Condition) -> Iterator[str]:
        if isinstance(leaf, Exactly):
            yield from self._about_value(leaf)
            return
        field = field_of(leaf)
        if field.startswith(PATHS):
            yield from self._about_path(field, leaf)
        elif isinstance(leaf, Words) and any(_has_mark(term) for term in leaf.terms) and not self._finds(leaf):
            yield f"nothing is like {understood(leaf)}: ? stands for one character; for the text itself use quotes"
        elif field in KEYWORDS and field not in (*VALUES, "by") and isinstance(leaf, Words) and not self._finds(leaf):
            nearest = self._nearest(field, leaf)
            listed = f": archiver fields {field}" if field in _FACETS else ""
            meant = f"; did you mean {field}:{nearest}?" if nearest else listed
            yield f"no conversation of this archive has {understood(leaf)}{meant}"

    def _about_value(self, leaf: Exactly) -> Iterator[str]:
        """A whole value has to be written as it is: in upper and lower case, with accents."""
        if not self._finds(leaf):
            known = {} if leaf.field == ID else {value.lower(): value for value in self._values(leaf.field)}
            near = _near(leaf.value.lower(), known)
            meant = f"; did you mean {as_condition(leaf.field, known[near[0]])}?" if near else ""
            yield f"no conversation of this archive has {understood(leaf)}{meant}"

    def _about_path(self, field: str, leaf: Words | Near | Compare) -> Iterator[str]:
        kind, _, path = field.partition(".")
        own = _OWN_FIELDS.get(path.rpartition(".")[2]) if kind == RECORD else None
        if own:
            yield f"{path} of a record is searched by a field of its own: {own}:"
        elif not self._finds(Or((Compare(field, None, None), Words((Term("", How.PREFIX),), Where((field,)))))):
            names = (name for full in self._values(SDE) for name in sde_names(full)) if kind == SDE else ()
            known = {name.removeprefix(f"{SDE}."): name for name in names}
            near = _near(path, known)
            meant = f"; did you mean {known[near[0]]}?" if near else f": archiver fields {kind}"
            yield f"nothing that can be searched stands at the path {field}{meant}"
        elif not isinstance(leaf, Compare) and not self._finds(leaf):
            yield f"no conversation of this archive has {understood(leaf)}"

    def _finds(self, expression: Expression) -> bool:
        page = self._store.search(expression, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=1)
        return page.total > 0

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
        if facet not in self._known:
            self._known[facet] = self._counted(facet)
        return self._known[facet]

    def _counted(self, facet: str) -> list[str]:
        try:
            (tally,) = self._store.tallies(Everything(), [[Axis(facet)]], scope=Scope.CONVERSATION)
        except StoreError:  # too many values: there is no advice then, which costs nobody the answer
            return []
        return [value for (value,) in tally if value]


def _has_mark(term: Term) -> bool:
    return term.how is How.WILD and "?" in term.text


def _near(asked: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(asked, list(known), n=1, cutoff=_ALIKE)


def advice_on(store: Store, query: Query, scope: Scope, *, names_values: bool = True) -> tuple[str, ...]:
    """What a reader of an answer has to know about its query; `names_values`, if they may be told which values the
    archive has and has not. Raises StoreError.
    """
    return (*_of_scope(query, scope), *(Advice(store, query).notices() if names_values else ()))


def _of_scope(query: Query, scope: Scope) -> Iterator[str]:
    """What the scope makes of parts of the query that are not about one message, or about any of them."""
    leaves = list(every_leaf(query.expression))
    texts = [leaf for leaf in leaves if not isinstance(leaf, Condition) and leaf.where.places[0] not in KEYWORDS]
    beside = [leaf for leaf in texts if not any(place in MESSAGE_ZONES for place in leaf.where.places)]
    if scope is Scope.MESSAGE and beside:
        yield f"{understood(beside[0])} is about whole conversations: all messages of those that it finds are counted"
    has_sent = any(isinstance(leaf, Compare) and leaf.field == "sent" for leaf in leaves)
    if scope is Scope.CONVERSATION and has_sent and len(texts) > len(beside):
        yield "sent: and the words may be true of different messages; --scope message wants them of one"
