"""`python -m benchmarks.peers [--tap PYTHON] [--target PROGRAM] [--data FILE] [--conversations N]`

What people would use instead. First: tap-liveperson into target-elasticsearch, and `archiver harvest`, from the same
simulated account into the same Elasticsearch: conversations a second from the first request until all are searchable,
documents, and bytes on disk. Then the same queries of SQLite's FTS5, of one field in the peers' Elasticsearch, and of
the embedded index: milliseconds for 20 ids with the count, and which part of the conversations is found that the
language of this program finds. What is not installed is skipped by name. To get the peers:

    python3 -m venv tap && tap/bin/pip install tap-liveperson
    python3 -m venv target && target/bin/pip install target-elasticsearch
    python -m benchmarks.peers --tap tap/bin/python --target target/bin/target-elasticsearch
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from archiver.app import Archive
from archiver.config import find_settings
from archiver.index import Sort, found_ids
from archiver.query import Scope
from benchmarks.__main__ import Account, simulator, timed
from benchmarks.options import parser
from tests import nodes

TABLE = "messaging_interactions"  # the tap's only stream with conversations
PEER_INDEX = "peer-*"
# Our spelling, that of FTS5, and that of Elasticsearch's simple_query_string.
QUERIES = (
    ("refund", "refund", "refund"),
    ("refund ticket", "refund ticket", "+refund +ticket"),
    ("table OR hotel", "table OR hotel", "table | hotel"),
    ("refund -table", "refund NOT table", "+refund -table"),
    ('"thank you"', '"thank you"', '"thank you"'),
    ("reserv*", "reserv*", "reserv*"),
    ("restaurant tomorrow", "restaurant tomorrow", "+restaurant +tomorrow"),
)
ROUNDS = 10
_PAGE: dict[str, Any] = {"scope": Scope.CONVERSATION, "sort": Sort.NEWEST, "limit": 20}


def _selected_catalog(command: Sequence[str]) -> dict[str, Any]:
    """The tap's catalog, with its stream of conversations selected."""
    found = subprocess.run([*command, "--discover"], check=True, capture_output=True, text=True)
    catalog: dict[str, Any] = json.loads(found.stdout)
    catalog["streams"] = [stream for stream in catalog["streams"] if stream["stream"] == TABLE]
    for stream in catalog["streams"]:
        stream["schema"]["selected"] = True
        for item in stream.get("metadata", ()):
            item["metadata"]["selected"] = True
    return catalog


class Peers:
    """tap-liveperson into target-elasticsearch. `tap` is a Python that has it, `target` the program."""

    def __init__(self, tap: Path, target: Path, folder: Path) -> None:
        self._tap, self._target, self._folder = tap, target, folder

    def run(self, account: dict[str, Any], url: str) -> None:
        """Harvests from an account into an Elasticsearch. Ends this program if they fail, with their last words."""
        try:
            self._run(account, url)
        except subprocess.CalledProcessError as error:
            log = self._folder / "peers.log"
            words = log.read_text(errors="replace")[-3000:] if log.exists() else (error.stderr or "")[-3000:]
            sys.exit(f"{error}\n{words}")

    def _run(self, account: dict[str, Any], url: str) -> None:
        tap = [str(self._tap), str(Path(__file__).with_name("peer_tap.py")), account["domain_url"]]
        tap += ["--config", self._written("tap.json", _tap_config(account))]
        tap += ["--catalog", self._written("catalog.json", _selected_catalog(tap))]
        target = [str(self._target), "--config", self._written("target.json", _target_config(url))]
        with (self._folder / "peers.log").open("wb") as log:
            giving = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log)
            subprocess.run(target, check=True, stdin=giving.stdout, stdout=log, stderr=log)
            if giving.wait():
                raise subprocess.CalledProcessError(giving.returncode, tap)
        httpx.post(f"{url}/peer-*/_refresh", timeout=60).raise_for_status()

    def _written(self, name: str, content: dict[str, Any]) -> str:
        (self._folder / name).write_text(json.dumps(content))
        return str(self._folder / name)


def _tap_config(account: dict[str, Any]) -> dict[str, Any]:
    names = ("app_key", "app_secret", "access_token", "access_token_secret")
    start = datetime.now(UTC) - timedelta(days=396)
    secrets = dict(zip(names, account["oauth1"], strict=True))
    return {"account_id": account["id"], "start_date": start.isoformat(), **secrets}


def _target_config(url: str) -> dict[str, Any]:
    address = httpx.URL(url)
    return {"scheme": "http", "host": address.host, "port": address.port, "index_format": "peer-{{ stream_name }}"}


def run_ours(account: dict[str, Any], url: str, folder: Path) -> None:
    """Harvests with this program, as a user runs it. Raises CalledProcessError."""
    given = {
        "ARCHIVER_ARCHIVE": str(folder / "archive"), "ARCHIVER_STORE": url, "ARCHIVER_STORE_PREFIX": "ours",
        "ARCHIVER_ACCOUNT": account["id"], "ARCHIVER_DOMAIN_URL": account["domain_url"],
        "ARCHIVER_CLIENT_ID": account["client_id"], "ARCHIVER_CLIENT_SECRET": account["client_secret"],
    }  # fmt: skip
    command = [sys.executable, "-m", "archiver", "--progress", "none", "harvest"]
    subprocess.run(command, check=True, env=os.environ | given, stderr=subprocess.DEVNULL)


def held(url: str, pattern: str) -> tuple[int, int]:
    """Documents and bytes of some indices."""
    totals = httpx.get(f"{url}/{pattern}/_stats/docs,store", timeout=60).raise_for_status().json()["_all"]["primaries"]
    return totals["docs"]["count"], totals["store"]["size_in_bytes"]


def show_harvest(name: str, seconds: float, conversations: int, documents: int, size: int) -> None:
    print(
        f"{name:<10} {conversations / seconds:8.0f} conversations/s until searchable   {documents:>9,} documents   "
        f"{size / 1e6:7.1f} MB in Elasticsearch"
    )


def full_text(archive: Archive, folder: Path) -> sqlite3.Connection:
    """A table of SQLite's FTS5 with one row for each conversation: all that was said in it."""
    table = sqlite3.connect(folder / "fts.sqlite3")
    table.execute("CREATE VIRTUAL TABLE said USING fts5(id UNINDEXED, text)")
    rows = ((item.id, "\n".join(message.text for message in item.messages)) for item in archive.transcripts())
    table.executemany("INSERT INTO said VALUES (?, ?)", rows)
    return table


def ids_of_table(table: sqlite3.Connection, query: str) -> tuple[Callable[[], object], set[str]]:
    count = "SELECT count(*) FROM said WHERE said MATCH ?"
    page = "SELECT id FROM said WHERE said MATCH ? LIMIT 20"
    found = {row[0] for row in table.execute(page.replace(" LIMIT 20", ""), (query,))}
    return lambda: (table.execute(count, (query,)).fetchone(), table.execute(page, (query,)).fetchall()), found


def ids_of_peer(client: httpx.Client, query: str) -> tuple[Callable[[], object], set[str]]:
    def ask(size: int) -> list[str]:
        words = {"query": query, "fields": ["messageRecords.messageData.msg.text"], "default_operator": "or"}
        body = {"query": {"simple_query_string": words}, "size": size, "track_total_hits": True, "_source": ["id"]}
        answer = client.post(f"/{PEER_INDEX}/_search", json=body).raise_for_status().json()
        return [hit["_source"]["id"] for hit in answer["hits"]["hits"]]

    return partial(ask, 20), set(ask(10_000))


def search(archive: Archive, url: str | None, folder: Path) -> None:
    """Prints a line for each query."""
    table = full_text(archive, folder)
    client = httpx.Client(base_url=url or "", timeout=60)
    for ours, plain, simple in QUERIES:
        query = archive.parse(ours)
        wanted = set(found_ids(archive.store, query))
        columns: list[tuple[str, Callable[[], object], set[str]]] = [
            ("ours", partial(archive.store.search, query.expression, **_PAGE), wanted),
            ("FTS5", *ids_of_table(table, plain)),
        ]
        if url:
            columns.append(("one field", *ids_of_peer(client, simple)))
        shown = [
            f"{name} {1000 * median(timed(ask) for _ in range(ROUNDS)):6.2f} ms, "
            f"{len(wanted & found) / max(len(wanted), 1):4.0%} of {len(wanted):,}"
            for name, ask, found in columns
        ]
        print(f"{ours:<22} {'   '.join(shown)}")


def measure(options: argparse.Namespace, account: Account, folder: Path) -> None:
    has_peers = bool(options.tap and options.target)
    node = nodes.start()
    try:
        seconds = timed(partial(run_ours, account.described, node.url, folder))
        show_harvest("ours", seconds, options.conversations, *held(node.url, "ours-*"))
        if has_peers:
            peers = Peers(options.tap, options.target, folder)
            seconds = timed(partial(peers.run, account.described, node.url))
            show_harvest("peers", seconds, options.conversations, *held(node.url, "peer-*"))
        else:
            print("peers      skipped: tap-liveperson and target-elasticsearch (--tap, --target)")
        with Archive(find_settings({"archive": str(folder / "archive")})) as archive:
            archive.reindex()
            search(archive, node.url if has_peers else None, folder)
    finally:
        node.remove()


def main() -> None:
    given = parser(__doc__, conversations=2_000)
    given.add_argument("--tap", type=Path, help="a Python with tap-liveperson")
    given.add_argument("--target", type=Path, help="the program target-elasticsearch")
    options = given.parse_args()
    with simulator(options.data, options.conversations) as account, tempfile.TemporaryDirectory() as folder:
        measure(options, account, Path(folder))


if __name__ == "__main__":
    main()
