"""`archiver saved`."""

from __future__ import annotations

import secrets
import sys
from base64 import b64encode
from collections.abc import Iterator

import click

from archiver.access import Action
from archiver.alerts import Teller, checked_place, evaluate, is_behind, read_query
from archiver.app import Archive
from archiver.archive import SavedSearch, Target
from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.cli.terminal import one_line
from archiver.config import mail_server
from archiver.errors import ConfigError, counted
from archiver.outputs import searches_json
from archiver.query import Scope


@click.group("saved")
def command() -> None:
    """Save searches, and be told what they find in new conversations: by a webhook, a command, a file or mail.

    The service (archiver serve --harvest, archiver harvest --follow) looks at each new entry of the archive within
    seconds with every saved search; without it, archiver saved run does. What was found is told once, also if a
    conversation changes later or the program is killed. docs/alerts.md describes what is sent.

    \b
    Examples:
      archiver saved add complaints 'mcs:<30 from:customer (lawyer OR regulator)' --webhook https://hooks.example.com/a
      archiver saved list
      archiver saved run complaints --all
    """


@command.command("add", cls=QueryCommand)
@click.argument("name")
@click.argument("query", nargs=-1, required=True)
@click.option("--scope", type=click.Choice([scope.value for scope in Scope]), default="message", show_default=True,
              help="What is found, once each: messages, or conversations.")  # fmt: skip
@click.option("--webhook", metavar="URL", help="Post what is found, signed; https, or http on this machine.")
@click.option(
    "--command", "program", metavar="COMMAND", help="Run a program without a shell; it reads JSON on its input."
)
@click.option("--file", "file", metavar="PATH", help="Append a line of JSON to a file.")
@click.option("--mail", "mail", metavar="ADDRESS", help="Send a mail, by the server of the setting mail_server.")
@click.option("--with-text", is_flag=True, help="Also send the text of messages; without it, ids only.")
@click.option("--all", "from_start", is_flag=True, help="Also look at everything that the archive holds now.")
@click.option(
    "--force",
    is_flag=True,
    help="Change the search of this name. It goes on where it was, and tells as before if nothing else is said.",
)
@click.pass_context
def add(
    context: click.Context, name: str, query: tuple[str, ...], scope: str, webhook: str | None, program: str | None,
    file: str | None, mail: str | None, with_text: bool, from_start: bool, force: bool,
) -> None:  # fmt: skip
    """Save a search under a name; from now on, it finds what is new.

    A webhook gets a secret, which is printed once: the receiver checks with it who sent the request (Standard
    Webhooks). A command may hold {search}, {count}, {id}, {conversation_id} and {account}.

    \b
    Examples:
      archiver saved add complaints 'from:customer (lawyer OR regulator)' --webhook https://hooks.example.com/a
      archiver saved add low 'mcs:<30' --scope conversation --command 'notify --title {search} {count}'
      archiver saved add lawyers 'lawyer' --mail legal@example.com
      archiver saved add all-refunds 'refund' --file refunds.ndjson --all
    """
    if not name.strip() or not name.isprintable():
        raise ConfigError(f"the name {name!r} is none", hint="Name the search.")
    target, place = _target(webhook, program, file, mail)
    secret = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}" if target is Target.WEBHOOK else ""
    with shared.opened(context) as archive:
        if target is Target.MAIL and mail_server(archive.settings) is None:
            raise archive.settings.missing("mail_server")
        mark = 0 if from_start else archive.file.vault.head()
        search = SavedSearch(name, " ".join(query), scope, target, place, with_text, secret, watermark=mark)
        read_query(search, archive.now(), archive.zone)  # raises
        shared.show_advice(archive, archive.parse(search.query))
        archive.audit(Action.SAVE, query=search.query, to=name, what=target.value)
        is_changed = force and archive.file.saved.find(name) is not None
        made = archive.file.saved.change(search, from_start=from_start) if is_changed else _added(archive, search)
    click.echo(_line(made, 0), err=True)
    if from_start:
        click.echo("The service looks at what the archive holds, or: archiver saved run", err=True)
    if secret:
        click.echo("The secret is shown this once; give it to the receiver:", err=True)
        click.echo(secret)


def _added(archive: Archive, search: SavedSearch) -> SavedSearch:
    archive.file.saved.add(search)
    return search


def _target(webhook: str | None, program: str | None, file: str | None, mail: str | None) -> tuple[Target, str]:
    given = [(Target.WEBHOOK, webhook), (Target.COMMAND, program), (Target.FILE, file), (Target.MAIL, mail)]
    chosen = [(target, place) for target, place in given if place is not None]
    if len(chosen) > 1:
        raise click.UsageError("Choose one of --webhook, --command, --file and --mail.")
    return (chosen[0][0], checked_place(*chosen[0])) if chosen else (Target.NOBODY, "")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.saved/1.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List saved searches, what they have found, and what could not be told.

    \b
    Examples:
      archiver saved list
      archiver saved list --json
    """
    with shared.opened(context) as archive:
        if as_json:
            shared.print_json(searches_json(archive))
            return
        searches = [(search, archive.file.saved.count_found(search)) for search in archive.file.saved.all()]
        waiting, head = archive.file.saved.undelivered(), archive.file.vault.head()
    for search, count in searches:
        behind = head - search.watermark
        click.echo(_line(search, count) + (f"  {counted(behind, 'entry')} to look at" if behind else ""))
    click.echo(counted(len(searches), "saved search"), err=True)
    dead = sum(delivery.is_dead for delivery in waiting)
    if waiting:
        click.echo(
            f"{len(waiting):,} to be told, {dead:,} of them tried too often: archiver saved deliveries", err=True
        )
    if any(search.disabled for search, _ in searches):
        sys.exit(shared.FOUND_SOMETHING)


def _line(search: SavedSearch, count: int) -> str:
    return "  ".join(_parts(search, count))


def _parts(search: SavedSearch, count: int) -> Iterator[str]:
    yield one_line(search.name)
    yield f"version {search.version}"
    yield one_line(search.query)
    yield f"{counted(count, search.scope)} found"
    if search.target is not Target.NOBODY:
        yield f"tells a {search.target.value}: {one_line(search.place)}"
    if search.disabled:
        yield f"DISABLED: {one_line(search.disabled)}. Change it: archiver saved add {one_line(search.name)} … --force"


@command.command("run")
@click.argument("name", required=False)
@click.option("--all", "from_start", is_flag=True, help="Look at everything again; what was found is not told again.")
@click.pass_context
def run(context: click.Context, name: str | None, from_start: bool) -> None:
    """Look at new entries with all saved searches now, and tell what they find.

    \b
    Examples:
      archiver saved run
      archiver saved run complaints --all
    """
    if from_start and name is None:
        raise click.UsageError("Name the search that is to look at everything.")
    with shared.opened(context) as archive:
        chosen = archive.file.saved.one(name) if name else None
        archive.audit(Action.SEARCH, what="saved", to=name)
        if chosen and from_start:
            archive.file.saved.rewind(chosen)
        found = 0
        while is_behind(archive.file):
            found += evaluate(archive.file, archive.now(), archive.zone)
        told = Teller(archive.file, archive.now, mail_server(archive.settings)).tell()
        left = len(archive.file.saved.undelivered())
    click.echo(f"{counted(found, 'new result')}, {counted(told, 'alert')} told", err=True)
    if left:
        click.echo(f"{left:,} could not be told yet: archiver saved deliveries", err=True)
        sys.exit(shared.FINISHED_WITH_GAPS)


@command.command("remove")
@click.argument("name")
@click.pass_context
def remove(context: click.Context, name: str) -> None:
    """Remove a saved search, with what is still to be told of it.

    \b
    Examples:
      archiver saved remove complaints
    """
    with shared.opened(context) as archive:
        search = archive.file.saved.one(name)
        archive.audit(Action.SAVE, what="remove", to=name)
        archive.file.saved.remove(search)
    click.echo(f"{one_line(name)} is removed.", err=True)


@command.command("deliveries")
@click.option("--retry", is_flag=True, help="Try everything again now.")
@click.pass_context
def deliveries(context: click.Context, retry: bool) -> None:
    """List what could not be told yet, and why.

    \b
    Examples:
      archiver saved deliveries
      archiver saved deliveries --retry
    """
    with shared.opened(context) as archive:
        if retry:
            revived = archive.file.saved.revive(archive.now())
            click.echo(f"{revived:,} to be tried again: the service does, or archiver saved run", err=True)
        waiting = archive.file.saved.undelivered()
        for item in waiting:
            state = "tried too often" if item.is_dead else f"due {item.due_at:%Y-%m-%d %H:%M:%S} UTC"
            told = f"{item.id}  {item.search} version {item.version}  {item.attempts} times tried, {state}"
            click.echo(one_line(f"{told}: {item.error or 'not tried yet'}"))
    click.echo(f"{counted(len(waiting), 'alert')} to be told", err=True)
