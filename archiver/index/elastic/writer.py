"""Writes versions of conversations: bodies to the senders, then stubs for removed documents, then the position."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from archiver.errors import StoreError
from archiver.index.elastic.bodies import stub
from archiver.index.elastic.bulk import Batch, Limits, Senders, outcome_of
from archiver.index.elastic.family import BACKFILL, NORMAL, Family, shape
from archiver.index.elastic.making import Item, Maker, Wanted
from archiver.index.elastic.server import Server
from archiver.index.elastic.state import State
from archiver.index.results import Position, Refusal
from archiver.logs import EventLogger

_log = EventLogger("index")
LARGE = 20_000  # conversations: from this number on, backfill settings are faster
LONG = 5_000  # conversations: from this number on, starting processes pays
_SWEPT_AT_ONCE = 1_000
_LEFTOVERS_AT_ONCE = 5_000


class ElasticWriter:
    def __init__(self, server: Server, family: Family, state: State, limits: Limits, expected: int) -> None:
        self._server = server
        self._family = family
        self._state = state
        self._limits = limits
        self._is_large = expected >= LARGE
        self._processes = limits.makers if expected >= LONG else 1
        self._is_backfilling = False
        self._batches: deque[Batch] = deque()
        self._applied = Position()
        self._refused: dict[str, Refusal] = {}
        self._senders: Senders | None = None
        self._maker = Maker()

    @contextmanager
    def running(self) -> Iterator[ElasticWriter]:
        """When the context ends without an error, everything is indexed and searchable, and the position is stored."""
        self._applied = self._state.position()
        self._is_backfilling = bool(self._state.read().get("is_backfilling"))
        self._refused = {refusal.conversation_id: refusal for refusal in self._state.refused()}
        self._write_position()
        if self._is_large:
            self._begin_backfill()
        self._senders = Senders(self._server, self._limits)
        try:
            with _maker_in(self._processes) as self._maker:
                yield self
            self._finish()
        finally:
            self._senders.stop()
        if self._is_backfilling:
            self._family.put_settings(NORMAL)
        self._family.refresh()
        self._write_end()

    def replace(self, versions: Iterable[Item], *, applied: Position) -> int:
        assert self._senders is not None
        batch, count = Batch(applied), 0
        self._batches.append(batch)
        for made in self._maker.make(self._wanted(versions, batch), self._family.names):
            if isinstance(made, Refusal):
                self._senders.refuse(made, batch)
                continue
            self._family.make_month(made.month)
            self._senders.put(made, batch)
            count += 1
        self._senders.end(batch)
        self._advance()
        return count

    def _wanted(self, versions: Iterable[Item], batch: Batch) -> Iterator[Wanted]:
        for item in versions:
            is_retry = item.conversation_id in self._refused
            if is_retry:
                batch.retried.add(item.conversation_id)
            yield item, is_retry

    def _finish(self) -> None:
        assert self._senders is not None
        for batch in list(self._batches):
            self._senders.wait_for(batch)
        self._advance()

    def _advance(self) -> None:
        """Moves the position over every leading batch without outstanding documents."""
        done: list[Batch] = []
        while self._batches and not self._batches[0].outstanding:
            done.append(self._batches.popleft())
        if not done:
            return
        renewed = dict(pair for batch in done for pair in batch.renewed)
        self._note(done)
        self._sweep(renewed)
        self._applied = max(self._applied, done[-1].applied, key=lambda position: position.seq)
        self._write_position()

    def _note(self, done: Sequence[Batch]) -> None:
        refused = {id_: refusal for batch in done for id_, refusal in batch.refused.items()}
        self._state.note_refused(list(refused.values()))
        cured = [self._refused.pop(id_) for batch in done for id_ in batch.retried if id_ not in refused]
        self._state.note_resolved(cured)
        self._refused.update(refused)

    def _write_position(self) -> None:
        self._state.write(
            self._applied, shape=shape(), is_backfilling=self._is_backfilling, is_writing=True
        )  # fmt: skip

    def _sweep(self, renewed: dict[str, int]) -> None:
        """Replaces documents that only an earlier version of their conversation had by stubs."""
        if not renewed:
            return
        self._family.refresh()
        ids = list(renewed)
        for start in range(0, len(ids), _SWEPT_AT_ONCE):
            chunk = ids[start : start + _SWEPT_AT_ONCE]
            while leftovers := self._leftovers({id_: renewed[id_] for id_ in chunk}):
                if not self._hide(leftovers, renewed):
                    break
                self._family.refresh()

    def _leftovers(self, renewed: dict[str, int]) -> list[dict[str, Any]]:
        body = {
            "size": _LEFTOVERS_AT_ONCE, "_source": ["conversation_id"], "sort": ["_doc"],
            "query": {
                "bool": {
                    "filter": [
                        {"terms": {"conversation_id": list(renewed)}},
                        {"range": {"vault_seq": {"lt": max(renewed.values())}}},
                    ],
                    "must_not": [{"terms": {"vault_seq": list(renewed.values())}}, {"term": {"superseded": True}}],
                }
            },
        }  # fmt: skip
        answer = self._server.ask("POST", f"/{self._family.pattern()}/_search", body)
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    def _hide(self, leftovers: Sequence[dict[str, Any]], renewed: dict[str, int]) -> int:
        """How many documents were replaced by stubs; documents that are newer by now stay."""
        lines = [
            stub(
                hit["_index"], hit["_id"], hit["_source"]["conversation_id"], renewed[hit["_source"]["conversation_id"]]
            )
            for hit in leftovers
        ]
        items = self._server.bulk(lines)["items"]
        outcomes = [(item["index"]["status"], item["index"].get("error", {}).get("type", "")) for item in items]
        for status, kind in outcomes:
            if outcome_of(status, kind) is None or status in (400, 429, 503):
                raise StoreError(f"documents of older versions could not be hidden: {kind} ({status})")
        return sum(status < 300 for status, _ in outcomes)

    def _begin_backfill(self) -> None:
        """Sets the flag first: a later run that finds it after a crash restores the settings."""
        if not self._family.may_manage():
            _log.info("index.settings_kept", "indexing at normal settings: this key may not change them for a backfill")
            return
        self._is_backfilling = True
        self._write_position()
        self._family.settings = BACKFILL
        self._family.put_settings(BACKFILL)

    def end_backfill(self) -> None:
        """Restores the normal settings of the indices."""
        self._family.put_settings(NORMAL)
        self._write_end()

    def _write_end(self) -> None:
        """Stores that nothing is being written any more."""
        self._is_backfilling = False
        self._state.write(self._state.position(), shape=shape(), is_backfilling=False, is_writing=False)


def _maker_in(processes: int) -> Maker:
    """What makes documents in so many processes."""
    if processes > 1:
        from archiver.index.elastic.processes import Processes  # most commands need none, and it takes long to load

        with suppress(OSError, ImportError, NotImplementedError):  # a system without semaphores has no pools
            return Processes(processes)
    return Maker()
