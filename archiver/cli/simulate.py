"""`archiver simulate`."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from archiver.cli import wiring
from archiver.errors import ConfigError
from archiver.jsontext import decode, encode
from archiver.model import to_ms
from archiver.simulator import Faults, Scenario, World, at_anchor, bind, read_scenario, running
from archiver.windows import floor


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (OSError, EOFError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="It must be JSON lines, plain or .gz.") from error


def load(path: Path, world: World, anchor: datetime) -> World:
    """The world with the records of a data file, and their account. Raises ConfigError for a file that holds none."""
    try:
        world.fill(at_anchor(_lines(path), anchor))
        first = decode(world.stored[0].at(anchor).raw)
        world.account = str(first["info"]["brandId"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ConfigError(f"{path} holds no conversation records: {error!r}") from None
    return world


@click.command("simulate")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free port.")
@click.option("--data", type=click.Path(path_type=Path), help="Conversation records, one a line (.jsonl or .jsonl.gz).")
@click.option("--scenario", "file", type=click.Path(path_type=Path), help="What happens and goes wrong (TOML).")
@click.pass_context
def command(context: click.Context, port: int, data: Path | None, file: Path | None) -> None:
    """Run a simulated LivePerson account on this machine.

    Prints one JSON line with its address and all credentials, then serves until it is stopped. Times in the data file
    that are offsets (as "@L-86400000") are moved to the present. A scenario file makes conversations open, grow and
    close while it runs, its clock go faster, tokens short-lived, and calls fail: docs/simulator.md.

    \b
    Examples:
      archiver simulate --port 8800
      archiver simulate --data conversations.jsonl.gz
      archiver simulate --scenario stormy.toml
    """
    scenario = read_scenario(file) if file else Scenario()
    anchor = floor(wiring.now())
    world = scenario.world(wiring.now)
    world = load(data, world, anchor) if data else scenario.fill(world, anchor)
    server = bind(port)
    simulator = scenario.simulator(world, server.host)
    with running(server, Faults(simulator, scenario.faults)):
        announced = {
            "schema": "archiver.simulator/1",
            "domain_url": server.url,
            "account": world.account,
            **simulator.credentials(),
            "conversations": len(world.stored),
            "anchor_ms": to_ms(anchor),
        }
        click.echo(encode(announced))
        _wait()


def _wait() -> None:
    import signal
    import threading

    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    while not stopped.wait(1.0):
        pass
