"""`archiver certify`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.output import output, refuse
from archiver.cli.query import QueryCommand
from archiver.errors import ConfigError, counted
from archiver.jsontext import decode, encode, pretty
from archiver.outputs import certificate_html, certificate_json, differences, is_changed, moment_of

_SCHEMA = "archiver.certificate/1"
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)  # before there were certificates


@click.command("certify", cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option(
    "--output", "name", metavar="FILE.json", help="The certificate; beside it, FILE.html is the same to print."
)
@click.option("--check", "checked", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.json",
              help="Make a certificate again, and say what is different.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the files if they exist.")
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], name: str | None, checked: Path | None, force: bool
) -> None:
    """Certify what a query finds, above all that it finds nothing, and what was examined for it.

    The certificate says how many conversations and messages lie in the span, how many days of it LivePerson's own
    counts prove complete, what was found, and what could not be searched: files, erased text, what the index refused.
    It is headed NOT PROVEN when any part of the span is not proven, or something that the query asks for could not be
    searched; the exit code is 9 then. With --check it is made again: the exit code is 0 if it says the same, also after
    the archive has grown, and 9 if not.

    \b
    Examples:
      archiver certify '"guaranteed return" started:2025-Q4' --output absence.json
      archiver certify 'insider* from:agent skill:Trading' --output insider.json
      archiver certify --check absence.json
    """
    if checked is not None:
        if query or name:
            raise click.UsageError("--check asks what the certificate asks: leave out the query and --output.")
        _check(context, checked)
        return
    if not name or not name.endswith(".json"):
        raise click.UsageError("Name the certificate with --output FILE.json, or one to check with --check FILE.json.")
    page = f"{name[:-5]}.html"
    for path in (name, page):
        refuse(path, is_replaced=force)
    with shared.opened(context) as archive:
        at = archive.believed_now().replace(microsecond=0)  # as the certificate will say it
        parsed = archive.parse(" ".join(query), at=at)
        made = certificate_json(archive, parsed, at)
        archive.audit(
            Action.EXPORT, what="certificate", query=parsed.text, hits_total=made["found"]["conversations"], output=name
        )  # fmt: skip
        shared.show_notices(made["question"]["notices"])
        for path, content in ((name, pretty(made) + "\n"), (page, certificate_html(made))):
            with output(path, is_replaced=force) as file:
                file.write(content.encode())
    _tell(made)


def _tell(made: Mapping[str, Any]) -> None:
    found, examined = made["found"], made["examined"]
    click.echo(made["heading"])
    for reason in made["reasons"]:
        click.echo(f"  {reason}")
    among = f"{counted(examined['conversations'], 'conversation')} with {counted(examined['messages'], 'message')}"
    click.echo(f"{counted(found['conversations'], 'conversation')} found among {among}")
    if made["reasons"]:
        sys.exit(shared.FOUND_SOMETHING)


def _check(context: click.Context, path: Path) -> None:
    before = _read(path)
    with shared.opened(context) as archive:
        now = _again(archive, before)
        head = before["archive"]["head"]
        seq, _, link = head.partition(":")
        holds_head = head == now["archive"]["head"] or archive.file.vault.link_at(int(seq)) == link
        archive.audit(Action.SEARCH, what="certificate", query=before["question"]["query"],
                      hits_total=now["found"]["conversations"])  # fmt: skip
    is_same = before["archive"]["id"] == now["archive"]["id"]
    told = differences(before, now, is_same_archive=is_same, holds_head=holds_head)
    for line in told:
        click.echo(line)
    if not is_same or is_changed(before, now, holds_head=holds_head):
        sys.exit(shared.FOUND_SOMETHING)
    click.echo(f"It says the same as on {before['at']}: {before['heading']}", err=True)


def _again(archive: Archive, before: Mapping[str, Any]) -> dict[str, Any]:
    """The certificate of the same question now. Days in it, such as 90d, are those of when it was first asked."""
    asked_at, question = moment_of(before), before["question"]
    if asked_at > archive.believed_now():
        raise ConfigError(f"the certificate is of {before['at']}, which is yet to come", hint="It was changed.")
    parsed = archive.parse(question["query"], at=asked_at, zone=ZoneInfo(question["zone"]))
    has_grown = before["archive"]["head"] != archive.file.vault.noted_head()
    made = certificate_json(archive, parsed, archive.believed_now() if has_grown else asked_at, question["zone"])
    again: dict[str, Any] = decode(encode(made))  # so that it can be compared with what was read
    return again


def _read(path: Path) -> dict[str, Any]:
    """A certificate. Raises ConfigError."""
    try:
        found: dict[str, Any] = decode(path.read_bytes())
        if found["schema"] != _SCHEMA:
            raise ValueError(f"it is {found['schema']}")
        if moment_of(found) < _FIRST:
            raise ValueError("its time is none")
        ZoneInfo(found["question"]["zone"])
        int(found["archive"]["head"].partition(":")[0])
        _ = (
            found["question"]["query"] + "",
            [*found["reasons"], *found["examined"], *found["not_searched"]],
            (found["made_by"]["transcripts"], found["made_by"]["words"], found["heading"]),
            found["question"]["zone"],
            found["archive"]["head"],
            found["found"]["ids_sha256"],
            found["found"]["conversations"] + found["found"]["messages"] + 0,
            found["archive"]["account"] + found["question"]["understood"] + "",
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZoneInfoNotFoundError) as error:
        raise ConfigError(
            f"{path} is no certificate: {error}", hint="Name one that archiver certify has made."
        ) from None
    return found
