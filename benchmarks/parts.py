"""The parts that are compared: ours, and what is left when everything but the engine is taken away."""

from __future__ import annotations

import json
import resource
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tantivy

from archiver import windows
from archiver.archive.opening import make_archive, open_archive
from archiver.choices import Depth
from archiver.config.secrets import Secret
from archiver.config.settings import StoreAddress
from archiver.harvest.harvest import Harvest
from archiver.index.build import BATCH_CONVERSATIONS, catch_up
from archiver.index.embedded import schema
from archiver.index.embedded.documents import documents as documents_of
from archiver.index.embedded.queries import conversation_query
from archiver.index.embedded.store import HEAP_BYTES
from archiver.index.results import Sort, Version
from archiver.index.store import open_store
from archiver.liveperson.account import Account, connect
from archiver.liveperson.auth import ClientCredentials
from archiver.liveperson.filters import CONTENT, MOST_PER_PAGE, SOURCE
from archiver.model import Window, to_ms
from archiver.progress import Silent
from archiver.query.ast import Scope
from archiver.query.parser import parse
from archiver.transcript.projection import project


def now() -> datetime:
    return datetime.now(UTC)


def account_of(described: dict[str, str]) -> Account:
    credentials = ClientCredentials(described["client_id"], Secret(described["client_secret"]))
    return Account(described["id"], described["domain_url"], credentials)


def harvest(
    described: dict[str, str], folder: Path, days: int | None = None, depth: Depth = Depth.SEARCH
) -> None:  # fmt: skip
    source = connect(account_of(described))
    span = Window(now() - timedelta(days=days), now()) if days else windows.provable(now())
    with make_archive(folder, described["id"]) as archive:
        Harvest(source, archive, clock=now, progress=Silent(), depth=depth).run(span)
    source.close()


def download(described: dict[str, str]) -> None:
    """The same pages, asked for in the same way, read to the end and thrown away."""
    source = connect(account_of(described))
    url = source._domains.base_url("msgHist") + source._path + "/search"
    for window in windows.plan(windows.provable(now())):
        asked = windows.widen(window)
        body = {"start": {"from": to_ms(asked.start), "to": to_ms(asked.end) - 1}, "contentToRetrieve": CONTENT}
        offset, count = 0, 1
        while offset < count:
            params: dict[str, str | int] = {"offset": offset, "limit": MOST_PER_PAGE, "v": 2, "source": SOURCE}
            answer = source._client.post(url, params={**params, "sort": "start:asc"}, json=body, auth=source._access)
            count = int(answer.content[: answer.content.index(b",")].rsplit(b":", 1)[1])
            offset += MOST_PER_PAGE
    source.close()


def index(folder: Path, address: StoreAddress = StoreAddress()) -> None:  # noqa: B008  (frozen)
    with open_archive(folder) as archive:
        store = open_store(address, folder=folder, archive_id=archive.id)
        catch_up(archive, store, Silent())
        store.close()


def prepared(folder: Path) -> list[Any]:
    """The documents of an archive, made beforehand."""
    with open_archive(folder) as archive:
        records = archive.vault.after(0)
        return [list(documents_of(Version(record.seq, project(record.raw)))) for record in records]


def index_bare(documents: list[Any], folder: Path) -> None:
    folder.mkdir()
    bare = schema.register_tokenizer(tantivy.Index(schema.build_schema(), path=str(folder)))
    for start in range(0, len(documents), BATCH_CONVERSATIONS):
        writer = bare.writer(HEAP_BYTES, 1)
        for group in documents[start : start + BATCH_CONVERSATIONS]:
            for document in group:
                writer.add_document(document)
        writer.commit()
        del writer


class Asked:
    """One query, asked through our store and of tantivy alone."""

    def __init__(self, folder: Path, text: str) -> None:
        with open_archive(folder) as archive:
            self._store = open_store(StoreAddress(), folder=folder, archive_id=archive.id)
        self._expression = parse(text, now=now()).expression
        (found,) = (folder / "index").iterdir()
        self._index = schema.register_tokenizer(tantivy.Index.open(str(found)))
        self._schema = schema.build_schema()

    def ours(self) -> None:
        self._store.search(self._expression, scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=20)

    def bare(self) -> None:
        searcher = self._index.searcher()
        query = conversation_query(self._schema, searcher, self._expression, lambda _: ())
        searcher.search(query, 20, count=True, order_by_field="rank")


def peak_bytes() -> int:
    """Peak resident memory of this program. `getrusage` would also count the program that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """A harvest of some days in this process, with or without its index; prints the peak resident memory in bytes.

    With a URL the index is in Elasticsearch.
    """
    described, folder = json.loads(sys.argv[1]), Path(sys.argv[2]) / "fresh"
    what, days, *url = sys.argv[3:]
    harvest(described, folder, int(days) or None)
    if what != "harvest":
        index(folder, StoreAddress(url[0] if url else None, prefix="benchmark"))
    print(peak_bytes())


if __name__ == "__main__":
    main()
