"""What results are counted by, and the aggregation that counts them: tantivy and Elasticsearch take the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from archiver.errors import StoreError
from archiver.value import Value

MOST_VALUES = 60_000  # of one axis, and cells of two; both engines refuse more than 65,000


class Axis(Value):
    """What results are counted by: the values of a facet; or with `edges`, in milliseconds since the epoch, the spans
    from each edge to before the next one in which a conversation started or a message was sent.
    """

    facet: str = ""
    edges: tuple[int, ...] = ()


# By a value of each axis (of a span its first millisecond, None for no value): the number of results, without zeros.
# Spans come in their order.
Cell = tuple[Any, ...]
Tally = Mapping[Cell, int]


def aggregation(axes: Sequence[Axis], field_of: Callable[[str], str]) -> dict[str, Any]:
    """The aggregation that counts by one axis, or by two at once."""
    axis, *others = axes
    counted: dict[str, Any] = {}
    if axis.edges:
        ranges = [{"from": low, "to": high} for low, high in pairwise(axis.edges)]
        counted["range"] = {"field": "rank", "ranges": ranges}
    else:
        counted["terms"] = {"field": field_of(axis.facet), "size": MOST_VALUES, "missing": ""}
    return {"by": counted | ({"aggs": aggregation(others, field_of)} if others else {})}


def tally_of(answer: Mapping[str, Any], axes: Sequence[Axis]) -> Tally:
    """What an aggregation counted, without zeros. Raises StoreError if it could not count everything."""
    return dict(_cells(answer["by"], axes)) if "by" in answer else {}


def _cells(counted: Mapping[str, Any], axes: Sequence[Axis]) -> Iterator[tuple[Cell, int]]:
    axis, *others = axes
    if counted.get("sum_other_doc_count"):
        raise too_many_values()
    for bucket in counted["buckets"]:
        if not bucket["doc_count"]:
            continue
        value: Any = int(bucket["from"]) if axis.edges else bucket["key"] or None
        if others:
            yield from (((value, *cell), count) for cell, count in _cells(bucket["by"], others))
        else:
            yield (value,), bucket["doc_count"]


def too_many_values() -> StoreError:
    """The error for results with more values than can be counted exactly."""
    return StoreError(f"there are more than {MOST_VALUES:,} values to count by", hint="Narrow the query.")
