"""Counts of a query's results by facets in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archiver.index import Counting

Names = tuple[str, ...]  # of one facet, or of two that make a table


def counts_json(counting: Counting, facets: Sequence[Names], limit: int) -> dict[str, list[dict[str, Any]]]:
    """The counts of each facet by its name, a table's by both names with a comma."""
    counting.count_ahead(names[0] for names in facets if len(names) == 1)
    return {",".join(names): list(_items(counting, names, limit)) for names in facets}


def _items(counting: Counting, names: Names, limit: int) -> Iterator[dict[str, Any]]:
    if len(names) == 2:
        cells = counting.cells(*names)
        yield from ({"values": list(values), "count": count} for values, count in cells.items())
        return
    counts = counting.by(names[0], limit)
    yield from ({"value": item.value, "count": item.count} for item in counts.values)
    if counts.others:
        yield {"value": None, "others": counts.others, "count": counts.rest}
