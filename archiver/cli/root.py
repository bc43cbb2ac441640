"""The root command. Each command is imported when it is used, so that help is quick."""

from __future__ import annotations

import importlib
import io
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from archiver import __version__
from archiver.cli.streams import escape_what_cannot_be_encoded, is_text
from archiver.errors import ArchiveError, ArchiverError, ConfigError, QueryError, suggest
from archiver.visible import safe

# Name → (module, line in the root help). A test compares the line with the command's own help.
COMMANDS = {
    "demo": ("demo", "Harvest, search and read invented conversations; no account needed."),
    "doctor": ("doctor", "Check settings, network, credentials, archive, index and disk."),
    "harvest": ("harvest", "Harvest conversations from LivePerson into the archive."),
    "fetch": ("fetch", "Fetch single conversations by their ids or by consumer ids into the archive."),
    "status": ("status", "Show what the archive holds and how far the index is built."),
    "serve": ("serve", "Show the page where transcripts are searched and read, until Ctrl-C."),
    "search": ("search", "Search conversations."),
    "histogram": (
        "histogram",
        "Draw how many conversations or messages a query finds in each hour, day, week, month, quarter or year.",
    ),
    "fields": ("fields", "List the fields of the query language, with the most frequent values in this archive."),
    "terms": ("terms", "Count what each query of a list finds: one query a line, as lawyers give them."),
    "saved": (
        "saved",
        "Save searches, and be told what they find in new conversations: by a webhook, a command, a file or mail.",
    ),
    "show": ("show", "Print one conversation as a transcript."),
    "customer": (
        "customer",
        "Find everything about one customer: by a name, an e-mail address, a phone number, a customer number or an id.",
    ),
    "history": ("history", "Show every version of a conversation, and what changed from one to the next."),
    "export": (
        "export",
        "Write conversations or messages to files: NDJSON, CSV, HTML, Parquet, RSMF, vCon, or a case package.",
    ),
    "scheduled": ("scheduled", "Export again and again, to a folder or an object store."),
    "singer": ("singer", "Speak as a Singer tap, which Meltano and other loaders run as tap-archiver."),
    "certify": (
        "certify",
        "Certify what a query finds, above all that it finds nothing, and what was examined for it.",
    ),
    "case": ("case", "Put conversations together for a reason, and keep what reviewers say of each."),
    "coverage": ("coverage", "Show which days are proven complete, and how long gaps can still be closed."),
    "quarantine": ("quarantine", "List records of LivePerson that could not be read, or print one of them."),
    "erasures": ("erasures", "List text that LivePerson masked or deleted after it was archived, and decide about it."),
    "access": ("access", "Say who may see and do what on the page: persons with tokens, and groups of another login."),
    "audit": ("audit", "Show who searched, read, exported or decided what, and check that nobody changed that log."),
    "verify": ("verify", "Check that nothing in the archive was altered since it was written."),
    "upgrade": ("upgrade", "Make the archive's file smaller, by the newest format."),
    "reindex": ("reindex", "Rebuild the search index from the vault."),
    "store": ("store", "Prepare, inspect or remove the search index."),
    "kibana": ("kibana", "Put data views, searches and dashboards into Kibana."),
    "config": ("config", "Show settings and where each comes from."),
    "simulate": ("simulate", "Run a simulated LivePerson account on this machine."),
}
GROUPS = {
    "Start here": ("demo", "config", "doctor", "harvest", "fetch"),
    "Search": (
        "serve",
        "search",
        "histogram",
        "fields",
        "terms",
        "saved",
        "show",
        "history",
        "customer",
        "export",
        "certify",
        "case",
    ),
    "Operate": (
        "status",
        "coverage",
        "verify",
        "quarantine",
        "erasures",
        "access",
        "audit",
        "upgrade",
        "reindex",
        "scheduled",
        "singer",
        "store",
        "kibana",
        "simulate",
    ),
}
INTERRUPTED = 130


class Lazy(click.Group):
    """Imports each command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"No such command {args[0]!r}. {suggest(args[0], COMMANDS, what='Commands')}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"archiver.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> None:
        """Runs the command. A closed pipe ends it quietly; a full disk under our output is an error."""
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            if error.filename is not None:  # a file or folder that a command looked at, not our output
                raise ArchiveError(f"{error.filename} cannot be used: {error.strerror}", hint="Check it.") from error
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise ArchiveError(f"the output cannot be written: {error}", hint="Check the disk.") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in names])


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="archiver")
@click.option("--config", "config_file", type=click.Path(), envvar="ARCHIVER_CONFIG", help="Settings file (TOML).")
@click.option("--profile", envvar="ARCHIVER_PROFILE", help="Which account of the settings file: [profiles.NAME].")
@click.option("--archive", type=click.Path(), help="Folder of the archive (ARCHIVER_ARCHIVE).")
@click.option("--store", help="URL of the search index (ARCHIVER_STORE).")
@click.option("--account", help="LivePerson account id (ARCHIVER_ACCOUNT).")
@click.option("--tz", "timezone", metavar="ZONE", help="Time zone of the days in queries (ARCHIVER_TIMEZONE).")
@click.option("--domain-url", help="LivePerson's Domain API (ARCHIVER_DOMAIN_URL).")
@click.option(
    "--progress", type=click.Choice(["auto", "bar", "log", "none"]), default="auto", help="How to show progress."
)
@click.option("-v", "--verbose", count=True, help="Log what is done; -vv also logs each request.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", envvar="ARCHIVER_LOG_FORMAT",
    help="Log lines and errors as text, or as JSON in the Elastic Common Schema.",
)  # fmt: skip
@click.pass_context
def root(context: click.Context, /, **options: Any) -> None:
    """Archive LivePerson messaging conversations for good, and search them.

    \b
    Examples:
      archiver demo
      archiver harvest --from 90d
      archiver search 'refund "double charge" -cancel'

    Exit codes: 0 done, 1 unexpected, 2 usage or settings, 3 finished with gaps, 4 credentials,
    5 try again later, 6 store or disk, 8 another harvest is running, 9 a check found something, 130 interrupted.
    """
    from archiver.logs import show_logs

    os.umask(0o077)  # whatever a command writes is for its owner only
    context.obj = options
    as_json = options["log_format"] == "json"
    level = logging.WARNING if not options["verbose"] and not as_json else logging.INFO
    show_logs(as_json=as_json, level=logging.DEBUG if options["verbose"] > 1 else level)


def main() -> None:
    """Runs a command line and exits. Errors become messages and exit codes here, except those of one of several
    profiles.
    """
    wants_json = "--json" in sys.argv
    escape_what_cannot_be_encoded(sys.stdout, sys.stderr)
    try:
        if sys.stdout is None:  # it was closed when the program was started
            raise ArchiveError("there is no standard output", hint="Send it to a file, a pipe or /dev/null.")
        _check_text({f"argument {number}": word for number, word in enumerate(sys.argv)})
        _check_text({name: value for name, value in os.environ.items() if name.startswith("ARCHIVER_")})
        root.main(standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        if _logs_json():
            _log(error.format_message(), code="usage")
        else:
            _show_usage(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        message = (
            "Interrupted. What was archived is kept. The same command continues a harvest, or an export into a folder."
        )
        if _logs_json():
            _log(message, code="interrupted")
        else:
            click.echo(message, err=True)
        sys.exit(INTERRUPTED)
    except ArchiverError as error:
        if _logs_json():
            _log(f"{error.message}. {error.hint}" if error.hint else error.message, code=error.code)
        else:
            _report(error, wants_json)
        sys.exit(error.exit_code)


def _show_usage(error: click.ClickException) -> None:
    """What click says of a command line, which may quote characters that steer a terminal."""
    shown = io.StringIO()
    error.show(file=shown)
    click.echo(safe(shown.getvalue()), err=True, nl=False)


def _check_text(named: Mapping[str, str]) -> None:
    """Raises ConfigError for the first text that holds bytes of another encoding."""
    for name, text in named.items():
        if not is_text(text):
            encoding = sys.getfilesystemencoding().upper()
            raise ConfigError(f"{name} is not {encoding}: {safe(text)}", hint=f"Write it in {encoding}.")


def _log(message: str, *, code: str) -> None:
    from archiver.logs import EventLogger, show_logs

    show_logs(as_json=True, level=logging.INFO)  # the error may come from parsing the command line
    EventLogger("cli").error("command.failed", message, code=code)


def _logs_json() -> bool:
    """Whether JSON was asked for, also if parsing failed before that option."""
    words = " ".join(sys.argv).replace("=", " ")
    return "--log-format json" in words or os.environ.get("ARCHIVER_LOG_FORMAT") == "json"


def _report(error: ArchiverError, wants_json: bool) -> None:
    if wants_json:
        from archiver.jsontext import encode

        message, hint = safe(error.message), safe(error.hint) if error.hint else None
        content = {"code": error.code, "message": message, "hint": hint, "exit_code": error.exit_code}
        if isinstance(error, QueryError):
            content["position"] = error.position
        click.echo(encode({"error": content}), err=True)
        return
    click.echo(f"Error: {safe(error.message)}", err=True)
    if isinstance(error, QueryError):
        click.echo(f"  at character {error.position + 1} of the query", err=True)
    if error.hint:
        click.echo(f"{safe(error.hint)}", err=True)
