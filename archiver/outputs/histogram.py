"""`archiver.histogram/1`: how many results there are in each interval, and which intervals are proven complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Any

from archiver.index import Assurance, Bar, Histogram, Search
from archiver.intervals import written
from archiver.outputs.worth import question_json
from archiver.query import Scope
from archiver.transcript import iso
from archiver.value import Value


class ProvenBar(Value):
    name: str
    bar: Bar
    is_proven: bool


def proven_bars(found: Histogram, worth: Assurance, scope: Scope, zone: tzinfo) -> Iterator[ProvenBar]:
    """A message may belong to any conversation that started before, so that all until its bar ends has to be proven."""
    for bar in found.bars:
        since = worth.span.start if scope is Scope.MESSAGE and worth.span else bar.start
        is_proven = worth.proves(min(since, bar.start), bar.end)
        yield ProvenBar(written(found.interval, bar.start, zone), bar, is_proven)


def histogram_json(
    search: Search, found: Histogram, rows: Sequence[ProvenBar], worth: Assurance, zone: tzinfo
) -> dict[str, Any]:  # fmt: skip
    """`archiver.histogram/1`."""
    return {
        "schema": "archiver.histogram/1",
        **question_json(worth, search.request.query.text),
        "interval": found.interval,
        "timezone": str(zone),
        "bars": [
            {
                "name": row.name, "from": iso(row.bar.start), "to": iso(row.bar.end), "count": row.bar.count,
                "proven": row.is_proven,
            }
            for row in rows
        ],
        "elsewhere": found.elsewhere,
        "scope": search.request.scope,
        "total": search.total,
        "notices": search.notices,
    }  # fmt: skip
