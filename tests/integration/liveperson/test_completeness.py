"""Whatever goes wrong on the way, in whatever order: all conversations, or an error. Never a short answer."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.archive.file import ArchiveFile
from archiver.errors import SourceError, Unproven
from archiver.harvest.harvest import Harvest
from archiver.liveperson.client import Client
from archiver.model import Window
from archiver.progress import Silent
from archiver.received import Page
from archiver.simulator.faults import KINDS, Fault, Faults
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from tests.conftest import ACCOUNT, NOW, connected, examples, record

DAY = timedelta(days=1)
SPAN = Window(NOW - 2 * DAY, NOW)
CONSUMER = "customer-1"

FAULTS = st.lists(
    st.builds(
        Fault,
        kind=st.sampled_from(sorted(KINDS.keys() - {"204"})),  # which says that there are none
        place=st.sampled_from(["any", "search", "by-id", "consumer", "token", "domain"]),
        after=st.integers(0, 6),
        every=st.integers(1, 3),
        times=st.one_of(st.none(), st.integers(1, 6)),
    ),
    max_size=6,
)


def simulated(count: int) -> Simulator:
    world = World(ACCOUNT, lambda: NOW)
    who = [{"participantId": CONSUMER}]
    world.fill(
        record(f"c{number}", NOW - DAY + timedelta(seconds=number), consumerParticipants=who) for number in range(count)
    )
    return Simulator(world)


def by_search(center: Client, simulator: Simulator) -> Iterator[Page]:
    return center.pages(SPAN)


def by_consumer(center: Client, simulator: Simulator) -> Iterator[Page]:
    return center.by_consumer(CONSUMER)


def by_ids(center: Client, simulator: Simulator) -> Iterator[Page]:
    return center.by_ids([*shown(simulator, by_ids), "absent"])


Method = Callable[[Client, Simulator], Iterator[Page]]


def shown(simulator: Simulator, method: Method) -> list[str]:
    """The ids that the account has to show: all, or as many as fit into one look-up."""
    return list(simulator.world.by_id)[: 99 if method is by_ids else None]


@given(
    planned=FAULTS, count=st.sampled_from([0, 1, 40, 100, 101, 230]),
    method=st.sampled_from([by_search, by_consumer, by_ids]),
)  # fmt: skip
@settings(max_examples=examples(300), suppress_health_check=list(HealthCheck))
def test_a_reading_gives_exactly_what_the_account_shows_or_raises(
    planned: list[Fault], count: int, method: Method
) -> None:
    simulator = simulated(count)
    center = connected(Faults(simulator, planned, sleep=lambda seconds: None), simulator)
    try:
        found = {item.id for page in method(center, simulator) for item in page.conversations}
    except SourceError:
        return
    assert found == set(shown(simulator, method))


class Moving:
    """An account where conversations begin late or are purged while it is read, after planned numbers of searches."""

    def __init__(self, simulator: Simulator, moves: list[tuple[int, str, int]]) -> None:
        self.simulator = simulator
        self.moves = sorted(moves)
        self.searches = 0
        self.lived = set(simulator.world.by_id)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            while self.moves and self.moves[0][0] <= self.searches:
                self._move(*self.moves.pop(0)[1:])
            self.searches += 1
        return self.simulator(request)

    def _move(self, kind: str, where: int) -> None:
        world = self.simulator.world
        if kind == "begin":
            world.put(record(f"late{where}-{len(world.by_id)}", NOW - DAY + timedelta(seconds=where)))
        elif world.stored:
            gone = world.stored.pop(where % len(world.stored))
            del world.by_id[gone.id]
            self.lived.discard(gone.id)


@given(
    moves=st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["begin", "purge"]), st.integers(0, 400)), max_size=8),
    count=st.sampled_from([90, 150, 330]),
)
@settings(max_examples=examples(300), suppress_health_check=list(HealthCheck))
def test_a_reading_that_ends_well_has_everything_that_was_there_all_the_time(
    moves: list[tuple[int, str, int]], count: int
) -> None:
    moving = Moving(simulated(count), moves)
    try:
        found = {item.id for page in connected(moving, moving.simulator).pages(SPAN) for item in page.conversations}
    except SourceError:
        return
    assert moving.lived <= found


class Shuffling:
    """An account whose rows of one start time come in another order at every request."""

    def __init__(self, simulator: Simulator, purge_at: int | None = None) -> None:
        self.simulator = simulator
        self.dice = random.Random(5)
        self.searches = 0
        self.purge_at = purge_at

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search"):
            self.searches += 1
            world = self.simulator.world
            self.dice.shuffle(world.stored)
            world.stored.sort(key=lambda item: item.start_ms)
            if self.searches == self.purge_at:  # one goes and one begins: the count stands still
                del world.by_id[world.stored.pop().id]
                world.put(record("late", NOW - DAY))
        return self.simulator(request)


@pytest.mark.parametrize("count", [101, 150, 280])
def test_many_that_start_at_one_moment_are_proven_by_several_readings_though_their_order_changes(
    archive: ArchiveFile, simulator: Simulator, count: int
) -> None:
    simulator.world.fill(record(f"c{number}", NOW - DAY) for number in range(count))
    source = connected(Shuffling(simulator), simulator)
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    assert summary.unproven == ()
    assert summary.conversations == count
    assert archive.vault.totals()[0] == count


def test_rows_that_changed_places_between_two_pages_are_told_though_every_count_agrees(simulator: Simulator) -> None:
    """One that was read goes, one begins, and one that was not read yet changes places with one that was."""
    simulator.world.fill(record(f"c{number:03d}", NOW - DAY) for number in range(150))
    searches = itertools.count(1)

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations/search") and next(searches) == 2:
            rows = simulator.world.stored
            rows[50], rows[120] = rows[120], rows[50]
            del simulator.world.by_id[rows.pop(0).id]
            simulator.world.put(record("late", NOW - DAY))
        return simulator(request)

    found = set()
    with pytest.raises(Unproven, match="do not meet"):
        for page in connected(respond, simulator).pages(SPAN):
            found |= {item.id for item in page.conversations}
    assert "c120" not in found
    assert len(found) == 150


def test_where_rows_come_and_go_meanwhile_nothing_is_proven_by_several_readings(
    archive: ArchiveFile, simulator: Simulator
) -> None:
    simulator.world.fill(record(f"c{number}", NOW - DAY) for number in range(150))
    source = connected(Shuffling(simulator, purge_at=30), simulator)
    summary = Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(SPAN)
    if not summary.unproven:
        assert {item.conversation_id for item in archive.vault.after(0)} >= set(simulator.world.by_id)
