"""`archiver fetch`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click

from archiver.cli import context as shared
from archiver.errors import ConfigError, counted
from archiver.harvest import Fetched
from archiver.plaintext import text_of
from archiver.visible import safe

_SHOWN = 20


@click.command("fetch")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--consumer", "consumers", multiple=True, metavar="ID", help="Every conversation of this consumer.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.fetch/2.")
@click.pass_context
def command(context: click.Context, ids: tuple[str, ...], consumers: tuple[str, ...], as_json: bool) -> None:
    """Fetch single conversations by their ids or by consumer ids into the archive.

    Conversations are fetched in full, with all SDEs, whenever they started. The id - reads ids from standard input,
    one per line. Exit code 3 if LivePerson does not have some of them (any more).

    \b
    Examples:
      archiver fetch 2f1c6d4e-0b1a-4c0e-9f53-3c1d2a9b7e10
      archiver fetch --consumer 8a7d0c2b-consumer
      cut -d, -f1 ids.csv | archiver fetch -
    """
    wanted = list(_read(ids))
    if any(not id_.strip() or not id_.isprintable() for id_ in (*wanted, *consumers)):
        raise ConfigError(
            "an id is empty or not text", hint="Ids are printable text; in a file, one per line in UTF-8."
        )
    if not wanted and not consumers:
        raise ConfigError(
            "nothing to fetch", hint="Name conversation ids, or a consumer with --consumer: archiver fetch --help"
        )
    with shared.opened(context) as archive:
        fetched = archive.fetch(wanted, consumers)
        refused = archive.refused()
        shared.show_refused(refused)
        shared.show_head(context, archive)
    if as_json:
        shared.print_json({"schema": "archiver.fetch/2", **_as_json(fetched)})
    if not _is_complete(fetched) or refused:
        sys.exit(shared.FINISHED_WITH_GAPS)


def _read(ids: Iterable[str]) -> Iterable[str]:
    for id_ in ids:
        yield from _of_standard_input() if id_ == "-" else [id_]


def _of_standard_input() -> Iterable[str]:
    try:
        text = text_of(sys.stdin.buffer.read())
    except ValueError as error:
        raise ConfigError(f"standard input cannot be read: {error}", hint="Give one id a line, in UTF-8.") from None
    return (line.strip() for line in text.splitlines() if line.strip())


def _as_json(fetched: Fetched) -> dict[str, object]:
    return {
        "conversations": fetched.conversations, "new": fetched.new, "quarantined": fetched.quarantined,
        "absent": fetched.absent,
        "faults": fetched.faults,
    }  # fmt: skip


def _is_complete(fetched: Fetched) -> bool:
    """Prints the result to standard error; whether everything was fetched."""
    click.echo(
        f"{counted(fetched.conversations, 'conversation')} fetched, {counted(fetched.new, 'new version')}.",
        err=True,
    )
    if fetched.quarantined:
        click.echo(
            f"{counted(fetched.quarantined, 'record')} could not be read; the bytes are kept in quarantine.", err=True
        )
    _list("LivePerson has nothing of", fetched.absent)
    _list("Not proven whole:", fetched.faults)
    return not (fetched.absent or fetched.faults or fetched.quarantined)


def _list(title: str, items: Sequence[str]) -> None:
    for item in items[:_SHOWN]:
        click.echo(f"{title} {safe(item)}", err=True)
    if len(items) > _SHOWN:
        click.echo(f"… and {len(items) - _SHOWN:,} more", err=True)
