"""`archiver access`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from archiver.access import Action, Duty, new_token, rule_of, token_hash
from archiver.app import Archive
from archiver.archive import Grant, Grantee
from archiver.cli import context as shared
from archiver.cli.terminal import one_line
from archiver.dates import parse_duration
from archiver.errors import ConfigError, StoreError, counted
from archiver.transcript import iso
from archiver.value import as_dict
from archiver.visible import safe

_GROUP = click.option("--group", "is_group", is_flag=True, help="NAME is a group of the login, not a person.")


@click.group("access")
def command() -> None:
    """Say who may see and do what on the page: persons with tokens, and groups of another login.

    Whoever can read the archive's files may do everything, also on the command line. The page asks for a login where
    the setting web_auth names one: token, oidc or proxy (docs/access.md).

    \b
    Examples:
      archiver access add mara --role compliance --expires 90d
      archiver access add support --group --role reader --rule 'skill:="Billing"'
      archiver access list
      archiver access revoke mara
    """


@command.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([duty.value for duty in Duty]))
@click.option("--rule", help="Only conversations of which this is true: skill, group, agent and the like.")
@click.option("--expires", metavar="LENGTH", help="How long it holds, such as 90d; for ever if not given.")
@click.option("--no-token", is_flag=True, help="Make no token: the person logs in otherwise.")
@_GROUP
@click.pass_context
def add(
    context: click.Context, name: str, roles: tuple[str, ...], rule: str | None, expires: str | None, no_token: bool,
    is_group: bool,
) -> None:  # fmt: skip
    """Grant roles to a person or a group, instead of what they had.

    A reader searches and reads, with customers' personal data masked, and sees coverage and status; a reviewer also
    keeps cases; an exporter also exports; compliance does all that, sees personal data for a reason, decides about
    erasures and reads the audit log. An auditor sees the audit log, coverage and status, and an admin coverage, status
    and what is granted; neither sees a conversation.

    A person gets a token, which is printed once and kept as a hash: it is their login on the page, and a bearer token
    for programs.

    \b
    Examples:
      archiver access add mara --role compliance --expires 90d
      archiver access add ed --role reader --role exporter --rule 'skill:="Billing" OR group:="EU"'
      archiver access add legal --group --role compliance
    """
    if rule is not None:
        rule_of(rule)
    if not name.strip() or not name.isprintable():
        raise ConfigError(f"the name {name!r} is none", hint="Name a person or a group.")
    kind = Grantee.GROUP if is_group else Grantee.PERSON
    token = None if is_group or no_token else new_token()
    with shared.opened(context) as archive:
        until = _until(expires, archive.now()) if expires else None
        grant = Grant(kind, name, roles, rule, until, token is not None)
        archive.audit(Action.GRANT, to=name, kind=kind.value, roles=roles, rule=rule, expires_at=iso(until))
        archive.file.grants.add(grant, token_hash(token) if token else None)
        click.echo(_line(grant), err=True)
        if rule is not None:
            click.echo(_seen_by(archive, rule), err=True)
    if token:
        click.echo("The token is shown this once. Give it to the person over a way that others can't read.", err=True)
        click.echo(token)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.access/1.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List what is granted to whom.

    \b
    Examples:
      archiver access list
      archiver access list --json
    """
    with shared.opened(context) as archive:
        grants, now = archive.file.grants.all(), archive.now()
    if as_json:
        items = [as_dict(grant) | {"is_expired": not grant.holds(now)} for grant in grants]
        shared.print_json({"schema": "archiver.access/1", "items": items})
        return
    for grant in grants:
        click.echo(_line(grant) + ("" if grant.holds(now) else "  EXPIRED"))
    click.echo(counted(len(grants), "grant"), err=True)


@command.command("revoke")
@click.argument("name")
@_GROUP
@click.pass_context
def revoke(context: click.Context, name: str, is_group: bool) -> None:
    """Take back what was granted. The token and every session of the person end at once.

    \b
    Examples:
      archiver access revoke mara
      archiver access revoke legal --group
    """
    kind = Grantee.GROUP if is_group else Grantee.PERSON
    with shared.opened(context) as archive:
        grant = archive.file.grants.one(kind, name)
        archive.audit(Action.REVOKE, to=name, kind=kind.value)
        archive.file.grants.revoke(grant)
    click.echo(f"{safe(name)} has no access any more.", err=True)


def _seen_by(archive: Archive, rule: str) -> str:
    """What a rule lets through now, for whoever may have misspelt it."""
    try:
        count = archive.search(rule, limit=0).total
    except StoreError as error:
        return f"How many conversations it is true of can't be counted now: {error.message}."
    if not count:
        return "The rule is true of no conversation now. If that is not meant, compare its values with: archiver fields"
    return f"The rule is true of {counted(count, 'conversation')} now."


def _until(length: str, now: datetime) -> datetime:
    """Raises ConfigError for what is no length of time from now."""
    try:
        return now + parse_duration(length)
    except (ValueError, OverflowError):
        raise ConfigError(f"--expires {length} is no length of time", hint="Such as 12h, 90d or 52w.") from None


def _line(grant: Grant) -> str:
    return "  ".join(_parts(grant))


def _parts(grant: Grant) -> Iterator[str]:
    yield f"{grant.kind} {one_line(grant.name)}"
    yield ", ".join(grant.roles)
    if grant.rule:
        yield f"only {one_line(grant.rule)}"
    if grant.has_token:
        yield "with a token"
    if grant.expires_at:
        yield f"until {grant.expires_at:%Y-%m-%d %H:%M} UTC"
