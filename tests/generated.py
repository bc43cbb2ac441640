"""Pages of docs/ that are made from the program. `pytest tests/golden --update` writes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from archiver import errors
from archiver.cli.root import COMMANDS, GROUPS, root
from archiver.config import OPTIONS
from archiver.errors import EXIT_CODES, ArchiverError
from archiver.logs import EVENTS
from tests.conftest import TOP

_MADE = "<!-- Made from the program: pytest tests/golden --update -->\n"


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    docs = TOP / "docs"
    return {
        docs / "settings.md": _settings(),
        docs / "commands.md": _commands(),
        docs / "exit-codes.md": _exit_codes(),
        docs / "logs.md": _logs(),
    }


_SETTINGS = """\
# Settings

{made}
A setting comes from the first of these that has it: a flag of the command line (or a keyword of `archiver.open`), an
environment variable, `archiver.toml` in the working directory (or the file named with `--config`), `archiver.toml` in
your user configuration folder, `/etc/archiver/config.toml`, the default. `archiver config show` prints every setting in
force and where it comes from.

A secret is written into a file only as a reference: `"env:NAME"`, `"file:PATH"` or `"systemd:NAME"`. In the environment
it can also come from a file: `ARCHIVER_CLIENT_SECRET_FILE=/run/secrets/client_secret`. A secret's file must be readable
by its owner only (`chmod 600`).

| setting | environment variable | default | meaning |
|---|---|---|---|
{rows}

Flags of the root command (`--archive`, `--store`, `--account`, `--domain-url`) stand before the command:
`archiver --archive /data/brand search refund`. `ARCHIVER_CONFIG`, `ARCHIVER_PROFILE` and `ARCHIVER_LOG_FORMAT` stand for
`--config`, `--profile` and `--log-format`.

## Several accounts

Each account is a table `[profiles.NAME]` with settings of its own; settings outside of the tables are for all. An archive
belongs to one account, so a profile's archive is by default the folder `archive-NAME`, and its Elasticsearch indices begin
with `archiver_NAME`. `{{account}}` and `{{profile}}` in `archive` and `store_prefix` stand for the account's id and the
profile's name. `archiver --profile NAME …` works on one of them, `archiver harvest --all-profiles` on all.

```toml
rate = 1

[profiles.north]
account = "12345678"
client_id = "…"
client_secret = "env:NORTH_SECRET"

[profiles.south]
account = "87654321"
client_id = "…"
client_secret = "file:/etc/archiver/south_secret"
```
"""


def _settings() -> str:
    return _SETTINGS.format(made=_MADE, rows="\n".join(map(_setting, OPTIONS.values())))


def _setting(option: Any) -> str:
    variables = f"`{option.variable}`" + (f", `{option.variable}_FILE`" if option.is_secret else "")
    default = f"`{option.default}`" if option.default else "-"
    return f"| `{option.key}` | {variables} | {default} | {option.meaning.replace('|', ',')} |"


def _commands() -> str:
    parts = ["# Commands", _MADE, "Data goes to standard output, everything else to standard error."]
    parts += ["", "```text", _help(root, "archiver"), "```"]
    for title, names in GROUPS.items():
        parts += ["", f"## {title}"]
        for name in names:
            command = root.get_command(click.Context(root), name)
            assert command is not None
            parts += [
                section for path, found in _tree(command, f"archiver {name}") for section in _section(path, found)
            ]
    assert set(COMMANDS) == {name for names in GROUPS.values() for name in names}
    return "\n".join(parts) + "\n"


def _tree(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _tree(inner, f"{path} {name}")


def _section(path: str, command: click.Command) -> list[str]:
    return ["", f"### {path}", "", "```text", _help(command, path), "```"]


def _help(command: click.Command, path: str) -> str:
    with click.Context(command, info_name=path, terminal_width=100, max_content_width=100) as context:
        return command.get_help(context).rstrip()


_EXIT_CODES = """\
# Exit codes and errors

{made}
| exit code | meaning |
|---|---|
{codes}

An error is one line on standard error that says what is wrong, and one that says what to do. With `--json` it is
`{{"error": {{"code", "message", "hint", "exit_code"}}}}`; a query's error also has `position`. Python programs catch the
class (`archiver.errors`). A transient error may be gone if the same call is made later.

| code | class | exit code | transient | meaning |
|---|---|---|---|---|
{classes}
"""


def _exit_codes() -> str:
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    return _EXIT_CODES.format(made=_MADE, codes=codes, classes="\n".join(map(_error, _classes(ArchiverError))))


def _error(kind: type[ArchiverError]) -> str:
    transient = "yes" if kind.transient else "-"
    return f"| `{kind.code}` | `{kind.__name__}` | {kind.exit_code} | {transient} | {_meaning(kind)} |"


def _meaning(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split()).replace("|", ",")


def _classes(kind: type[ArchiverError]) -> Iterator[type[ArchiverError]]:
    yield kind
    for inner in kind.__subclasses__():
        if inner.__module__ == errors.__name__:
            yield from _classes(inner)


def noted_events() -> dict[str, set[str]]:
    """Every event that the program's source notes, with its levels."""
    found: dict[str, set[str]] = {}
    for path in sorted((TOP / "archiver").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            owner, level, first = ast.unparse(node.func.value), node.func.attr, node.args[0]
            if level in ("debug", "info", "warning", "error") and (owner == "_log" or "EventLogger" in owner):
                assert isinstance(first, ast.Constant), f"{path}: an event's name must be written out"
                found.setdefault(str(first.value), set()).add(level)
    return found


_LOGS = """\
# Log events

{made}
Log records go to standard error: as text, or with `--log-format json` (`ARCHIVER_LOG_FORMAT=json`) as one JSON object a
line in the Elastic Common Schema. There the event's name is `event.action`, its fields are below `archiver`, and errors
have `error.code`. Warnings and errors are always shown; `-v`, `harvest --follow` and JSON show `info`, too; `-vv` also
`debug`. No record holds a message's text, a name or a secret.

In Python they are records of the standard `logging` module, of loggers below `archiver`, with the attributes `event` and
`fields`.

| event | level | noted when |
|---|---|---|
{rows}
"""


def _logs() -> str:
    levels = noted_events()
    rows = (f"| `{event}` | {', '.join(sorted(levels.get(event, ())))} | {text} |" for event, text in EVENTS.items())
    return _LOGS.format(made=_MADE, rows="\n".join(rows))
