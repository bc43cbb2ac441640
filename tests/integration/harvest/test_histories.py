"""Whatever happens to an account, and to the harvests of it, in whatever order: the promises hold all the time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from archiver.archive.ledger import WindowState
from archiver.archive.opening import make_archive
from archiver.archive.verify import verify_vault
from archiver.errors import SourceError
from archiver.harvest.harvest import Harvest, Summary
from archiver.model import Window, from_ms
from archiver.progress import Silent
from archiver.rawrecord import peek
from archiver.simulator.faults import KINDS, Fault, Faults
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from tests.conftest import ACCOUNT, NOW, connected, examples, record, sql

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SPAN_START = NOW - 3 * DAY


class Killed(BaseException):
    """The process ends here."""


class Account(RuleBasedStateMachine):
    """An account that changes with time, and an archive of it."""

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.world = World(ACCOUNT, lambda: self.now)
        self.simulator = Simulator(self.world)
        self.folder = Path(tempfile.mkdtemp())
        self.archive = make_archive(self.folder / "archive", ACCOUNT)
        self.number = 0
        self.kept: set[str] = set()

    # ── at LivePerson ──

    @rule(count=st.integers(1, 120), minutes_ago=st.integers(0, 4_000), is_open=st.booleans())
    def start(self, count: int, minutes_ago: int, is_open: bool) -> None:
        """Some conversations at one moment, now or discovered late."""
        info = {"status": "OPEN", "endTimeL": -1} if is_open else {}
        for _ in range(count):
            self.world.put(record(f"c{self.number}", self.now - minutes_ago * MINUTE, "card 4111111111", info=info))
            self.number += 1

    def change(self, data: st.DataObject, texts: Callable[[int], list[str]]) -> None:
        """A conversation has other messages, and is closed."""
        id_ = data.draw(st.sampled_from(sorted(self.world.by_id)))
        item = self.world.by_id[id_]
        said = peek(item.at(self.now).raw).message_count
        self.world.put(record(id_, from_ms(item.start_ms), *texts(said)))

    @precondition(lambda self: self.world.by_id)
    @rule(data=st.data())
    def speak(self, data: st.DataObject) -> None:
        self.change(data, lambda said: ["card 4111111111", *(f"word {at}" for at in range(said))])

    @precondition(lambda self: self.world.by_id)
    @rule(data=st.data(), text=st.sampled_from(["card **********", "** LP deleted data **"]))
    def take_back(self, data: st.DataObject, text: str) -> None:
        self.change(data, lambda said: [text, *(f"word {at}" for at in range(said - 1))])

    @precondition(lambda self: self.world.by_id)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """LivePerson purges a conversation."""
        self.world.stored.remove(self.world.by_id.pop(data.draw(st.sampled_from(sorted(self.world.by_id)))))

    @rule(minutes=st.integers(1, 600))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    # ── here ──

    @rule(
        planned=st.lists(
            st.builds(
                Fault, kind=st.sampled_from(sorted(KINDS.keys() - {"204"})), place=st.sampled_from(["search", "by-id"]),
                after=st.integers(0, 9), every=st.integers(1, 4), times=st.one_of(st.none(), st.integers(1, 5)),
            ), max_size=3,
        ), die_at=st.one_of(st.none(), st.integers(3, 30)),
    )  # fmt: skip
    def harvest(self, planned: list[Fault], die_at: int | None) -> None:
        """One that may meet faults, and may be killed."""
        self.now += timedelta(seconds=1)  # so that what it records can be told from what was there
        faults = Faults(self.simulator, planned, sleep=lambda seconds: None)
        asked = 0

        def respond(request: httpx.Request) -> httpx.Response:
            nonlocal asked
            asked += 1
            if asked == die_at:
                raise Killed
            return faults(request)

        with suppress(SourceError, Killed):
            self.run(respond)
        self.what_was_called_complete_just_now_is()

    def what_was_called_complete_just_now_is(self) -> None:
        """In every window that this harvest sealed, the vault has just what LivePerson shows."""
        held = {item.conversation_id for item in self.archive.vault.after(0)}
        rows = sql(
            self.archive, "SELECT start_ms, end_ms, inside FROM windows WHERE state = ? AND read_at = ?",
            WindowState.SEALED, self.now.isoformat(),
        )  # fmt: skip
        for start, end, inside in rows:
            shown = {item.id for item in self.world.stored if start <= item.start_ms < end}
            assert shown <= held
            assert len(shown) == inside

    def run(self, respond: Callable[[httpx.Request], httpx.Response]) -> Summary:
        source = connected(respond, self.simulator)
        harvest = Harvest(source, self.archive, clock=lambda: self.now, progress=Silent())
        return harvest.run(Window(SPAN_START, self.now))

    # ── promises ──

    @invariant()
    def the_archive_is_what_was_written(self) -> None:
        assert list(verify_vault(self.archive, Silent())) == []

    @invariant()
    def nothing_that_was_kept_is_gone(self) -> None:
        held = {item.conversation_id for item in self.archive.vault.after(0)}
        assert held >= self.kept
        self.kept = held

    @invariant()
    def nothing_young_is_called_complete(self) -> None:
        for reading in self.archive.ledger.readings():
            assert reading.state != WindowState.SEALED or reading.window.end <= self.now - 2 * HOUR

    def teardown(self) -> None:
        """In quiet times two harvests bring the archive up to date with the account."""
        if not hasattr(self, "archive"):
            return
        for _ in range(2):
            self.now += 3 * HOUR
            assert self.run(self.simulator).unproven == ()
        for id_, item in self.world.by_id.items():
            if from_ms(item.start_ms) >= SPAN_START:
                kept, shown = self.archive.vault.current(id_).raw, item.at(self.now).raw
                fewer = peek(shown).message_count < peek(kept).message_count
                assert fewer or texts(kept) == texts(shown)
        self.the_archive_is_what_was_written()
        self.archive.close()
        shutil.rmtree(self.folder)


def texts(raw: bytes) -> bytes:
    return raw[raw.index(b'"messageRecords"') :]


Account.TestCase.settings = settings(
    max_examples=examples(30), stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAccount = Account.TestCase
