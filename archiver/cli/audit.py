"""`archiver audit`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from archiver.access import Action
from archiver.archive import AuditHead
from archiver.cli import context as shared
from archiver.cli.terminal import one_line
from archiver.errors import ConfigError, counted
from archiver.jsontext import encode
from archiver.outputs import audit_words, member_of


@click.group("audit")
def command() -> None:
    """Show who searched, read, exported or decided what, and check that nobody changed that log.

    The log is a file beside the archive's, audit.sqlite3. Every search, transcript, export, login and decision is
    written into it before it is answered, also those of the command line, with the user of the system. Each event
    holds the hash of the one before.

    \b
    Examples:
      archiver audit list --user mara
      archiver audit verify --head 1204:9f2c…
      archiver audit export > audit.ndjson
    """


@command.command("list")
@click.option("--user", help="Only of this person.")
@click.option("--action", type=click.Choice([action.value for action in Action]), help="Only this kind of event.")
@click.option("--conversation", help="Only about the conversation with this id.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Events to show, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.audit/1.")
@click.pass_context
def list_(
    context: click.Context, user: str | None, action: str | None, conversation: str | None, limit: int, as_json: bool
) -> None:
    """List the newest events.

    \b
    Examples:
      archiver audit list
      archiver audit list --action unmask --limit 200
      archiver audit list --conversation 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --json
    """
    wanted = {("user", "name"): user, ("event", "action"): action}
    with shared.opened(context) as archive:
        archive.audit(Action.READ_AUDIT, what="list", of_user=user, of_action=action, of_conversation=conversation)
        found = (
            event
            for event in archive.file.audit.events(is_newest_first=True)
            if _is_wanted(event, wanted, conversation)
        )
        events = list(islice(found, limit))
    if as_json:
        shared.print_json({"schema": "archiver.audit/1", "items": events})
        return
    for event in events:
        click.echo(one_line(audit_words(event)))
    click.echo(f"{counted(len(events), 'event')} shown, newest first", err=True)


def _is_wanted(event: dict[str, Any], wanted: dict[tuple[str, str], str | None], conversation: str | None) -> bool:
    shown = (member_of(event, "archive", "conversation_id"), *(member_of(event, "archive", "conversation_ids") or ()))
    if conversation is not None and conversation not in shown:
        return False
    return all(value is None or member_of(event, part, name) == value for (part, name), value in wanted.items())


@command.command("verify")
@click.option("--head", metavar="NUMBER:HASH", help="A head that was noted before: the log must still hold it.")
@click.pass_context
def verify(context: click.Context, head: str | None) -> None:
    """Check that no event was changed, removed or put in between, and print the log's head.

    Note the head in another place: somebody who can write the file could write the whole log anew, or cut off its end,
    which only a head that was noted before reveals. The exit code is 9 if anything is wrong.

    \b
    Examples:
      archiver audit verify
      archiver audit verify --head 1204:9f2c0b…
    """
    known = _read_head(head)
    with shared.opened(context) as archive:
        is_there, head_now = archive.file.audit.exists, archive.file.audit.head()
        faults = list(archive.file.audit.faults(known))
        for fault in faults:
            click.echo(fault)
        click.echo(f"head {head_now}", err=True)
    if faults:
        sys.exit(shared.FOUND_SOMETHING)
    if is_there:
        held = "" if known else " Whether it was cut off or written anew, only a head noted before shows: --head."
        click.echo(f"No event was changed, removed or put in between.{held}", err=True)
    else:
        click.echo("There is no audit log. If there was one, it was removed: compare a head noted elsewhere.", err=True)


def _read_head(text: str | None) -> AuditHead | None:
    """A head as `verify` prints it. Raises ConfigError."""
    if text is None:
        return None
    number, _, digits = text.partition(":")
    try:
        head = AuditHead(int(number), bytes.fromhex(digits))
        if head.seq < 0 or len(head.hash) != 32:
            raise ValueError
        return head
    except ValueError:
        raise ConfigError(f"--head {text} is no head", hint="Copy it whole, as verify prints it: 12:9f2c…") from None


@command.command("export")
@click.pass_context
def export(context: click.Context) -> None:
    """Write all events to standard output as NDJSON in the Elastic Common Schema, oldest first.

    \b
    Examples:
      archiver audit export > audit.ndjson
      archiver audit export | jq 'select(.event.action == "unmask")'
    """
    with shared.opened(context) as archive:
        archive.audit(Action.READ_AUDIT, what="export")
        for line in _lines(archive.file.audit.events()):
            click.echo(line)


def _lines(events: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    return (encode(event) for event in events)
