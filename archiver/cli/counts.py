"""Counts of a query's results by facets: how they are asked for, and as text and CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import click

from archiver.cli.terminal import one_line
from archiver.errors import counted, known_word
from archiver.export import as_csv
from archiver.index import Counting, Counts, Table, countable
from archiver.outputs import Names
from archiver.query import Scope

_NONE = "(none)"
_COLUMNS, _WIDEST = 8, 32  # number and characters of a table's columns on a terminal


def read_facets(context: click.Context, param: click.Parameter, given: Sequence[str]) -> tuple[Names, ...]:
    """The facets of an option that may be repeated: each one name, or two with a comma between."""
    facets = tuple(tuple(name.strip().lower() for name in text.split(",")) for text in given)
    for names in facets:
        if len(names) > 2:
            raise click.BadParameter(f"{','.join(names)} are {len(names)} facets; a table has two.")
    return facets


def check_facets(facets: Sequence[Names], scope: Scope) -> None:
    """Raises ConfigError for a facet that results of a scope don't have."""
    for name in (name for names in facets for name in names):
        known_word(name, countable(scope), f"{scope} facet")


def count_lines(counting: Counting, facets: Sequence[Names], scope: Scope, limit: int) -> list[str]:
    """A list for each facet, and a table for each two."""
    lines: list[str] = []
    for names in facets:
        lines += [f"\n{scope.capitalize()}s by {' and '.join(names)}", *_lines(counting, names, limit)]
    return lines


def _lines(counting: Counting, names: Names, limit: int) -> Iterator[str]:
    if len(names) == 2:
        return _table(counting.table(*names, limit, min(limit, _COLUMNS)))
    return _list(counting.by(names[0], limit))


def _list(counts: Counts) -> Iterator[str]:
    for item in counts.values:
        yield f"{item.count:>10,}  {_shown(item.value)}"
    if counts.others:
        yield f"{counts.rest:>10,}  ({counted(counts.others, 'other value')}: --values)"
    yield f"{counts.total:>10,}  in all{'; some have several values' if counts.is_overlapping else ''}"


def _table(table: Table) -> Iterator[str]:
    """Counts in columns as wide as they need; what was left out is in the last row and the last column but one."""
    rows, columns = _labels(table.rows), _labels(table.columns)
    grid = _grid(table)
    totals = [*(item.count for item in table.rows.values), table.rows.rest]
    lines = [["", *map(_brief, columns), "in all"]]
    for at, label in enumerate(rows):
        lines.append([label, *(f"{grid[at, column]:,}" for column in range(len(columns))), f"{totals[at]:,}"])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *numbers in lines:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])
    some = "; some have several values" if table.rows.is_overlapping or table.columns.is_overlapping else ""
    yield f"{table.rows.total:,} in all{some}"


def _labels(counts: Counts) -> list[str]:
    others = [f"({counted(counts.others, 'other value')})"] if counts.others else []
    return [*(_shown(item.value) for item in counts.values), *others]


def _grid(table: Table) -> Counter[tuple[int, int]]:
    """The cells by number of row and column; those of values that were left out are added up behind the others."""
    rows, columns = (
        {item.value: at for at, item in enumerate(counts.values)} for counts in (table.rows, table.columns)
    )
    grid: Counter[tuple[int, int]] = Counter()
    for (row, column), count in table.cells.items():
        grid[rows.get(row, len(rows)), columns.get(column, len(columns))] += count
    return grid


def _brief(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _shown(value: str | None) -> str:
    return _NONE if value is None else one_line(value)


def counts_csv(counting: Counting, names: Names, scope: Scope) -> str:
    """All counts of a facet, or of a table, with a line for each value or pair."""
    rows: list[tuple[object, ...]]
    if len(names) == 2:
        cells = counting.cells(*names)
        rows = [(*map(_named, values), count) for values, count in cells.items()]
    else:
        rows = [(_named(item.value), item.count) for item in counting.by(names[0]).values]
    return as_csv((*names, f"{scope}s"), rows)


def _named(value: str | None) -> str:
    return _NONE if value is None else value
