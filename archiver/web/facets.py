"""Facets of the results as links that narrow the search to a value, or leave it out."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.index import Counting, Counts
from archiver.query import EXACT, Scope, as_condition, words
from archiver.value import Value
from archiver.web.state import SearchState

_OPEN, _SHOWN, _SHOWN_CLOSED = 4, 8, 5  # facets that are open at first; values of those, and of the others
# Of messages only: who wrote them, which the others do not say.
_OF_MESSAGES: dict[str, tuple[str, str]] = {"from": ("Written by", "from"), "sender": ("Sender", "sender")}
_PEOPLE = ("agent", "bot")
# Facet → (title, field of the query language).
_FACETS: dict[str, tuple[str, str]] = {
    "skill": ("Skill", "skill"),
    "agent": ("Agent", "agent"),
    "bot": ("Bot", "bot"),
    "group": ("Agent group", "group"),
    "source": ("Channel", "source"),
    "device": ("Device", "device"),
    "closed": ("Closed by", "closed"),
    "mcs": ("MCS", "mcs"),
    "csat": ("CSAT", "csat"),
    "has": ("Has", "has"),
    "lang": ("Language", "lang"),
    "campaign": ("Campaign", "campaign"),
    "intent": ("Intent", "intent"),
}
FIELDS = {
    field: facet for facet, (_, field) in reversed(_FACETS.items())
}  # by which facet a field's values are counted
# Fields of which a search for any word finds just the results that have a value of the facet.
_SAME = ("skill", "group", "source", "lang", "campaign", "intent", "has")
_BANDS = ((0, 19), (20, 39), (40, 59), (60, 79), (80, 100))  # of the Meaningful Conversation Score
_NONE = "none"


class FacetValue(Value):
    """A value with its number of results. `include` and `exclude` are addresses that search for its words, or leave
    them out; None where the query language can't say it. `remove` is the address without it, if it is a filter by now.
    """

    label: str
    count: int
    include: str | None = None
    exclude: str | None = None
    remove: str | None = None


class FacetList(Value):
    """The most frequent values of a facet; `others` were left out, which stand for `rest` results. `is_open`: the
    values are shown at first.
    """

    name: str
    title: str
    is_open: bool
    values: tuple[FacetValue, ...]
    others: int
    rest: int
    is_overlapping: bool


def facets_of(scope: str) -> dict[str, tuple[str, str]]:
    """The facets that are shown of results of a scope, each with its title and the field that asks for its values."""
    return _OF_MESSAGES | _FACETS if scope == Scope.MESSAGE else _FACETS


def facet_lists(counting: Counting, state: SearchState) -> Iterator[FacetList]:
    """Every facet that the results have a value of."""
    is_of_messages = state.scope == Scope.MESSAGE
    shown = 0
    for name, (title, field) in facets_of(state.scope).items():
        if name in counting.hidden:
            continue
        is_open = shown < _OPEN
        counts = counting.by(name, _SHOWN if is_open else _SHOWN_CLOSED)
        if any(item.value is not None for item in counts.values):
            shown += 1
            values = _bands(counts, state) if name == "mcs" else tuple(_values(counts, field, state))
            more = ", took part" if is_of_messages and name in _PEOPLE else ""
            yield FacetList(name, title + more, is_open, values, counts.others, counts.rest, counts.is_overlapping)


def _values(counts: Counts, field: str, state: SearchState) -> Iterator[FacetValue]:
    for item in counts.values:
        term = facet_condition(field, item.value) if item.value is not None else _without(counts.facet, field)
        label = _NONE if item.value is None else item.value
        yield _linked(label, item.count, term, state)


def facet_condition(field: str, value: str) -> str | None:
    """The condition that a result has just this value of a facet, as a whole where the query language can say so."""
    return as_condition(field, value) if field in EXACT else condition(field, value)


def _without(facet: str, field: str) -> str | None:
    """The condition that a result has no value of a facet; None if the query language can't say it."""
    if facet == "csat":
        return "-csat:1.."
    return f"-{field}:*" if facet in _SAME else None


def _bands(counts: Counts, state: SearchState) -> tuple[FacetValue, ...]:
    scores = [(float(item.value), item.count) for item in counts.values if item.value is not None]
    bands = [(low, high, sum(count for score, count in scores if low <= score <= high)) for low, high in _BANDS]
    shown = [_linked(f"{low} to {high}", count, f"mcs:{low}..{high}", state) for low, high, count in bands if count]
    without = [_linked(_NONE, item.count, "-mcs:0..", state) for item in counts.values if item.value is None]
    return (*shown, *without)


def _linked(label: str, count: int, term: str | None, state: SearchState) -> FacetValue:
    if term is None:
        return FacetValue(label, count)
    if term in state.filters:
        return FacetValue(label, count, remove=state.without_filter(term))
    excluded = term.removeprefix("-") if term.startswith("-") else f"-{term}"
    return FacetValue(label, count, state.with_filter(term), state.with_filter(excluded))


def condition(field: str, value: str) -> str | None:
    """The condition that a field has a value; None if the value has no word that can be searched."""
    if field == "csat":
        return f"csat:={value}"
    if field == "from":
        return f"from:{value}"
    quoted = value.replace('"', " ").strip()
    return f'{field}:"{quoted}"' if words(quoted) else None
