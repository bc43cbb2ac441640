"""A simulated account that runs on a port of this machine, with everything needed to use it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from archiver.simulator.calendar import floor, to_ms
from archiver.simulator.data import load
from archiver.simulator.faults import Faults
from archiver.simulator.moving import Moving
from archiver.simulator.scenario import Scenario
from archiver.simulator.server import Respond, bind, running


class SimulatedAccount:
    """A simulated account until `close`; also a context manager. `credentials` has those of every authentication, by
    the names of the settings. Times in its data that were offsets count from `anchor_ms`.
    """

    def __init__(self, scenario: Scenario, data: Path | None, port: int, clock: Callable[[], datetime]) -> None:
        anchor = floor(clock())
        world = scenario.world(clock)
        world = load(data, world, anchor) if data else scenario.fill(world, anchor)
        server = bind(port)
        simulator = scenario.simulator(world, server.host)
        self._running = ExitStack()
        faults = Faults(simulator, scenario.faults)
        respond: Respond = faults
        if scenario.moves_after:
            new = bind(0)
            respond = Moving(faults, new.host, scenario.moves_after, scenario.old_host)
            self._running.enter_context(running(new, respond))
        self._running.enter_context(running(server, respond))
        self.url = server.url
        self.account = world.account
        self.credentials = simulator.credentials()
        self.conversations = len(world.stored)
        self.anchor_ms = to_ms(anchor)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of an archive of this account, as keyword arguments of `archiver.open`."""
        way_in = {name: self.credentials[name] for name in ("client_id", "client_secret")}
        return {"account": self.account, "domain_url": self.url, **way_in}

    def close(self) -> None:
        """Stops the account."""
        self._running.close()

    def __enter__(self) -> SimulatedAccount:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def simulate(
    scenario: Scenario = Scenario(),  # noqa: B008  (frozen)
    *,
    data: Path | None = None,
    port: int = 0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SimulatedAccount:
    """Starts a simulated account on a loopback port (0: a free one).

    It holds the conversations of the scenario, or those of a data file (JSON lines, plain or .gz). Raises ConfigError.
    """
    return SimulatedAccount(scenario, data, port, clock)
