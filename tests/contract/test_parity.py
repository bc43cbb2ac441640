"""The same archive and the same query give the same answer on every store, before and after updates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archiver.index.axes import Axis
from archiver.index.results import OF_MESSAGES, Sort
from archiver.index.spans import DAYS
from archiver.index.store import Store
from archiver.model import to_ms
from archiver.query.ast import Scope
from archiver.query.facets import FACETS, MESSAGE_FACETS
from archiver.query.parser import parse
from tests.archives import Versions, archives, queries
from tests.conftest import NOW, examples
from tests.contract.stores import STORES, Filled, Opened

DAY_MS = 86_400_000
FIRST = to_ms(NOW) - 400 * DAY_MS
MONTHS = Axis(edges=(-(2**53), 0, 1, *range(FIRST, FIRST + 800 * DAY_MS, 30 * DAY_MS), 2**53))


@pytest.fixture
def witnesses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Filled]]:
    every = [Opened(address(request), tmp_path / name) for name, address in STORES.items()]
    yield [Filled(opened.make()) for opened in every]
    for opened in every:
        opened.remove()


def answer(store: Store, text: str, scope: Scope, sort: Sort) -> tuple[Any, ...]:
    """Everything that must not depend on the store: ids in order, page by page, the total, the facets."""
    expression = parse(text, now=NOW).expression
    keys, after, total = [], None, None
    while True:
        found = store.search(expression, scope=scope, sort=sort, limit=3, after=after)
        assert total in (None, found.total)
        keys += found.keys
        after, total = found.next, found.total
        if after is None:
            break
    facets = FACETS if scope is Scope.CONVERSATION else MESSAGE_FACETS
    axes = [*map(Axis, facets), MONTHS, DAYS]
    asked = [*([axis] for axis in axes), [MONTHS, Axis("skill")]]
    return keys, total, store.tallies(expression, asked, scope=scope)


@given(
    versions=st.lists(archives(), min_size=1, max_size=2),
    asked=st.lists(queries(3), min_size=3, max_size=3),
    scope=st.sampled_from(list(Scope)),
    sort=st.sampled_from([sort for sort in Sort if sort is not Sort.RELEVANCE]),
)
@settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))
def test_every_store_gives_the_same_keys_counts_and_facets(
    witnesses: list[Filled], versions: list[list[Versions]], asked: list[tuple[str, Any]], scope: Scope, sort: Sort
) -> None:
    assume(scope is Scope.CONVERSATION or sort in OF_MESSAGES)
    for version in versions:
        for witness in witnesses:
            witness.fill(version)
        for text, _ in asked:
            plain, *others = [answer(witness.store, text, scope, sort) for witness in witnesses]
            for other in others:
                assert other == plain, text
