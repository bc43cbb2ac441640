"""`python -m benchmarks.elastic [--data FILE] [--conversations N] [--rounds N] [--url URL]`

The way into Elasticsearch, each part on the same node in the same run, with the same documents: request bodies made
beforehand and replayed by bare connections (what the server can take), the client library's own helpers, our catch-up
(read the vault, project, send), and a harvest from a simulated account until everything is searchable. Then our
catch-up against a stub that only counts, which leaves the client's own cost, beside that of reading the records alone.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch, helpers

from archiver.archive.opening import open_archive
from archiver.config.settings import StoreAddress
from archiver.index.build import catch_up
from archiver.index.elastic.bodies import body
from archiver.index.elastic.bulk import Limits
from archiver.index.elastic.family import BACKFILL, Family
from archiver.index.elastic.server import connect
from archiver.index.elastic.store import ElasticStore
from archiver.index.results import Version
from archiver.jsontext import decode
from archiver.progress import Silent
from archiver.transcript.projection import project
from benchmarks import parts
from benchmarks.__main__ import simulator
from benchmarks.options import parser
from tests import nodes

PREFIX = "benchmark"
REQUEST_BYTES = Limits().request_bytes


class Prepared:
    """The requests of a whole archive, made beforehand: 5 MiB bodies, and single actions for the helpers."""

    def __init__(self, folder: Path, family: Family) -> None:
        self.months: set[str] = set()
        self.requests: list[bytes] = []
        self.documents = 0
        pending: list[bytes] = []
        size = 0
        with open_archive(folder) as archive:
            for record in archive.vault.after(0):
                made = body(Version(record.seq, project(record.raw), True, record.fetched_at), family.names)
                self.months.add(made.month)
                self.documents += made.count
                pending.append(made.lines)
                size += len(made.lines)
                if size >= REQUEST_BYTES:
                    self.requests.append(b"".join(pending))
                    pending, size = [], 0
        if pending:
            self.requests.append(b"".join(pending))

    def actions(self) -> Iterator[dict[str, Any]]:
        for request in self.requests:
            lines = request.split(b"\n")
            for at in range(0, len(lines) - 1, 2):
                action = json.loads(lines[at])["index"]
                yield {"_op_type": "index", **action, "_source": json.loads(lines[at + 1])}


class Node:
    """Indices to write into, emptied before each measurement."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server = connect(StoreAddress(url))

    def family(self) -> Family:
        return Family(self.server, PREFIX, 1)

    def empty(self, months: set[str]) -> None:
        family = self.family()
        family.drop()
        family.prepare(is_serving=True)
        family.settings = BACKFILL
        for month in sorted(months):
            family.make_month(month)

    def count(self) -> int:
        self.family().refresh()
        return int(self.server.ask("GET", f"/{self.family().pattern()}/_count")["count"])


def replay(url: str, requests: list[bytes], senders: int) -> None:
    """The bare requests, one connection for each sender."""
    waiting = list(reversed(requests))

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
        while True:
            try:
                request = waiting.pop()
            except IndexError:
                return
            path = "/_bulk?filter_path=errors"
            connection.request("POST", path, request, {"Content-Type": "application/x-ndjson"})
            assert b'"errors":false' in connection.getresponse().read()

    threads = [threading.Thread(target=send) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def catch_up_with(url: str, folder: Path, limits: Limits | None = None, *, building: int | None = None) -> None:
    with open_archive(folder) as archive:
        store = ElasticStore(connect(StoreAddress(url)), PREFIX, archive.id, limits=limits, building=building)
        catch_up(archive, store, Silent())
        store.close()


def measure(node: Node, prepared: Prepared, folder: Path, rounds: int) -> None:
    client = Elasticsearch(node.url, request_timeout=300)
    ways: dict[str, Callable[[], object]] = {
        **{f"replayed, {n} senders": lambda n=n: replay(node.url, prepared.requests, n) for n in (2, 3, 4)},  # type: ignore[misc]
        "streaming_bulk": lambda: [*helpers.streaming_bulk(client, prepared.actions(), max_chunk_bytes=REQUEST_BYTES)],
        "parallel_bulk": lambda: [
            *helpers.parallel_bulk(client, prepared.actions(), thread_count=2, max_chunk_bytes=REQUEST_BYTES)
        ],
        "our catch-up": lambda: catch_up_with(node.url, folder),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            node.empty(prepared.months)
            start, cpu = perf_counter(), process_time()
            way()
            speeds[name].append(prepared.documents / (perf_counter() - start))
            costs[name].append(1000 * (process_time() - cpu) / (prepared.documents / 1000))
            assert node.count() == prepared.documents, name
    ceiling = max(median(speeds[name]) for name in ways if name.startswith("replayed"))
    for name in ways:
        print(
            f"{name:<22}{median(speeds[name]):>9,.0f} documents/s {median(speeds[name]) / ceiling:>6.2f} of the ceiling"
            f"{median(costs[name]):>9.1f} ms of client CPU for 1,000 documents"
        )


@contextmanager
def stub() -> Iterator[str]:
    """A server in a process of its own that says yes to every bulk request."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.stub"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def client_cost(folder: Path, documents: int) -> None:
    """Of our catch-up without a server, and of what every way must do: unpack, check and read the records."""
    cpu = process_time()
    with open_archive(folder) as archive:
        for record in archive.vault.after(0):
            decode(record.raw)
    alone = process_time() - cpu
    print(f"records read alone    {documents / alone:>9,.0f} documents for each second of client CPU")
    walls = []
    for makers in (1, 2):
        with stub() as url:
            cpu, start = process_time(), perf_counter()
            catch_up_with(url, folder, Limits(makers=makers), building=1)
            spent = process_time() - cpu
            walls.append(perf_counter() - start)
        if makers == 1:
            print(f"against a stub        {documents / spent:>9,.0f} documents for each second of client CPU")
    speeds = " and ".join(f"{documents / wall:,.0f}" for wall in walls)
    print(f"with 1 and 2 processes  {speeds} documents/s, {walls[0] / walls[1]:.2f} times")


def end_to_end(account: dict[str, Any], node: Node, folder: Path, documents: int) -> None:
    """Harvest and index in a process of their own, as a user runs them; and its peak memory."""
    node.empty(set())
    start = perf_counter()
    command = [
        sys.executable,
        "-m",
        "benchmarks.parts",
        json.dumps(account),
        str(folder),
        "harvest + index",
        "0",
        node.url,
    ]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    seconds = perf_counter() - start
    assert node.count() > 0
    print(f"harvest → searchable  {documents / seconds:>9,.0f} documents/s, peak memory {peak / 1e6:.0f} MB")


def main() -> None:
    given = parser(__doc__, conversations=6_000, rounds=3)
    given.add_argument("--url", help="an Elasticsearch to use; one is started otherwise")
    options = given.parse_args()
    started = None if options.url else nodes.start()
    node = Node(options.url or started.url)  # type: ignore[union-attr]
    try:
        with simulator(options.data, options.conversations) as account, tempfile.TemporaryDirectory() as folder:
            parts.harvest(account.described, Path(folder) / "archive")
            prepared = Prepared(Path(folder) / "archive", node.family())
            size = sum(map(len, prepared.requests)) / prepared.documents
            print(f"{prepared.documents:,} documents of {size:,.0f} bytes, {len(prepared.months)} months")
            measure(node, prepared, Path(folder) / "archive", options.rounds)
            end_to_end(account.described, node, Path(folder), prepared.documents)
            client_cost(Path(folder) / "archive", prepared.documents)
    finally:
        node.family().drop()
        if started:
            started.remove()


if __name__ == "__main__":
    main()
