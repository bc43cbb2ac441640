"""Sends bulk requests from several threads, bounded in bytes; a conversation always goes through the same thread.

The response decides about each item: done, stale (a newer version is indexed: as good as done), again (the server is
busy or blocked), refused (it will never accept this document), or stop.
"""

from __future__ import annotations

import queue
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from archiver.errors import ArchiverError, StoreError, StoreTooLarge, StoreUnavailable
from archiver.index.elastic.bodies import Body
from archiver.index.elastic.server import Overloaded, Server
from archiver.index.results import Position, Refusal
from archiver.logs import EventLogger
from archiver.retry import Retries, RetryPolicy, doubling
from archiver.value import Value

_MIB = 1024 * 1024
_IDLE_S = 0.5
_DELAYS_S = doubling(0.1, 15.0)
_LARGE_BYTES, _MOST_REJECTIONS, _HEAD_BYTES = _MIB, 5, 700
_UNREMARKABLE = 3  # waits in a row before the wait is logged
_log = EventLogger("index")


class Outcome(Enum):
    DONE = "done"
    STALE = "stale"
    AGAIN = "again"
    REFUSED = "refused"


def outcome_of(status: int, error_type: str) -> Outcome | None:
    """What to do with one item of Elasticsearch's bulk response; None for an unknown error, at which sending stops."""
    if 200 <= status < 300:
        return Outcome.DONE
    if status == 409:
        return Outcome.STALE
    if status in (429, 503) or error_type == "cluster_block_exception":
        return Outcome.AGAIN
    return Outcome.REFUSED if status in (400, 413) else None


@dataclass(slots=True)
class Batch:
    """A stretch of the vault. Once nothing of it is outstanding, the position may move to `applied`. `outstanding`
    counts bodies, and one more until all bodies were given.
    """

    applied: Position
    outstanding: int = 1
    retried: set[str] = field(default_factory=set)
    renewed: list[tuple[str, int]] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)


class Limits(Value):
    """How many processes make documents, how large requests are, how many run at once, and how long a server that
    accepts nothing is waited for.
    """

    makers: int = 1
    senders: int = 2
    request_bytes: int = 5 * _MIB
    smallest_request_bytes: int = _MIB // 4
    queued_bytes: int = 24 * _MIB
    patience_s: float = 120.0


_Document = tuple[Body, Batch, bytes]  # its body and batch, and its two lines


class Senders:
    """Threads that send bodies. Their errors are raised by the next call of any method except `stop`."""

    def __init__(self, server: Server, limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._retries = RetryPolicy(delays_s=_DELAYS_S, patience_s=limits.patience_s, spread=0.9)
        self._change = threading.Condition()
        self._queued_bytes = 0
        self._error: BaseException | None = None
        self._stopping = threading.Event()
        self._request_bytes = limits.request_bytes
        self._rejections: Counter[bytes] = Counter()  # by the beginning of a document's lines, which names it
        self._queues: list[queue.Queue[tuple[Body, Batch] | None]] = [queue.Queue() for _ in range(limits.senders)]
        self._threads = [threading.Thread(target=self._run, args=(items,), daemon=True) for items in self._queues]
        for thread in self._threads:
            thread.start()

    def put(self, body: Body, batch: Batch) -> None:
        """Queues a body; blocks while too many bytes are queued or in flight."""
        with self._change:
            self._change.wait_for(lambda: self._error or self._queued_bytes < self._limits.queued_bytes)
            self._raise_error()
            self._queued_bytes += len(body.lines)
            batch.outstanding += 1
        self._queues[zlib.crc32(body.conversation_id.encode()) % len(self._queues)].put((body, batch))

    def refuse(self, refusal: Refusal, batch: Batch) -> None:
        """Notes a conversation of a batch whose documents can't be made. Earlier versions of it are to be removed."""
        with self._change:
            batch.refused.setdefault(refusal.conversation_id, refusal)
            batch.renewed.append((refusal.conversation_id, refusal.seq))

    def end(self, batch: Batch) -> None:
        """Notes that all bodies of a batch were given."""
        with self._change:
            batch.outstanding -= 1
            self._change.notify_all()

    def wait_for(self, batch: Batch) -> None:
        """Blocks until no document of a batch is outstanding."""
        for items in self._queues:
            items.put(None)
        with self._change:
            self._change.wait_for(lambda: self._error or not batch.outstanding)
            self._raise_error()

    def _raise_error(self) -> None:
        if self._error:
            raise self._error

    def stop(self) -> None:
        """Ends the threads, each after its present request."""
        self._stopping.set()
        for items in self._queues:
            items.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self, items: queue.Queue[tuple[Body, Batch] | None]) -> None:
        try:
            for bodies in self._requests(items):
                self._send(bodies)
        except BaseException as error:  # noqa: BLE001  (raised again where the work was given)
            with self._change:
                self._error = self._error or error
                self._change.notify_all()

    def _requests(self, items: queue.Queue[tuple[Body, Batch] | None]) -> Iterator[list[tuple[Body, Batch]]]:
        """Bodies up to the size of one request; fewer when the queue is empty."""
        bodies: list[tuple[Body, Batch]] = []
        size = 0
        while not self._stopping.is_set():
            item: tuple[Body, Batch] | None = None
            with suppress(queue.Empty):
                item = items.get(timeout=_IDLE_S)
            if item:
                bodies.append(item)
                size += len(item[0].lines)
            if bodies and (item is None or size >= self._request_bytes):
                yield bodies
                bodies, size = [], 0

    def _send(self, bodies: Sequence[tuple[Body, Batch]]) -> None:
        """Sends all documents of the bodies until each is done or refused."""
        rest: list[_Document] | None = None
        retries, least = Retries(self._retries), sum(body.count for body, _ in bodies)
        total = sum(len(body.lines) for body, _ in bodies)
        while rest is None or rest:
            if self._stopping.is_set():
                return
            # Of this request: another thread may change the size of requests before the answer is there.
            most_bytes = total if rest is None else self._request_bytes
            try:
                rest, reason = self._attempt(bodies if rest is None else None, rest or [], most_bytes)
            except (StoreUnavailable, StoreTooLarge) as error:
                rest, reason = list(documents(bodies)) if rest is None else rest, error
                if isinstance(error, StoreTooLarge):
                    rest = self._make_smaller(rest, most_bytes)
                    continue
            if rest is not None and len(rest) < least:
                least = len(rest)
                retries.progressed()
            if reason and rest and self._is_hopeless(rest, reason, most_bytes):
                rest = rest[1:]
            elif reason:
                self._wait(retries, reason)
            else:
                self._request_bytes = min(self._request_bytes + _MIB // 4, self._limits.request_bytes)
        self._settle(bodies)

    def _attempt(
        self, bodies: Sequence[tuple[Body, Batch]] | None, rest: list[_Document], most_bytes: int
    ) -> tuple[list[_Document], ArchiverError | None]:
        """Sends one request: all bodies, or as many documents of the rest as fit. Which to send again, and why."""
        if bodies is not None:
            answer = self._server.bulk([body.lines for body, _ in bodies])
            count = sum(body.count for body, _ in bodies)
            if answer.get("errors") is False and len(answer.get("items", ())) == count:
                return [], None
            sent, later = list(documents(bodies)), list[_Document]()
        else:
            sent, later = _first(rest, most_bytes)
            answer = self._server.bulk([lines for _, _, lines in sent])
        again, reason = self._judge(sent, answer.get("items", []))
        return again + later, reason

    def _judge(self, sent: list[_Document], items: list[Any]) -> tuple[list[_Document], ArchiverError | None]:
        """The documents to send again. A response for another number of items than were sent confirms none of them."""
        if len(items) != len(sent):
            return sent, StoreUnavailable(f"Elasticsearch answered for {len(items)} of {len(sent)} documents")
        again: list[_Document] = []
        reason: ArchiverError | None = None
        for document, item in zip(sent, items, strict=True):
            outcome = item["index"]
            error = outcome.get("error") or {}
            words = f"{error.get('type')}: {error.get('reason')} ({outcome['status']})"
            match outcome_of(outcome["status"], error.get("type", "")):
                case Outcome.AGAIN:
                    again.append(document)
                    kind = Overloaded if outcome["status"] == 429 else StoreUnavailable
                    reason = kind(
                        f"Elasticsearch takes no documents now: {words}",
                        hint="See its log and its disk, then run the same command again.",
                    )
                case Outcome.REFUSED:
                    self._refuse(document, words)
                case None:
                    raise StoreError(f"Elasticsearch answered a document with {words}", hint=_hint(outcome["status"]))
        return again, reason

    def _refuse(self, document: _Document, words: str) -> None:
        body, batch, _ = document
        with self._change:
            batch.refused.setdefault(body.conversation_id, Refusal(body.seq, body.conversation_id, words[:1000]))

    def _is_hopeless(self, rest: list[_Document], reason: ArchiverError, most_bytes: int) -> bool:
        """Refuses a large document that the server rejects again and again when it is sent alone: by its limit for one
        operation it never takes it, and says so in the same way as that it is busy.
        """
        sent, _ = _first(rest, most_bytes)
        size = len(sent[0][2])
        if not isinstance(reason, Overloaded) or len(sent) > 1 or size < _LARGE_BYTES:
            return False
        self._rejections[sent[0][2][:_HEAD_BYTES]] += 1
        if self._rejections[sent[0][2][:_HEAD_BYTES]] < _MOST_REJECTIONS:
            return False
        self._refuse(sent[0], f"a document of {size / 1e6:.1f} MB is rejected again and again: {reason.message}")
        return True

    def _make_smaller(self, rest: list[_Document], most_bytes: int) -> list[_Document]:
        """After a request that was too large: smaller requests; a document that is too large alone is refused."""
        sent, later = _first(rest, most_bytes)
        if len(sent) == 1:
            self._refuse(sent[0], "the document is larger than a request may be")
            return later
        self._request_bytes = max(1, sum(len(lines) for _, _, lines in sent) // 2)
        return rest

    def _wait(self, retries: Retries, reason: ArchiverError) -> None:
        self._request_bytes = max(self._request_bytes // 2, self._limits.smallest_request_bytes)
        delay_s = retries.delay_after(reason)
        if retries.attempt == _UNREMARKABLE:
            message = f"{reason.message}; trying again for up to {self._limits.patience_s:.0f} s"
            _log.warning("index.throttled", message, code=reason.code, patience_s=self._limits.patience_s)
        self._stopping.wait(delay_s)

    def _settle(self, bodies: Sequence[tuple[Body, Batch]]) -> None:
        with self._change:
            for body, batch in bodies:
                batch.outstanding -= 1
                if not body.is_first:
                    batch.renewed.append((body.conversation_id, body.seq))
                self._queued_bytes -= len(body.lines)
            self._change.notify_all()


def documents(bodies: Sequence[tuple[Body, Batch]]) -> Iterator[_Document]:
    """The single documents of bodies. No line of JSON contains a line break."""
    for body, batch in bodies:
        lines = body.lines.split(b"\n")
        for at in range(0, len(lines) - 1, 2):
            yield body, batch, b"%s\n%s\n" % (lines[at], lines[at + 1])


def _first(rest: list[_Document], most_bytes: int) -> tuple[list[_Document], list[_Document]]:
    """As many documents as fit into one request, at least one; and the remaining ones."""
    size = 0
    for at, (_, _, lines) in enumerate(rest):
        size += len(lines)
        if at and size > most_bytes:
            return rest[:at], rest[at:]
    return rest, []


def _hint(status: int) -> str:
    if status == 404:
        return "Its indices were removed or replaced meanwhile. Run the same command again."
    return "See docs/elasticsearch.md for the rights that an API key needs." if status == 403 else "See its log."
