"""`archiver demo`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from archiver import config
from archiver.cli import wiring
from archiver.cli.harvest import harvest_and_index, target
from archiver.cli.search import print_hits
from archiver.cli.show import transcript_lines
from archiver.config import Settings
from archiver.index import Request, search
from archiver.query import parse
from archiver.simulator import Scenario, Simulator, bind, running
from archiver.transcript import project
from archiver.windows import floor

_QUERY = '"table for four" OR lawyer'


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    if keep:
        yield Path(tempfile.mkdtemp(prefix="archiver-demo-")) / "archive"
        return
    with tempfile.TemporaryDirectory(prefix="archiver-demo-") as folder:
        yield Path(folder) / "archive"


def _settings(simulator: Simulator, url: str, folder: Path) -> Settings:
    environment = {
        "ARCHIVER_ARCHIVE": str(folder),
        "ARCHIVER_ACCOUNT": simulator.world.account,
        "ARCHIVER_DOMAIN_URL": url,
        "ARCHIVER_CLIENT_ID": simulator.tokens.client_id,
        "ARCHIVER_CLIENT_SECRET": simulator.tokens.client_secret,
    }
    return config.load({}, environment, None, ())


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave the archive in a folder and say which.")
@click.pass_context
def command(context: click.Context, keep: bool) -> None:
    """Show the whole way with invented conversations; no account needed.

    Starts a simulated LivePerson account on this machine, harvests it, searches it, and prints a transcript.

    \b
    Examples:
      archiver demo
      archiver demo --keep
    """
    server = bind(0)
    scenario = Scenario()
    world = scenario.fill(scenario.world(wiring.now), floor(wiring.now()))
    simulator = scenario.simulator(world, server.host)
    days = f"{scenario.days + 1:.0f}"
    with _folder(keep) as folder:
        chosen = _settings(simulator, server.url, folder)
        with running(server, simulator):
            click.secho(f"A simulated LivePerson account answers on {server.url}", bold=True)
            click.echo(f"Harvesting the last {days} days in overlapping windows …")
            summary = harvest_and_index(chosen, target(f"{days}d", None), wiring.show_progress(context))
        click.echo(f"{summary.conversations:,} conversations kept from {summary.windows:,} windows.\n")
        _look_around(chosen)
        _say_next(folder, keep)


def _look_around(chosen: Settings) -> None:
    with wiring.opened(chosen) as (archive, store):
        click.secho(f"$ archiver search '{_QUERY}' --limit 3", bold=True)
        results = search(archive, store, Request(parse(_QUERY, now=wiring.now()), limit=3))
        print_hits(results)
        click.echo(f"{len(results.hits)} of {results.total:,} conversations\n")
        conversation_id = results.hits[0].transcript.id
        click.secho(f"$ archiver show {conversation_id}", bold=True)
        for line in transcript_lines(project(archive.vault.current(conversation_id).raw)):
            click.echo(line)


def _say_next(folder: Path, keep: bool) -> None:
    click.echo()
    click.secho("What to type next", bold=True)
    if keep:
        click.echo(f"  archiver --archive {folder} search 'refund from:customer thank*'")
        click.echo(f"  archiver --archive {folder} export --output conversations.ndjson")
    else:
        click.echo("  archiver demo --keep            leaves this archive for you to search")
    click.echo("  archiver search --help          the query language in short")
    click.echo("  archiver harvest --help         your own account")
    if keep:
        click.echo(f"\nThe archive stays in {folder}")
