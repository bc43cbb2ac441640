"""A LivePerson account in memory, for tests, the demo and benchmarks: a function from request to response."""

from archiver.simulator.faults import Faults
from archiver.simulator.scenario import Scenario, read_scenario
from archiver.simulator.server import bind, running
from archiver.simulator.services import Simulator
from archiver.simulator.world import World, at_anchor

__all__ = [
    "Faults",
    "Scenario",
    "Simulator",
    "World",
    "at_anchor",
    "bind",
    "read_scenario",
    "running",
]
