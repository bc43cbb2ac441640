"""A scenario file: what a simulated account contains, how fast its clock runs, and which faults occur
(docs/simulator.md).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.errors import ConfigError, suggest
from archiver.plaintext import text_of
from archiver.simulator import dialogues
from archiver.simulator.courses import courses
from archiver.simulator.faults import KINDS, PLACES, Fault
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from archiver.value import Value

_BOUNDS = {
    "conversations": (0, 1_000_000), "days": (0, 3_650), "days_ahead": (0, 3_650), "speed": (0.001, 1_000_000),
    "delay_s": (0, 86_400), "token_life_s": (1, 86_400), "session_life_s": (1, 864_000), "deepest": (0, 1_000_000),
    "kept_months": (1, 1_200), "date_off_s": (-1e9, 1e9), "moves_after": (0, 1_000_000),
}  # fmt: skip
_LIFE_AS = ("string", "int", "absent")
_WAIT_AS = ("seconds", "date")


class Scenario(Value):
    """The default: conversations of the last 75 days, all closed, and a clock at normal speed."""

    conversations: int = 240
    days: float = 75.0
    days_ahead: float = 0.0
    seed: int = 7
    deletes: bool = False
    speed: float = 1.0
    delay_s: float = 0.0
    token_life_s: int = 3600
    token_life_as: str = "string"  # noqa: S105  (how the lifetime is written)
    session_life_s: int = 28_800
    no_content: bool = False
    lenient: bool = False
    deepest: int = 0
    kept_months: int = 13
    date: bool = True
    date_off_s: float = 0.0
    moves_after: int = 0
    old_host: str = "reset"
    faults: tuple[Fault, ...] = ()

    def world(self, real: Callable[[], datetime]) -> World:
        """An account without conversations. Its clock runs `speed` times as fast as the real one from now on."""
        began = real()
        clock = real if self.speed == 1 else lambda: began + (real() - began) * self.speed
        return World(dialogues.ACCOUNT, clock, timedelta(seconds=self.delay_s), self.kept_months)

    def fill(self, world: World, anchor: datetime) -> World:
        """Adds conversations from `days` before the anchor to `days_ahead` after it."""
        start, end = anchor - timedelta(days=self.days), anchor + timedelta(days=self.days_ahead)
        world.schedule(courses(start, end, self.conversations, seed=self.seed, deletes=self.deletes))
        return world

    def simulator(self, world: World, host: str) -> Simulator:
        simulator = Simulator(world, host=host, no_content=self.no_content, is_lenient=self.lenient)
        simulator.deepest = self.deepest or None
        simulator.has_date, simulator.date_is_off = self.date, timedelta(seconds=self.date_off_s)
        simulator.tokens.life_s, simulator.tokens.life_as = self.token_life_s, self.token_life_as
        simulator.logins.life_s = self.session_life_s
        simulator.signatures.clock = lambda: datetime.now(UTC)  # clients sign by the real clock
        return simulator


def read_scenario(path: Path) -> Scenario:
    """The scenario in a TOML file. Raises ConfigError that names the fault."""
    try:
        content = tomllib.loads(text_of(path.read_bytes()))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="It is a TOML file: docs/simulator.md") from error
    planned = content.pop("fault", [])
    if not isinstance(planned, list):
        raise ConfigError(f"fault in {path} must be written as [[fault]]")
    faults = tuple(_fault(item, path) for item in planned)
    scenario = Scenario(**_checked(content, Scenario, path), faults=faults)
    _one_of("token_life_as", scenario.token_life_as, _LIFE_AS, path)
    _one_of("old_host", scenario.old_host, KINDS, path)
    for name, (low, high) in _BOUNDS.items():
        if not low <= getattr(scenario, name) <= high:
            raise ConfigError(f"{name} in {path} must be from {low:,g} to {high:,g}")
    return scenario


def _fault(item: Any, path: Path) -> Fault:
    if not isinstance(item, dict):
        raise ConfigError(f"fault in {path} must be written as [[fault]]")
    if "kind" not in item:
        raise ConfigError(f"each [[fault]] in {path} needs a kind", hint="The kinds: " + ", ".join(KINDS))
    times = item.get("times", 1)
    if times != "always" and (not isinstance(times, int) or times < 1):
        raise ConfigError(f'times in a [[fault]] of {path} must be a number from 1 on, or "always"')
    settings = _checked({name: value for name, value in item.items() if name != "times"}, Fault, path)
    fault = Fault(**settings, times=None if times == "always" else times)
    _one_of("kind", fault.kind, KINDS, path)
    _one_of("place", fault.place, PLACES, path)
    _one_of("wait_as", fault.wait_as, _WAIT_AS, path)
    if fault.every < 1 or fault.after < 0 or not 0 <= (fault.wait_s or 0) <= 86_400:
        raise ConfigError(f"every must be at least 1, after and wait_s at least 0, in a [[fault]] of {path}")
    return fault


def _one_of(name: str, value: str, choices: Mapping[str, object] | tuple[str, ...], path: Path) -> None:
    if value not in choices:
        raise ConfigError(f"{name} = {value!r} in {path}", hint=suggest(value, choices, what="Known"))


def _checked(content: dict[str, Any], kind: type, path: Path) -> dict[str, Any]:
    """The settings of a table, with the required types."""
    annotated: dict[str, str] = kind.__annotations__
    types = {name: type_.partition(" ")[0] for name, type_ in annotated.items() if name not in ("faults", "times")}
    allowed: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
    for name, value in content.items():
        if name not in types:
            raise ConfigError(f"{path} has an unknown setting {name!r}", hint=suggest(name, types, what="Known"))
        if not isinstance(value, allowed[types[name]]) or (types[name] != "bool" and isinstance(value, bool)):
            raise ConfigError(f"{name} = {value!r} in {path} must be {types[name]}")
    return dict(content)
