"""`archiver history`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from archiver.archive import HistoryEntry
from archiver.cli import context as shared
from archiver.cli.terminal import exact, one_line, removed_and_added, safe
from archiver.index import NumberedVersion
from archiver.transcript import Change, changes

_EVENTS = {
    "upstream_masking": "LivePerson masked text",
    "upstream_erasure": "LivePerson deleted text",
    "upstream_fewer": "LivePerson returned fewer messages",
    "upstream_vanished": "LivePerson lists the conversation no more",
    "upstream_returned": "LivePerson lists the conversation again",
    "erasure_decided": "a person decided about the older versions",
}


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
        entries, versions = archive.history(conversation), archive.versions(conversation)
    steps = {version.entry.seq: step for version, step in _steps(versions)}
    if as_json:
        shared.print_json(_as_json(conversation, entries, versions, steps))
        return
    click.echo(f"Conversation  {exact(conversation)}")
    numbers = {version.entry.seq: version.number for version in versions}
    for entry in entries:
        click.echo(_line(entry, numbers.get(entry.seq)))
        for change in steps.get(entry.seq, ()):
            click.echo(f"    {change_line(change)}")


Steps = list[Change]


def _steps(versions: Iterable[NumberedVersion]) -> Iterator[tuple[NumberedVersion, Steps]]:
    """Each version with its changes against the one before it whose text is there."""
    before = None
    for version in versions:
        if version.transcript is None:
            yield version, []
            continue
        yield version, list(changes(before, version.transcript)) if before else []
        before = version.transcript


def _line(entry: HistoryEntry, number: int | None) -> str:
    if number is None:
        return f"{entry.fetched_at}  entry {entry.seq}: {_EVENTS.get(entry.type, safe(entry.type))}"
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


def _as_json(
    conversation: str, entries: Iterable[HistoryEntry], versions: Iterable[NumberedVersion],
    steps: dict[int, Steps],
) -> dict[str, Any]:  # fmt: skip
    numbers = {version.entry.seq: version.number for version in versions}
    return {
        "schema": "archiver.history/1",
        "conversation_id": conversation,
        "entries": [
            {
                "entry": entry.seq, "at": entry.fetched_at, "type": entry.type, "version": numbers.get(entry.seq),
                "has_text": entry.has_body, "is_current": entry.is_current,
                "changes": [change_as_json(change) for change in steps.get(entry.seq, ())],
            }
            for entry in entries
        ],
    }  # fmt: skip


def change_as_json(change: Change) -> dict[str, Any]:
    """A change as plain values."""
    return {
        "kind": change.kind, "what": change.what, "number": change.number, "before": change.before,
        "after": change.after,
    }  # fmt: skip
