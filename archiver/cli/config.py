"""`archiver config`."""

from __future__ import annotations

import re

import click

from archiver.cli import context as shared
from archiver.jsontext import pretty


@click.group("config")
def command() -> None:
    """Show settings and where each comes from.

    \b
    Examples:
      archiver config show
      ARCHIVER_ACCOUNT=12345678 archiver config show --json
    """


@command.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.config/1.")
@click.pass_context
def show(context: click.Context, as_json: bool) -> None:
    """Print every setting with its origin; secrets are masked.

    \b
    Examples:
      archiver config show
      archiver config show --json
    """
    all_settings = shared.settings(context).all
    rows = [
        (key, None if item.value is None else _shown(str(item.value)), item.origin)
        for key, item in all_settings.items()
    ]
    if as_json:
        items = [{"setting": key, "value": value, "origin": origin} for key, value, origin in rows]
        click.echo(pretty({"schema": "archiver.config/1", "settings": items}))
        return
    for key, value, origin in rows:
        click.echo(f"{key:<16} {value or '-':<40} {origin}")


def _shown(value: str) -> str:
    """Without the password that a URL may contain."""
    return re.sub(r"//[^/@]*@", "//********@", value)
