"""A simulated account while it runs on a port of this machine, with all that is needed to use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from archiver.simulator.calendar import floor, to_ms
from archiver.simulator.data import load
from archiver.simulator.faults import Faults
from archiver.simulator.scenario import Scenario
from archiver.simulator.server import bind, running


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """Where a simulated account answers, and how to get in.

    `settings` are what `archiver.open` needs; `credentials` are those of every way in, by the names of the settings.
    Times in its data that were offsets count from `anchor_ms`.
    """

    url: str
    account: str
    credentials: dict[str, str]
    conversations: int
    anchor_ms: int

    @property
    def settings(self) -> dict[str, str]:
        """The settings of an archive of this account, as keywords."""
        way_in = {name: self.credentials[name] for name in ("client_id", "client_secret")}
        return {"account": self.account, "domain_url": self.url, **way_in}


@contextmanager
def simulate(
    scenario: Scenario = Scenario(),  # noqa: B008  (frozen)
    *,
    data: Path | None = None,
    port: int = 0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[SimulatedAccount]:
    """Runs a simulated account on a loopback port (0: a free one) within the context.

    It holds the conversations of the scenario, or those of a data file (JSON lines, plain or .gz). Raises ConfigError.
    """
    anchor = floor(clock())
    world = scenario.world(clock)
    world = load(data, world, anchor) if data else scenario.fill(world, anchor)
    server = bind(port)
    simulator = scenario.simulator(world, server.host)
    with running(server, Faults(simulator, scenario.faults)):
        yield SimulatedAccount(
            server.url, world.account, simulator.credentials(), len(world.stored), to_ms(anchor)
        )  # fmt: skip
