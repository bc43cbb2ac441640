"""The Elasticsearch store: position, queries, rebuilds. Texts always come from the vault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archiver.config import StoreAddress
from archiver.errors import StoreError, StoreOutdated
from archiver.index.axes import Axes, Tally
from archiver.index.elastic.bodies import KINDS, Names
from archiver.index.elastic.bulk import Limits
from archiver.index.elastic.comparison import compare
from archiver.index.elastic.family import Family, shape
from archiver.index.elastic.searching import Searching
from archiver.index.elastic.server import Server, connect
from archiver.index.elastic.state import State
from archiver.index.elastic.status import status_of
from archiver.index.elastic.survey import Survey, count_faults, counts, survey
from archiver.index.elastic.writer import ElasticWriter
from archiver.index.results import Comparison, Key, KeyPage, Position, Refusal, Sort, Version, none_held
from archiver.index.store import StoreStatus
from archiver.query import Expression, Scope
from archiver.value import replace

_AT_ONCE_S = 1.0  # between two counts of an index that does not add up


def open_store(address: StoreAddress, folder: Path, archive_id: str) -> ElasticStore:
    """The store at an address; makes no request yet. Raises ConfigError for an unusable address."""
    return ElasticStore(connect(address), address.prefix, archive_id, limits=Limits(makers=address.workers))


class ElasticStore:
    """The family behind the prefix's aliases; with `building`, a new family that is not yet behind them."""

    def __init__(
        self, server: Server, prefix: str, archive_id: str, *, limits: Limits | None = None, building: int | None = None
    ) -> None:
        self._server = server
        self._prefix = prefix
        self._archive_id = archive_id
        self._limits = limits or Limits()
        self._building = building
        self._shares_server = building is not None

    def _family(self) -> Family | None:
        """The family that this store is about; None if there is nothing yet. Raises StoreError if parts are missing."""
        if self._building:
            return Family(self._server, self._prefix, self._building)
        found = survey(self._server, self._prefix)
        if any(found.faults()):  # somebody may be making the parts of a month at this moment
            self._server.wait(_AT_ONCE_S)
            found = survey(self._server, self._prefix)
        for fault in found.faults():
            raise _damaged(fault)
        return Family(self._server, self._prefix, found.serving) if found.serving else None

    def _state(self, family: Family) -> State:
        return State(self._server, family.state, self._archive_id)

    def position(self) -> Position:
        family = self._family()
        return self._state(family).position() if family else Position()

    def check_whole(self, conversations: int) -> None:
        family = self._family()
        if family is None:
            return
        earlier: list[str] = []
        while faults := self._count_faults(family, conversations):
            if faults == earlier:
                raise _damaged(faults[0])
            earlier = faults  # what was written a moment ago may not be counted yet
            self._server.wait(_AT_ONCE_S)

    def _count_faults(self, family: Family, conversations: int) -> list[str]:
        """What does not add up; nothing while documents are written."""
        state = self._state(family)
        if state.read().get("is_writing"):
            return []
        refused = len(list(state.refused()))
        return list(count_faults(counts(self._server, self._prefix), conversations, refused))

    def check_current(self) -> None:
        family = self._family()
        if family:
            _check_shape(self._state(family).read())

    @contextmanager
    def writing(self, *, expected: int, patience_s: float | None = None) -> Iterator[ElasticWriter]:
        family = self._family()
        if family is None:
            self.prepare()
            family = self._family()
            assert family is not None
        state = self._state(family)
        _check_shape(state.read())
        limits = self._limits if patience_s is None else replace(self._limits, patience_s=patience_s)
        writer = ElasticWriter(self._server, family, state, limits, expected)
        with self._server.patient(limits.patience_s), writer.running():
            yield writer

    def refused(self) -> tuple[Refusal, ...]:
        family = self._family()
        return tuple(self._state(family).refused()) if family else ()

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: Key | None = None,
        is_counted: bool = True,
    ) -> KeyPage:  # fmt: skip
        return self._searching.search(expression, scope=scope, sort=sort, limit=limit, after=after)

    def tallies(self, expression: Expression, asked: Sequence[Axes], *, scope: Scope) -> list[Tally]:
        return self._searching.tallies(expression, asked, scope)

    def count(self) -> int:
        return self._searching.count()

    @property
    def _searching(self) -> Searching:
        return Searching(self._server, self._target)

    def _target(self, kind: str) -> str:
        """The indices that answer: those behind the alias, or of the family that is being built."""
        if self._building:
            return f"{Names(self._prefix, self._building).of_family(kind)}-*"
        return f"{self._prefix}-{kind}"

    def begin_rebuild(self) -> ElasticStore:
        number = max(survey(self._server, self._prefix).families, default=0) + 1
        Family(self._server, self._prefix, number).prepare(is_serving=False)
        return ElasticStore(self._server, self._prefix, self._archive_id, limits=self._limits, building=number)

    def finish_rebuild(self) -> None:
        family = self._family()
        assert family is not None
        others = [number for number in self._disowned().families if number != self._building]
        family.take_place_of([Family(self._server, self._prefix, number) for number in others])
        self._building = None

    def prepare(self) -> None:
        family = self._family() or Family(self._server, self._prefix, 1)
        state = self._state(family)
        stored = state.read()
        _check_shape(stored)
        family.prepare(is_serving=True)
        if stored.get("is_backfilling"):
            ElasticWriter(self._server, family, state, self._limits, 0).end_backfill()
        elif not stored:
            state.write(Position(), shape=shape(), is_backfilling=False, is_writing=False)

    def compare(self, versions: Sequence[Version]) -> Comparison:
        family = self._family()
        if family is None:
            return none_held(versions)
        return compare(self._server, family.pattern(), family.names, versions)

    def documents(self) -> int:
        found = counts(self._server, self._prefix)
        return sum(found[kind] for kind in KINDS)

    def damage(self) -> Iterator[str]:
        yield from survey(self._server, self._prefix).faults()

    def mend(self) -> None:
        found = self._disowned()
        if found.serving:
            family = Family(self._server, self._prefix, found.serving)
            for month in sorted(
                {place.month for place in found.places if place.family == found.serving and place.month}
            ):
                family.make_month(month)

    def _disowned(self) -> Survey:
        """The indices of the prefix, after its aliases were taken off all others."""
        found = survey(self._server, self._prefix)
        if found.strangers:
            actions = [{"remove": {"index": name, "alias": alias}} for name, alias in found.strangers]
            self._server.ask("POST", "/_aliases", {"actions": actions})
        return found

    def status(self) -> StoreStatus:
        return status_of(self._server, self._prefix, self._archive_id)

    def drop(self) -> None:
        found = survey(self._server, self._prefix)
        families = [Family(self._server, self._prefix, number) for number in found.families]
        for family in families:
            self._state(family).read()  # only the archive that they belong to may remove them
        self._disowned()
        for family in families:
            family.drop()
        self._server.ask("DELETE", f"/_index_template/{self._prefix}-guard", absent=None)

    def close(self) -> None:
        if not self._shares_server:
            self._server.close()


def _check_shape(position: dict[str, Any]) -> None:
    if position.get("shape", shape()) != shape():
        raise StoreOutdated(
            "the indices in Elasticsearch were built by another version of this program",
            hint="They still answer searches. Build new ones beside them: archiver reindex",
        )


def _damaged(fault: str) -> StoreError:
    return StoreError(
        f"the indices in Elasticsearch are not whole: {fault}",
        hint="Put in what is missing: archiver verify --repair; or build them again: archiver reindex",
    )
