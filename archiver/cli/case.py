"""`archiver case`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Case, CaseItem, Status
from archiver.casework import (
    Estimate,
    Sample,
    add_to_case,
    bring_up_to_date,
    case_of,
    cases_of,
    estimate,
    item_of,
    items_of,
    make_case,
    origin_of,
    remove_case,
)
from archiver.casework import mark as mark_item
from archiver.cli import context as shared
from archiver.cli.folders import show_folder
from archiver.cli.query import QueryCommand
from archiver.cli.terminal import one_line
from archiver.errors import counted
from archiver.export import Reviews
from archiver.outputs import case_json, cases_json, counts_of
from archiver.packaging import Wanted
from archiver.value import replace
from archiver.visible import safe


@click.group("case")
def command() -> None:
    """Put conversations together for a reason, and keep what reviewers say of each.

    A case holds what a query found when it was made, or a random sample of that or of what it did not find, or
    conversations by their ids. Each has a status, tags, a note, and who has read it. docs/cases.md tells more.

    \b
    Examples:
      archiver case new 2026-17 'lawyer skill:Billing' --reason "request of the regulator"
      archiver case show 2026-17 --unread
      archiver case mark 2026-17 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --status relevant --tag insider
      archiver case export 2026-17 --output package-2026-17
    """


@command.command("new", cls=QueryCommand)
@click.argument("name")
@click.argument("query", nargs=-1)
@click.option("--reason", required=True, help="Why these conversations are put together; it is kept and audited.")
@click.option("--follow", "follows", is_flag=True, help="What matches later belongs to the case, too.")
@click.option("--sample", "size", type=click.IntRange(1), help="Only so many conversations, drawn at random.")
@click.option("--margin", type=click.FloatRange(0.1, 50), help="A sample that is right within so many per cent.")
@click.option("--confidence", type=click.FloatRange(50, 99.99), default=95, show_default=True,
              help="With --margin: how surely, in per cent.")  # fmt: skip
@click.option(
    "--null", "from_null", is_flag=True, help="Draw from what the query does not find, to see what it misses."
)
@click.option("--seed", help="Draws the same sample again; a new one is made and kept if not given.")
@click.pass_context
def new(
    context: click.Context, name: str, query: tuple[str, ...], reason: str, follows: bool, size: int | None,
    margin: float | None, confidence: float, from_null: bool, seed: str | None,
) -> None:  # fmt: skip
    """Make a case of what a query finds now, or of a random sample.

    \b
    Examples:
      archiver case new 2026-17 'lawyer skill:Billing' --reason "request of the regulator"
      archiver case new audit-q3 'sent:2026-Q3' --reason "quality" --margin 5 --seed q3
      archiver case new missed 'lawyer OR regulator' --reason "what the terms miss" --null --margin 5
    """
    if size is not None and margin is not None:
        raise click.UsageError("--sample says how many, --margin how many it takes: give one of them.")
    is_sampled = size is not None or margin is not None
    if (seed is not None or from_null) and not is_sampled:
        raise click.UsageError("A sample needs a size: add --sample or --margin.")
    percent = None if margin is None else margin / 100
    sample = Sample(size, percent, confidence / 100, seed, from_null) if is_sampled else None
    with shared.opened(context) as archive:
        shared.show_advice(archive, archive.parse(" ".join(query)))
        case, count = make_case(archive, name, reason, " ".join(query), follows=follows, sample=sample)
        refused = archive.refused() if query or is_sampled else ()
    click.echo(f"{counted(count, 'conversation')} in the case {one_line(name)}", err=True)
    if is_sampled:
        what = "that the query does not find" if from_null else "that it finds"
        click.echo(f"drawn from {case.population:,} {what}, with the seed {one_line(case.seed)}", err=True)
        if size is not None and count < size:
            click.echo(f"There are no {size:,} to draw: these are all.", err=True)
    shared.show_refused(refused)
    if refused:
        sys.exit(shared.FINISHED_WITH_GAPS)


@command.command("add")
@click.argument("name")
@click.argument("ids", nargs=-1, required=True)
@click.pass_context
def add(context: click.Context, name: str, ids: tuple[str, ...]) -> None:
    """Add conversations by their ids.

    \b
    Examples:
      archiver case add 2026-17 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f
    """
    with shared.opened(context) as archive:
        case = case_of(archive, name)
        count = add_to_case(archive, case, [archive.file.vault.completed(id_) for id_ in ids])
    click.echo(f"{counted(count, 'conversation')} added", err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.cases/1.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List all cases.

    \b
    Examples:
      archiver case list
      archiver case list --json
    """
    with shared.opened(context) as archive:
        if as_json:
            shared.print_json(cases_json(archive))
            return
        cases = [(case, counts_of(items_of(archive, case))) for case in cases_of(archive)]
    for case, counts in cases:
        told = f"{counted(counts['all'], 'conversation')}, {counts['unread']:,} unread, {counts['relevant']:,} relevant"
        click.echo(f"{one_line(case.name)}  {told}  {one_line(case.query or '-')}  {one_line(case.reason)}")
    click.echo(counted(len(cases), "case"), err=True)


@command.command("show")
@click.argument("name")
@click.option("--unread", "only_unread", is_flag=True, help="Only those that nobody has read.")
@click.option("--tag", help="Only those with a tag.")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Only those of a status.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.review/1.")
@click.pass_context
def show(
    context: click.Context, name: str, only_unread: bool, tag: str | None, status: str | None, as_json: bool
) -> None:
    """Show a case: its conversations, what reviewers say, and what a sample says of all.

    \b
    Examples:
      archiver case show 2026-17
      archiver case show 2026-17 --unread
      archiver case show 2026-17 --json
    """
    with shared.opened(context) as archive:
        case = case_of(archive, name)
        later = bring_up_to_date(archive, case)
        archive.audit(Action.VIEW, what="case", to=name)
        items, estimated = items_of(archive, case), estimate(archive, case)
        chosen = [
            item for item in items
            if (not only_unread or item.read_at is None) and tag in (None, *item.tags) and status in (None, item.status)
        ]  # fmt: skip
        if as_json:
            shared.print_json(case_json(case, chosen, estimated))
            return
    for item in chosen:
        click.echo("  ".join(_parts(item)))
    if later:
        click.echo(f"{counted(later, 'conversation')} came into the case since", err=True)
    for line in _summary(items, estimated):
        click.echo(line, err=True)


def _parts(item: CaseItem) -> Iterator[str]:
    yield safe(item.conversation_id)
    yield item.part.value
    yield item.status.value
    yield "unread" if item.read_at is None else f"read by {one_line(item.reviewer or '?')}"
    if item.tags:
        yield f"[{one_line(', '.join(item.tags))}]"
    if item.note:
        yield one_line(item.note)


def _summary(items: list[CaseItem], estimated: Estimate | None) -> Iterator[str]:
    yield ", ".join(f"{count:,} {name}" for name, count in counts_of(items).items())
    if estimated:
        shares = f"{estimated.share_from:.1%} to {estimated.share_to:.1%}"
        yield (
            f"Of {estimated.population:,} conversations, {estimated.at_least:,} to {estimated.at_most:,} ({shares}) are"
            f" relevant, with 95 % confidence: {estimated.relevant:,} of {estimated.reviewed:,} reviewed were"
        )


@command.command("mark")
@click.argument("name")
@click.argument("conversation")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="What it is.")
@click.option("--tag", "tags", multiple=True, help="A tag to add; may be repeated.")
@click.option("--untag", "untags", multiple=True, help="A tag to take away.")
@click.option("--note", help="A note, instead of the one before.")
@click.pass_context
def mark(
    context: click.Context, name: str, conversation: str, status: str | None, tags: tuple[str, ...],
    untags: tuple[str, ...], note: str | None,
) -> None:  # fmt: skip
    """Say what a conversation of a case is; without an option, only that it was read.

    \b
    Examples:
      archiver case mark 2026-17 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --status relevant --tag insider
      archiver case mark 2026-17 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --note "see message 17"
    """
    with shared.opened(context) as archive:
        case = case_of(archive, name)
        item = item_of(archive, case, archive.file.vault.completed(conversation))
        kept = [tag for tag in (*item.tags, *tags) if tag not in untags]
        changed = replace(
            item, status=Status(status) if status else item.status, tags=tuple(dict.fromkeys(kept)),
            note=item.note if note is None else note,
        )  # fmt: skip
        marked = mark_item(archive, case, changed)
    click.echo("  ".join(_parts(marked)), err=True)


@command.command("remove")
@click.argument("name")
@click.option("--reason", required=True, help="Why it is removed; it is audited.")
@click.pass_context
def remove(context: click.Context, name: str, reason: str) -> None:
    """Remove a case with what reviewers said. The conversations stay in the archive.

    \b
    Examples:
      archiver case remove missed --reason "a misspelt query"
    """
    with shared.opened(context) as archive:
        remove_case(archive, case_of(archive, name), reason)
    click.echo(f"{one_line(name)} is removed.", err=True)


@command.command("export")
@click.argument("name")
@click.option("--output", "output", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="The package: docs/export.md.")  # fmt: skip
@click.option("--only", type=click.Choice([status.value for status in Status]), help="Only those of a status.")
@click.option("--force", is_flag=True, help="Replace the folder if it exists.")
@click.pass_context
def export(context: click.Context, name: str, output: Path, only: str | None, force: bool) -> None:
    """Write the conversations of a case as a package that checks itself, with what reviewers say of each.

    \b
    Examples:
      archiver case export 2026-17 --output package-2026-17
      archiver case export 2026-17 --only relevant --output relevant-2026-17
    """
    with shared.opened(context) as archive:
        archive.view.check_raw()
        case = case_of(archive, name)
        bring_up_to_date(archive, case)
        archive.audit(Action.EXPORT, what="case", to=name, format="case", output=str(output))
        chosen = [item for item in items_of(archive, case) if only in (None, item.status)]
        ids = {item.conversation_id for item in chosen}
        records = (archive.file.vault.current(id_) for id_ in archive.file.vault.ids_by_start() if id_ in ids)
        reviews = Reviews(case_json(case, chosen, estimate(archive, case)), _words(archive, case, only))
        wanted = Wanted(output, "case", force, reviews)
        done = show_folder(context, archive, wanted, archive.parse(case.query), records, len(ids))
    for id_ in done.unreadable:
        click.echo(f"Not readable, in unreadable.ndjson: {safe(id_)}", err=True)
    if done.unreadable:
        sys.exit(shared.FINISHED_WITH_GAPS)


def _words(archive: Archive, case: Case, only: str | None) -> str:
    which = f"the {only} conversations" if only else "the conversations"
    return f"{which} of the case {case.name} ({case.reason}), which was made of {origin_of(archive, case)}"
