"""`archiver terms`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archiver.access import Action
from archiver.cli import context as shared
from archiver.cli.term_report import term_report
from archiver.errors import ConfigError, counted
from archiver.export import as_csv
from archiver.index import TermCount
from archiver.outputs import worth_json
from archiver.plaintext import text_of
from archiver.value import as_dict, names


@click.command("terms")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print archiver.terms/1.")
@click.option("--html", "as_html", is_flag=True, help="Print a page for a browser, to be read or printed.")
@click.pass_context
def command(context: click.Context, file: Path, as_json: bool, as_html: bool) -> None:
    """Count what each query of a list finds: one query a line, as lawyers give them.

    Prints CSV: messages, conversations, conversations that no other line finds (unique), messages by customers, agents
    and bots, and private notes, which are among those of agents and bots. A line that is no query has its error in its
    row, and the others are counted (exit code 3). Empty lines and lines that begin with # are passed over. The file -
    is standard input.

    \b
    Examples:
      archiver terms terms.txt > counts.csv
      archiver terms terms.txt --json
      archiver terms terms.txt --html > report.html
      printf 'refund\\n"double charge" w/10 card\\n' | archiver terms -
    """
    if as_json and as_html:
        raise click.UsageError("Choose --json or --html.")
    queries = _read(file)
    with shared.opened(context) as archive:
        counts, notices = archive.count_terms(queries)
        worth = archive.search(limit=0).assurance(archive.believed_now())
        account = archive.file.account
        archive.audit(Action.SEARCH, queries=queries)
    shared.show_notices(notices)
    if as_json:
        answer = {"schema": "archiver.terms/1", "notices": notices, **worth_json(worth), "terms": counts}
        shared.print_json(answer)
    elif as_html:
        click.echo(term_report(counts, worth, notices, account).encode(), nl=False)
    else:
        click.echo(_csv(counts), nl=False)
        shared.show_worth(worth, sum(count.conversations or 0 for count in counts))
    wrong = sum(count.error is not None for count in counts)
    if wrong:
        click.echo(f"{wrong:,} of {counted(len(counts), 'line')} {'is' if wrong == 1 else 'are'} no query", err=True)
        sys.exit(shared.FINISHED_WITH_GAPS)


def _read(file: Path) -> list[str]:
    """The queries of a file, once each. Raises ConfigError."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        lines = [line.strip() for line in text_of(content).splitlines()]
    except (OSError, ValueError) as error:
        hint = "It must be text in UTF-8, one query a line."
        raise ConfigError(f"{file} can't be read as queries: {error}", hint=hint) from None
    queries = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not queries:
        raise ConfigError(f"{file} holds no query", hint="Write one query a line.")
    return queries


def _csv(counts: list[TermCount]) -> str:
    return as_csv(names(TermCount), map(_cells, counts))


def _cells(count: TermCount) -> tuple[object, ...]:
    return tuple("; ".join(value) if isinstance(value, tuple) else value for value in as_dict(count).values())
