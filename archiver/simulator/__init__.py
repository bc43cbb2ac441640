"""A LivePerson account in memory, for tests, the demo and benchmarks: a function from request to response."""

from archiver.simulator.running import SimulatedAccount, simulate
from archiver.simulator.scenario import Scenario, read_scenario

__all__ = [
    "Scenario",
    "SimulatedAccount",
    "read_scenario",
    "simulate",
]
