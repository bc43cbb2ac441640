"""`archiver search`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.cli.terminal import exact, highlighted, one_line
from archiver.errors import counted
from archiver.index import Facet, Hit, Results, Sort
from archiver.query import FACETS, Match, Scope
from archiver.transcript import iso

Facets = Mapping[str, tuple[Facet, ...]]
_SHOWN_MATCHES = 3


def _json(results: Results, scope: Scope, facets: Facets) -> dict[str, Any]:
    counts = {name: [{"value": item.value, "count": item.count} for item in items] for name, items in facets.items()}
    return {
        "schema": "archiver.search/1",
        "scope": scope,
        "total": results.total,
        "items": [_item(hit) for hit in results.hits],
        "next": results.next,
        "notices": results.notices,
        "complete": results.is_complete,
        **({"facets": counts} if facets else {}),
    }


def _item(hit: Hit) -> dict[str, Any]:
    metadata = hit.transcript.metadata
    return {
        "conversation_id": hit.transcript.id,
        "message_id": hit.message_id,
        "start": iso(metadata.started_at),
        "end": iso(metadata.ended_at),
        "skill": metadata.skill,
        "agents": [agent.name for agent in metadata.agents],
        "matches": [_match(match) for match in hit.matches],
        "unreadable": hit.fault,
    }


def _match(match: Match) -> dict[str, Any]:
    message = match.message
    return {
        "where": match.where,
        "message_id": message.id if message else None,
        "role": message.role if message else None,
        "sent_at": iso(message.sent_at) if message else None,
        "text": match.snippet.text,
        "marks": match.snippet.marks,
    }


def print_hits(results: Results) -> None:
    for hit in results.hits:
        metadata = hit.transcript.metadata
        day = f"{metadata.started_at:%Y-%m-%d %H:%M}" if metadata.started_at else "unknown time"
        who = ", ".join(one_line(agent.name) for agent in metadata.agents)
        click.echo(f"{day}  {exact(hit.transcript.id)}  {one_line(metadata.skill or '-')}  {who}")
        if hit.fault:
            click.echo(f"    not readable: {one_line(hit.fault)}")
        for match in hit.matches[:_SHOWN_MATCHES]:
            who = match.message.role.value if match.message else match.where
            click.echo(f"    {who}: {highlighted(match.snippet)}")
        if len(hit.matches) > _SHOWN_MATCHES:
            click.echo(f"    +{len(hit.matches) - _SHOWN_MATCHES} more")


def _print_facets(facets: Facets) -> None:
    for name, items in facets.items():
        click.echo(f"\nConversations by {name}")
        for item in items:
            click.echo(f"{item.count:>10,}  {one_line(item.value)}")


@click.command("search", cls=QueryCommand)
@click.argument("query", nargs=-1, required=True)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default="conversation",
    help="What a hit is; the whole query must match within it.",
)
@click.option("--sort", type=click.Choice([sort.value for sort in Sort]), default="newest", help="Order of the hits.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Hits to show.")
@click.option("--all", "all_", is_flag=True, help="Show every hit; not with --sort relevance.")
@click.option("--after", metavar="CURSOR", help="Continue after a page: the `next` of its JSON.")
@click.option(
    "--facet",
    "facets",
    multiple=True,
    type=click.Choice(list(FACETS)),
    help="Count the matching conversations by this field.",
)
@click.option("--json", "as_json", is_flag=True, help="Print archiver.search/1.")
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], scope: str, sort: str, limit: int, all_: bool, after: str | None,
    facets: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Search conversations.

    All words must occur in the conversation, each in any of its messages, surveys, summaries or SDE values. Narrow the
    query by "a phrase", OR, -not, ( ), prefix*, and fields such as skill: agent: customer: from: status: csat: before:
    after: sde.customerId:. With --scope message the whole query must match within one message.

    \b
    Examples:
      archiver search 'table for four'
      archiver search '"book a hotel" -cancel'
      archiver search 'reserv* skill:Restaurants after:90d' --json
      archiver search 'from:customer (lawyer OR complaint)' --scope message
      archiver search 'refund' --facet skill --facet month
    """
    most = None if all_ else limit
    with shared.opened(context) as archive:
        search = archive.search(" ".join(query), scope=scope, sort=sort, limit=most, after=after)
        results = search.results()
        facet_counts = archive.count_by(search.request.query, *facets, limit=limit) if facets else {}
    shared.show_notices(results.notices)
    if as_json:
        shared.print_json(_json(results, Scope(scope), facet_counts))
    else:
        _print(results, Scope(scope), facet_counts)
    if results.doubts or any(hit.fault for hit in results.hits):
        sys.exit(shared.FINISHED_WITH_GAPS)


def _print(results: Results, scope: Scope, facets: Facets) -> None:
    print_hits(results)
    _print_facets(facets)
    total = counted(results.total, "message" if scope == Scope.MESSAGE else "conversation")
    more = " (--limit or --all for more)" if len(results.hits) < results.total else ""
    click.echo(f"{len(results.hits):,} of {total}{more}", err=True)
