"""A linear scan over transcripts in memory: slow and simple, the reference for every other store."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from archiver.config import StoreAddress
from archiver.index.axes import Axes, Axis, Cell, Tally
from archiver.index.ranks import RANKED, most_matches_first, page_of, rank, rank_by
from archiver.index.refusals import refusing
from archiver.index.results import (
    Comparison,
    Key,
    KeyPage,
    Position,
    Refusal,
    Sort,
    Version,
    differing,
)
from archiver.index.store import StoreStatus
from archiver.index.versions import Unread, read
from archiver.model import Message, Transcript
from archiver.query import Expression, Reading, Scope, every_message, facet_values, marked_messages, results


def open_store(address: StoreAddress, folder: Path, archive_id: str) -> MemoryStore:
    """An empty store that lives as long as the process."""
    return MemoryStore()


class MemoryStore:
    """Holds transcripts and scans them all for each query."""

    def __init__(self) -> None:
        self._readings: dict[str, Reading] = {}
        self._position = Position()
        self._refused: dict[str, Refusal] = {}
        self._replaces: MemoryStore | None = None

    def position(self) -> Position:
        return self._position

    @contextmanager
    def writing(self, *, expected: int, patience_s: float | None = None) -> Iterator[MemoryStore]:
        yield self

    def replace(self, versions: Iterable[Version | Unread | Refusal], *, applied: Position) -> int:
        count = 0
        for version in map(read, versions):
            if isinstance(version, Refusal):
                self._refuse(version)
                continue
            with refusing(version, self._refuse):
                self._readings[version.transcript.id] = Reading(version.transcript).tokenise()
                self._refused.pop(version.transcript.id, None)
                count += 1
        self._position = applied
        return count

    def _refuse(self, refusal: Refusal) -> None:
        self._readings.pop(refusal.conversation_id, None)
        self._refused[refusal.conversation_id] = refusal

    def refused(self) -> tuple[Refusal, ...]:
        return tuple(self._refused.values())

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: Key | None = None,
        is_counted: bool = True,
    ) -> KeyPage:  # fmt: skip
        if sort is Sort.RELEVANCE:
            return self._most_relevant(expression, scope, limit)
        keys = [_key(reading.transcript, message, sort) for reading, message in self._results(expression, scope)]
        keys.sort(key=lambda key: key.order, reverse=sort is not Sort.OLDEST)
        if sort is Sort.MATCHES:
            marked = self._results(marked_messages(expression), Scope.MESSAGE)
            matching = Counter(reading.transcript.id for reading, _ in marked)
            keys = most_matches_first(keys, matching)
        return page_of(keys, limit, after, is_descending=sort is not Sort.OLDEST)

    def _results(self, expression: Expression, scope: Scope) -> Iterator[tuple[Reading, Message | None]]:
        for reading in self._readings.values():
            for message in results(reading, expression, scope):
                yield reading, message

    def _most_relevant(self, expression: Expression, scope: Scope, limit: int) -> KeyPage:
        scored = [
            (sum(len(match.snippet.marks) for match in reading.matches(expression, message)), reading, message)
            for reading, message in self._results(expression, scope)
        ]
        scored.sort(key=lambda item: -item[0])
        keys = tuple(_key(reading.transcript, message, Sort.RELEVANCE) for _, reading, message in scored[:limit])
        return KeyPage(keys, len(scored))

    def tallies(self, expression: Expression, asked: Sequence[Axes], *, scope: Scope) -> list[Tally]:
        return [self._tally(expression, axes, scope) for axes in asked]

    def _tally(self, expression: Expression, axes: Axes, scope: Scope) -> Tally:
        counts: Counter[Cell] = Counter()
        for reading, message in self._results(expression, scope):
            counts.update(product(*(_values(axis, reading.transcript, message) for axis in axes)))
        return {cell: counts[cell] for cell in sorted(counts, key=_in_order)}

    def count(self) -> int:
        return len(self._readings)

    def check_whole(self, conversations: int) -> None:
        pass  # nothing else writes to it

    def compare(self, versions: Sequence[Version]) -> Comparison:
        held = [self._readings.get(version.transcript.id) for version in versions]
        documents = sum(1 + len(list(every_message(reading.transcript))) for reading in held if reading)
        return Comparison(differing(versions, self._difference), documents)

    def _difference(self, version: Version) -> str:
        reading = self._readings.get(version.transcript.id)
        if reading is None:
            return "missing"
        return "" if reading.transcript == version.transcript else "of another content"

    def documents(self) -> int:
        return sum(1 + len(list(every_message(reading.transcript))) for reading in self._readings.values())

    def damage(self) -> Iterator[str]:
        yield from ()  # has no files

    def mend(self) -> None:
        pass  # has no parts

    def begin_rebuild(self) -> MemoryStore:
        fresh = MemoryStore()
        fresh._replaces = self
        return fresh

    def finish_rebuild(self) -> None:
        assert self._replaces is not None
        self._replaces._readings, self._replaces._position = self._readings, self._position
        self._replaces._refused = self._refused

    def check_current(self) -> None:
        pass  # it does not outlive the process

    def prepare(self) -> None:
        pass  # needs no preparation

    def status(self) -> StoreStatus:
        return StoreStatus(
            kind="memory", place="this process", is_prepared=True, is_current=True, applied=self._position.seq,
            conversations=self.count(),
        )  # fmt: skip

    def drop(self) -> None:
        self.__init__()  # type: ignore[misc]

    def close(self) -> None:
        pass  # has nothing open


def _values(axis: Axis, transcript: Transcript, message: Message | None) -> tuple[str | int | None, ...]:
    if axis.facet:
        return facet_values(transcript, axis.facet, message) or (None,)
    at = _key(transcript, message, Sort.NEWEST).rank
    if axis.width_ms:
        return (at // axis.width_ms * axis.width_ms,)
    return (axis.edges[bisect_right(axis.edges, at) - 1],)


def _in_order(cell: Cell) -> tuple[int, ...]:
    return tuple(value for value in cell if isinstance(value, int))


def _key(transcript: Transcript, message: Message | None, sort: Sort) -> Key:
    if message is not None:
        return Key(transcript.id, message.id, rank(message.sent_at))
    is_ranked = sort in RANKED
    return Key(transcript.id, None, rank_by(sort, transcript) if is_ranked else rank(transcript.metadata.started_at))
