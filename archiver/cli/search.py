"""`archiver search`."""

from __future__ import annotations

import sys

import click

from archiver.cli import context as shared
from archiver.cli.counts import check_facets, count_lines, counts_csv, read_facets
from archiver.cli.hits import print_hits
from archiver.cli.query import QueryCommand
from archiver.errors import counted
from archiver.index import Assurance, Search, Sort, countable
from archiver.outputs import Names, counts_json, search_json
from archiver.query import Scope


@click.command("search", cls=QueryCommand)
@click.argument("query", nargs=-1, required=True)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default="conversation",
    help="What a hit is; the whole query must match within it.",
)
@click.option("--sort", type=click.Choice([sort.value for sort in Sort]), default="newest", help="Order of the hits.")
@click.option(
    "--limit",
    type=click.IntRange(0, 10_000),
    default=20,
    show_default=True,
    help="Hits to show; 0 for the counts only.",
)
@click.option("--all", "all_", is_flag=True, help="Show every hit; not with --sort relevance.")
@click.option("--after", metavar="CURSOR", help="Continue after a page: the `next` of its JSON.")
@click.option(
    "--context", "around", type=click.IntRange(0, 100), default=0, help="Messages to show before and after each match."
)
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="NAME[,NAME]",
    callback=read_facets,
    help=f"Count the results by a field, or by two as a table: {', '.join(countable(Scope.CONVERSATION))}.",
)
@click.option("--values", type=click.IntRange(1), default=20, show_default=True, help="Values to show of a facet.")
@click.option("--csv", "as_csv", is_flag=True, help="Print all counts of the one --facet as CSV, and no hits.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.search/2.")
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], scope: str, sort: str, limit: int, all_: bool, after: str | None,
    around: int, facets: tuple[Names, ...], values: int, as_csv: bool, as_json: bool,
) -> None:  # fmt: skip
    """Search conversations.

    All words must occur in the conversation, each in any of its texts: messages, cards, notes, surveys, summaries, SDE
    values, names and ids. Narrow the query by "a phrase", OR, -not, ( ), prefix*, word~1, a w/5 b, and fields such as
    skill: agent: from:agent sent: before: sde.customerId:. With --scope message the whole query must match within one
    message. Everything: docs/query-language.md.

    \b
    Examples:
      archiver search 'table for four'
      archiver search '"book a hotel" -cancel'
      archiver search 'reserv* skill:Restaurants after:90d' --json
      archiver search 'from:customer (lawyer OR complaint)' --scope message
      archiver search 'compensat* w/10 (pay OR credit) from:agent sent:2026-Q3'
      archiver --tz Europe/Berlin search 'refund on:2026-03-31'
      archiver search 'refund' --context 2
      archiver search 'refund' --sort lowest-csat
      archiver search 'refund' --limit 0 --facet skill --facet month,agent
      archiver search 'refund' --facet customer --csv > customers.csv
    """
    if as_csv and (as_json or len(facets) != 1):
        raise click.UsageError("--csv prints the counts of one --facet, without --json.")
    most = 0 if as_csv else None if all_ else limit
    area = Scope(scope)
    check_facets(facets, area)
    with shared.opened(context) as archive:
        search = archive.search(" ".join(query), scope=scope, sort=sort, limit=most, after=after)
        worth, zone, shown = search.assurance(archive.believed_now()), archive.zone, 0
        if as_csv:
            table = search.counted(zone, lambda counting: counts_csv(counting, facets[0], area))
        elif as_json:
            counts = search.counted(zone, lambda counting: counts_json(counting, facets, values)) if facets else {}
        else:
            lines = search.counted(zone, lambda counting: count_lines(counting, facets, area, values)) if facets else []
        archive.audit_search(search)
        shared.show_notices(search.notices)
        if as_csv:
            click.echo(table, nl=False)
        elif as_json:
            shared.print_json_around(*search_json(search, worth, counts, around))
        else:
            shown = print_hits(search, around, Sort(sort))
            for line in lines:
                click.echo(line)
        if not as_json:
            _print_worth(shown, search, worth)
    if search.doubts or search.faults:
        sys.exit(shared.FINISHED_WITH_GAPS)


def _print_worth(count: int, search: Search, worth: Assurance) -> None:
    shown = f"{count:,} of " if count else ""
    more = " (--limit or --all for more)" if count < search.total else ""
    click.echo(f"{shown}{counted(search.total, search.request.scope.value)}{more}", err=True)
    shared.show_worth(worth, search.total)
