"""`archiver history`."""

from __future__ import annotations

import click

from archiver.access import Action
from archiver.archive import HistoryEntry
from archiver.cli import context as shared
from archiver.cli.terminal import exact, one_line, removed_and_added
from archiver.outputs import EVENT_WORDS, history_json, steps_of
from archiver.transcript import Change
from archiver.visible import safe


@click.command("history")
@click.argument("conversation")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.history/1.")
@click.pass_context
def command(context: click.Context, conversation: str, as_json: bool) -> None:
    """Show every version of a conversation, and what changed from one to the next.

    A version is a state that LivePerson returned. Messages that were added, edited, masked or deleted, and facts such
    as scores and skill, are listed against the version before: [-removed-] {+added+}. A version whose text was removed
    from the archive still has its entry.

    \b
    Examples:
      archiver history 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --version 1
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --diff 1 3
    """
    with shared.opened(context) as archive:
        conversation = archive.file.vault.completed(conversation)
        archive.audit(Action.VIEW, conversation_id=conversation, what="history")
        entries, versions = archive.history(conversation), archive.versions(conversation)
    steps = {version.entry.seq: step for version, step in steps_of(versions)}
    if as_json:
        shared.print_json(history_json(conversation, entries, versions, steps))
        return
    click.echo(f"Conversation  {exact(conversation)}")
    numbers = {version.entry.seq: version.number for version in versions}
    for entry in entries:
        click.echo(_line(entry, numbers.get(entry.seq)))
        for change in steps.get(entry.seq, ()):
            click.echo(f"    {change_line(change)}")


def _line(entry: HistoryEntry, number: int | None) -> str:
    if number is None:
        return f"{entry.fetched_at}  entry {entry.seq}: {EVENT_WORDS.get(entry.type, safe(entry.type))}"
    state = "the present version" if entry.is_current else "" if entry.has_body else "its text was removed"
    return f"{entry.fetched_at}  entry {entry.seq}: version {number}{f', {state}' if state else ''}"


def change_line(change: Change) -> str:
    """A change on one line."""
    number = f" #{change.number}" if change.number else ""
    what = f"{change.kind.value}{number} {one_line(change.what)}"
    if change.kind == "edited" and change.before is not None and change.after is not None:
        return f"{what}: {removed_and_added(change.before, change.after)}"
    if change.kind == "fact":
        return f"{one_line(change.what)}: {one_line(change.before or '-')} → {one_line(change.after or '-')}"
    return f"{what}: {one_line(change.after or change.before or '')}"
