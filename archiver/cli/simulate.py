"""`archiver simulate`."""

from __future__ import annotations

from pathlib import Path

import click

from archiver.jsontext import encode
from archiver.simulator import Scenario, read_scenario, simulate


@click.command("simulate")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free port.")
@click.option("--data", type=click.Path(path_type=Path), help="Conversation records, one a line (.jsonl or .jsonl.gz).")
@click.option("--scenario", "file", type=click.Path(path_type=Path), help="What happens and goes wrong (TOML).")
@click.pass_context
def command(context: click.Context, port: int, data: Path | None, file: Path | None) -> None:
    """Run a simulated LivePerson account on this machine.

    Prints one JSON line with its address and all credentials, then serves until it is stopped. Times in the data file
    that are offsets ("@L-86400000") are moved to the present. A scenario file makes conversations open, grow and
    close while it runs, its clock go faster, tokens short-lived, and calls fail: docs/simulator.md.

    \b
    Examples:
      archiver simulate --port 8800
      archiver simulate --data conversations.jsonl.gz
      archiver simulate --scenario stormy.toml
    """
    scenario = read_scenario(file) if file else Scenario()
    with simulate(scenario, data=data, port=port) as account:
        announced = {
            "schema": "archiver.simulator/1",
            "domain_url": account.url,
            "account": account.account,
            **account.credentials,
            "conversations": account.conversations,
            "anchor_ms": account.anchor_ms,
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
