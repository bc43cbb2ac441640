"""What results are counted by, and the aggregation that counts them: tantivy and Elasticsearch take the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from archiver.errors import TooManyValues
from archiver.value import Value

MOST_VALUES = 60_000  # of one axis, and cells of two; both engines refuse more than 65,000


class Axis(Value):
    """What results are counted by: the values of a facet; or when a conversation started or a message was sent, in
    milliseconds since the epoch: with `edges` the spans from each edge to before the next one, with `width_ms` the
    multiples of a width.
    """

    facet: str = ""
    edges: tuple[int, ...] = ()
    width_ms: int = 0


Axes = Sequence[Axis]  # one, or two at once
# By a value of each axis (of a span its first millisecond, None for no value): the number of results, without zeros.
# Spans come in their order.
Cell = tuple[Any, ...]
Tally = Mapping[Cell, int]


def aggregations(asked: Sequence[Axes], field_of: Callable[[str], str]) -> dict[str, Any]:
    """The request that counts by each of these at once."""
    return {str(at): _aggregation(axes, field_of) for at, axes in enumerate(asked)}


def _aggregation(axes: Axes, field_of: Callable[[str], str]) -> dict[str, Any]:
    axis, *others = axes
    counted: dict[str, Any] = {}
    if axis.edges:
        ranges = [{"from": low, "to": high} for low, high in pairwise(axis.edges)]
        counted["range"] = {"field": "rank", "ranges": ranges}
    elif axis.width_ms:
        counted["histogram"] = {"field": "rank", "interval": axis.width_ms, "min_doc_count": 1}
    else:
        counted["terms"] = {"field": field_of(axis.facet), "size": MOST_VALUES, "missing": ""}
    return counted | ({"aggs": {"by": _aggregation(others, field_of)}} if others else {})


def tallies_of(answer: Mapping[str, Any], asked: Sequence[Axes]) -> list[Tally]:
    """What was counted by each, without zeros; nothing of an index that is not there, which answers nothing. Raises
    TooManyValues if not everything could be counted.
    """
    return [dict(_cells(answer[str(at)], axes)) if answer else {} for at, axes in enumerate(asked)]


def _cells(counted: Mapping[str, Any], axes: Axes) -> Iterator[tuple[Cell, int]]:
    axis, *others = axes
    if counted.get("sum_other_doc_count"):
        raise too_many_values()
    for bucket in counted["buckets"]:
        if not bucket["doc_count"]:
            continue
        value = _value(bucket, axis)
        if others:
            yield from (((value, *cell), count) for cell, count in _cells(bucket["by"], others))
        else:
            yield (value,), bucket["doc_count"]


def _value(bucket: Mapping[str, Any], axis: Axis) -> Any:
    """What the results of a bucket have in common."""
    if axis.edges:
        return int(bucket["from"])
    return int(bucket["key"]) if axis.width_ms else bucket["key"] or None


def too_many_values() -> TooManyValues:
    """The error for results with more values than can be counted exactly."""
    return TooManyValues(f"there are more than {MOST_VALUES:,} values to count by", hint="Narrow the query.")
