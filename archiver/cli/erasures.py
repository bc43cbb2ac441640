"""`archiver erasures`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Erasure
from archiver.cli import context as shared
from archiver.cli.history import change_line
from archiver.errors import ConfigError, NotFound, counted
from archiver.outputs import ERASURE_WORDS, at_stake, erasure_json
from archiver.visible import safe


@click.group("erasures", invoke_without_command=True)
@click.option("--all", "with_decided", is_flag=True, help="Also list decided ones.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.erasures/1.")
@click.pass_context
def command(context: click.Context, with_decided: bool, as_json: bool) -> None:
    """List text that LivePerson masked or deleted after it was archived, and decide about it.

    When LivePerson masks or deletes text of a conversation that is in the archive, the new version is kept and found by
    searches. The settings masking and erasure say whether the older versions are removed, stay, or wait for a decision
    here. A version with fewer messages replaces the older one only when somebody approves it.

    \b
    Examples:
      archiver erasures
      archiver erasures approve 1204
      archiver erasures keep 1204 1310 --reason "legal hold 7"
    """
    if context.invoked_subcommand:
        return
    with shared.opened(context) as archive:
        erasures = archive.file.erasures.listed(is_pending=not with_decided)
        if erasures:
            archive.audit(Action.VIEW, what="erasures", count=len(erasures))
        shared.show_notices(archive.file.erasures.doubts())
        if as_json:
            items = [erasure_json(archive, erasure) for erasure in erasures]
            shared.print_json({"schema": "archiver.erasures/1", "erasures": items})
            return
        for erasure in erasures:
            _print(archive, erasure)
    if not erasures:
        none = "Nothing waits for a decision." if not with_decided else "Nothing was masked or deleted."
        click.echo(none, err=True)


def _print(archive: Archive, erasure: Erasure) -> None:
    older = len(archive.file.vault.older_bodies(erasure.conversation_id, erasure.record))
    what = f"{ERASURE_WORDS.get(erasure.kind, safe(erasure.kind))}, {erasure.state}; older versions kept: {older}"
    click.echo(f"{erasure.seq}  {erasure.noticed_at}  {safe(erasure.conversation_id)}  {what}")
    for change in at_stake(archive, erasure):
        click.echo(f"    {change_line(change)}")


@command.command("approve")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Everything that waits for a decision.")
@click.option("--reason", help="The reason, recorded in the archive.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def approve(context: click.Context, ids: Sequence[int], every: bool, reason: str | None, yes: bool) -> None:
    """Remove the older versions, which still contain text that LivePerson masked or deleted.

    Their text is removed from the archive and can't be restored; their entries stay in the chain, with a record of who
    approved it. A version with fewer messages becomes the one that searches find.

    \b
    Examples:
      archiver erasures approve 1204
      archiver erasures approve --all --yes --reason "request 88"
    """
    with shared.opened(context) as archive:
        chosen = _chosen(archive, ids, every)
        if not yes:
            click.confirm(
                f"Remove the older versions of {counted(len(chosen), 'conversation')} for good?", abort=True, err=True
            )
        removed = [entry for seq in chosen for entry in archive.decide(seq, approve=True, reason=reason)]
    click.echo(f"{len(chosen):,} approved, {counted(len(removed), 'older version')} removed.", err=True)


@command.command("keep")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Everything that waits for a decision.")
@click.option("--reason", required=True, help="The legal basis, recorded in the archive.")
@click.pass_context
def keep(context: click.Context, ids: Sequence[int], every: bool, reason: str) -> None:
    """Keep the older versions, although LivePerson masked or deleted some of their text.

    \b
    Examples:
      archiver erasures keep 1204 --reason "legal hold 7"
      archiver erasures keep --all --reason "retention order of 2026-03-01"
    """
    with shared.opened(context) as archive:
        chosen = _chosen(archive, ids, every)
        for seq in chosen:
            archive.decide(seq, approve=False, reason=reason)
    click.echo(f"{len(chosen):,} kept.", err=True)


def _chosen(archive: Archive, ids: Sequence[int], every: bool) -> list[int]:
    """Checks that all of them wait for a decision, before the first is decided."""
    pending = [erasure.seq for erasure in archive.file.erasures.listed()]
    if bool(ids) == every:
        raise ConfigError("name ids or --all, one of both", hint="List them: archiver erasures")
    for id_ in ids:
        if id_ not in pending:
            raise NotFound(f"no erasure {id_} waits for a decision", hint="List them: archiver erasures")
    return pending if every else list(dict.fromkeys(ids))
