"""`python -m benchmarks.queries [--data FILE] [--conversations N] [--rounds N] [--elastic]`

Asks 33 fixed queries of an archive (about 20 messages a conversation: 50,000 conversations for a million messages) and
prints p50 and p95 of each in milliseconds: of the bare engine (one request for 20 ids and the exact count), of our
store (the same in our order), and of a whole page with texts and marks from the vault.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from archiver.app import Archive
from archiver.archive.opening import make_archive
from archiver.config import find_settings
from archiver.index.elastic.queries import conversation_query as elastic_query
from archiver.index.embedded.pages import numbers
from archiver.index.embedded.queries import conversation_query
from archiver.index.embedded.store import EmbeddedStore
from archiver.index.results import Sort
from archiver.liveperson.answers import read_record
from archiver.query import Expression, Scope
from archiver.received import Conversation
from archiver.simulator.data import load
from archiver.simulator.scenario import Scenario
from archiver.value import replace
from archiver.windows import floor
from benchmarks.__main__ import timed
from benchmarks.account import repeated
from benchmarks.options import parser
from tests import nodes

QUERIES = (
    "refund", "table", "the", "zzzzunknown", "refund ticket", "table OR hotel", "a OR the", "refund -table",
    '"table for two"', '"thank you"', "reserv*", "re*", "*fund", "tabel~1", "/tab.+/", "table w/5 people",
    "book pre/3 table", "from:customer refund", "from:agent thank*", "note:refund", "sde.balance:>100",
    "mcs:<40 duration:>10m", "skill:Hotels OR skill:Movies", "refund in:card", "refund is:earlier",
    '"i would like to"', "you", "hotel flight ride", "(hotel OR flight) -cancel", "after:30d", "agent:*",
    "messages:>30", "status:closed",
)  # fmt: skip
PAGE, KEPT_AT_ONCE = 20, 500


def fill(folder: Path, data: Path | None, conversations: int, *, until: datetime | None = None) -> None:
    """An archive of so many conversations, read from the data file or from the simulator's own, under other ids. It is
    as a harvest by ids left it at `until`, by default now.
    """
    end = floor(until or datetime.now(UTC))
    scenario = Scenario()
    empty = scenario.world(lambda: end)
    source = load(data, empty, end) if data else scenario.fill(empty, end)
    with make_archive(folder, source.account) as archive:
        raws_left = repeated(source, conversations)
        while raws := list(islice(raws_left, KEPT_AT_ONCE)):
            read = [item for item in map(read_record, raws) if isinstance(item, Conversation)]
            archive.keep([replace(item, is_deep=True) for item in read], (), end)


def milliseconds(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """p50 and p95."""
    work()
    times = [1000 * timed(work) for _ in range(rounds)]
    return median(times), quantiles(times, n=20)[-1] if rounds > 1 else times[0]


def bare_tantivy(store: EmbeddedStore, expression: Expression) -> Callable[[], object]:
    """One search by tantivy, of the query that our store makes."""

    def ask() -> object:
        searcher = store._searcher()
        query = conversation_query(store._schema, searcher, expression, lambda found: numbers(searcher, found))
        return searcher.search(query, PAGE, count=True, order_by_field="rank")

    return ask


def bare_elasticsearch(client: httpx.Client, expression: Expression) -> Callable[[], object]:
    """One request to Elasticsearch."""
    body = {
        "query": elastic_query(expression), "size": PAGE, "sort": [{"rank": "desc"}, {"conversation_id": "desc"}],
        "track_total_hits": True, "_source": False, "docvalue_fields": ["conversation_id"],
    }  # fmt: skip
    return lambda: client.post("/benchmark-metadata/_search", json=body).raise_for_status().content


def measure(archive: Archive, bare: Callable[[Expression], Callable[[], object]], rounds: int) -> None:
    """Prints a line for each query, and how the slowest of all kinds compare."""
    print(f"{'query':<32} {'found':>8}   bare p50   p95    ids p50   p95   page p50   p95")
    totals: list[tuple[float, float, float]] = []
    medians: list[float] = []
    for text in QUERIES:
        query = archive.parse(text)
        ids = partial(archive.store.search, query.expression, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=PAGE)
        results = [milliseconds(bare(query.expression), rounds), milliseconds(ids, rounds)]
        results.append(milliseconds(lambda query=query: archive.search(query, limit=PAGE).results(), rounds))  # type: ignore[misc]
        totals.append(tuple(p95 for _, p95 in results))  # type: ignore[arg-type]
        medians.append(results[2][0])
        columns = "   ".join(f"{p50:8.2f} {p95:6.2f}" for p50, p95 in results)
        print(f"{text:<32} {ids().total:>8,}   {columns}")
    worst = [max(column) for column in zip(*totals, strict=True)]
    ratios = sorted(mine / theirs for theirs, mine, _ in totals)
    print(f"median p50 of a page: {median(medians):.1f} ms")
    print(f"slowest p95: bare {worst[0]:.1f} ms, ids {worst[1]:.1f} ms, page {worst[2]:.1f} ms")
    print(f"p95 of ids against bare: median {median(ratios):.2f} times, largest {ratios[-1]:.2f} times")


@contextmanager
def opened(folder: Path, store: str | None) -> Iterator[Archive]:
    given: dict[str, Any] = {"archive": str(folder), "store": store, "store_prefix": "benchmark"}
    with Archive(find_settings(given)) as archive:
        print(f"index built in {timed(partial(archive.search, 'refund')):.0f} s")
        yield archive


def main() -> None:
    given = parser(__doc__, conversations=50_000, rounds=20)
    given.add_argument("--elastic", action="store_true", help="in an Elasticsearch that is started here, too")
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "archive"
        print(f"archive filled in {timed(partial(fill, folder, options.data, options.conversations)):.0f} s")
        with opened(folder, None) as archive:
            measure(archive, partial(bare_tantivy, archive.store), options.rounds)  # type: ignore[arg-type]
        if options.elastic:
            node = nodes.start()
            try:
                with opened(folder, node.url) as archive, httpx.Client(base_url=node.url, timeout=60) as client:
                    measure(archive, partial(bare_elasticsearch, client), options.rounds)
            finally:
                node.remove()


if __name__ == "__main__":
    main()
