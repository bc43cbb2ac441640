"""`archiver config`."""

from __future__ import annotations

import click

from archiver.cli import context as shared
from archiver.config import OPTIONS, shown_url
from archiver.visible import safe


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
    all_settings = shared.settings(context)
    rows = [
        (key, None if item.value is None else _shown(key, str(item.value)), item.origin)
        for key, item in all_settings.all.items()
    ]
    if as_json:
        items = [{"setting": key, "value": value, "origin": origin} for key, value, origin in rows]
        notices = all_settings.notices
        shared.print_json({"schema": "archiver.config/1", "settings": items, "notices": notices})
        return
    for key, value, origin in rows:
        click.echo(f"{key:<16} {safe(value or '-'):<40} {safe(origin)}")


def _shown(key: str, value: str) -> str:
    return shown_url(value) if OPTIONS[key].is_url else value
