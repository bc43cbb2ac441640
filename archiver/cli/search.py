"""`archiver search`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from archiver.archive import Stretch
from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.cli.terminal import exact, highlighted, one_line
from archiver.errors import counted
from archiver.index import Assurance, Facet, Hit, Results, Sort
from archiver.query import FACETS, Match, Scope
from archiver.transcript import iso, kind_of

Facets = Mapping[str, tuple[Facet, ...]]
_SHOWN_MATCHES = 3


def _json(results: Results, worth: Assurance, text: str, scope: Scope, facets: Facets) -> dict[str, Any]:
    """`archiver.search/2`."""
    counts = {name: [{"value": item.value, "count": item.count} for item in items] for name, items in facets.items()}
    return {
        "schema": "archiver.search/2",
        "query": text,
        "understood": worth.understood,
        "scope": scope,
        "total": results.total,
        "span": _span(worth),
        "coverage": {
            "state": worth.proof, "days": worth.days, "proven_days": worth.proven_days,
            "gaps": [_gap(gap) for gap in worth.gaps],
        },
        "shallow": worth.shallow,
        "refused": worth.refused,
        "behind": worth.behind,
        "head": {"seq": worth.head[0], "link": worth.head[1]},
        "at": iso(worth.at),
        "notices": results.notices,
        "complete": results.is_complete,
        "items": [_item(hit) for hit in results.hits],
        "next": results.next,
        **({"facets": counts} if facets else {}),
    }  # fmt: skip


def _span(worth: Assurance) -> dict[str, Any] | None:
    if worth.span is None:
        return None
    return {"from": iso(worth.span.start), "to": iso(worth.span.end), "conversations": worth.conversations}


def _gap(gap: Stretch) -> dict[str, Any]:
    return {"from": iso(gap.window.start), "to": iso(gap.window.end), "state": gap.state, "reason": gap.reason}


def _item(hit: Hit) -> dict[str, Any]:
    metadata = hit.transcript.metadata
    numbers = hit.transcript.numbering()
    return {
        "conversation_id": hit.transcript.id,
        "message_id": hit.message_id,
        "start": iso(metadata.started_at),
        "end": iso(metadata.ended_at),
        "customer": [person.name for person in metadata.consumers],
        "skill": metadata.skill,
        "agents": [agent.name for agent in metadata.agents],
        "states": hit.transcript.states,
        "matches": [_match(match, numbers) for match in hit.matches],
        "unreadable": hit.fault,
    }


def _match(match: Match, numbers: Mapping[str, int]) -> dict[str, Any]:
    message = match.message
    return {
        "where": match.where,
        "path": match.path,
        "message_id": message.id if message else None,
        "number": numbers.get(message.id) if message else None,
        "sent_at": iso(message.sent_at) if message else None,
        "role": message.role if message else None,
        "sender": message.sender if message else None,
        "kind": kind_of(message) if message else None,
        "is_earlier": match.until is not None,
        "until": iso(match.until),
        "text": match.snippet.text,
        "marks": match.snippet.marks,
    }


def print_hits(results: Results) -> None:
    """Prints each hit: its conversation, and the first texts that matched."""
    for hit in results.hits:
        metadata = hit.transcript.metadata
        day = f"{metadata.started_at:%Y-%m-%d %H:%M}" if metadata.started_at else "unknown time"
        customers = ", ".join(one_line(person.name) for person in metadata.consumers) or "-"
        who = ", ".join(one_line(agent.name) for agent in metadata.agents) or "-"
        click.echo(f"{day}  {exact(hit.transcript.id)}  {one_line(metadata.skill or '-')}  {customers} with {who}")
        if hit.fault:
            click.echo(f"    not readable: {one_line(hit.fault)}")
        numbers = hit.transcript.numbering()
        lines = list(
            dict.fromkeys(f"    {_where(match, numbers)}: {highlighted(match.snippet)}" for match in hit.matches)
        )
        for line in lines[:_SHOWN_MATCHES]:
            click.echo(line)
        if len(lines) > _SHOWN_MATCHES:
            click.echo(f"    +{len(lines) - _SHOWN_MATCHES} more")


def _where(match: Match, numbers: Mapping[str, int]) -> str:
    """Where a text stands: the number, time and sender of a message, and what it is; or the path or question."""
    message = match.message
    if message is None:
        return f"{match.where} {one_line(match.path)}" if match.path else match.where
    number = f"#{numbers[message.id]} " if message.id in numbers else ""
    time = f"{message.sent_at:%m-%d %H:%M} " if message.sent_at else ""
    notes = [] if kind_of(message) == "message" else [kind_of(message)]
    notes += [match.where] if match.where in ("card", "file", "link") and match.where not in notes else []
    notes += [f"earlier text, until {match.until:%d %b %Y}"] if match.until else []
    return f"{number}{time}{one_line(message.sender)} ({', '.join([message.role.value, *notes])})"


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
@click.option("--json", "as_json", is_flag=True, help="Print archiver.search/2.")
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], scope: str, sort: str, limit: int, all_: bool, after: str | None,
    facets: tuple[str, ...], as_json: bool,
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
      archiver search 'refund' --facet skill --facet month
    """
    most = None if all_ else limit
    with shared.opened(context) as archive:
        search = archive.search(" ".join(query), scope=scope, sort=sort, limit=most, after=after)
        results = search.results()
        facet_counts = archive.count_by(search.request.query, *facets, limit=limit) if facets else {}
        worth = search.assurance(archive.believed_now())
    shared.show_notices(results.notices)
    if as_json:
        shared.print_json(_json(results, worth, search.request.query.text, Scope(scope), facet_counts))
    else:
        _print(results, Scope(scope), facet_counts)
        for sentence in worth.sentences(results.total):
            click.echo(sentence, err=True)
    if results.doubts or any(hit.fault for hit in results.hits):
        sys.exit(shared.FINISHED_WITH_GAPS)


def _print(results: Results, scope: Scope, facets: Facets) -> None:
    print_hits(results)
    _print_facets(facets)
    total = counted(results.total, "message" if scope == Scope.MESSAGE else "conversation")
    more = " (--limit or --all for more)" if len(results.hits) < results.total else ""
    click.echo(f"{len(results.hits):,} of {total}{more}", err=True)
