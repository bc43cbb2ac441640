"""`archiver serve`."""

from __future__ import annotations

import re
import webbrowser
from functools import partial

import click

from archiver.app import Archive
from archiver.cli import context as shared
from archiver.errors import ConfigError
from archiver.progress import Silent

USUAL = "127.0.0.1:8765"
_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:]*)):([0-9]{1,5})")


@click.command("serve")
@click.option("--listen", metavar="HOST:PORT", default=USUAL, show_default=True, help="Where the page is served.")
@click.option("--open", "opens", is_flag=True, help="Open it in this machine's browser.")
@click.pass_context
def command(context: click.Context, listen: str, opens: bool) -> None:
    """Show the page where transcripts are searched and read, until Ctrl-C.

    Search, transcripts with their versions, coverage and status, for people in a browser and, with .json behind the
    address, for programs. There is no login: it is served to this machine only. A search brings the index up to date
    first, as on the command line.

    \b
    Examples:
      archiver serve
      archiver serve --open
      archiver --archive /data/brand serve --listen 127.0.0.1:9000
    """
    from archiver.web import serve

    host, port = _address(listen)
    settings = shared.settings(context)
    with Archive(settings) as archive:
        _ = archive.file  # an archive that can't be opened is told here, not in the browser
    serve(partial(Archive, settings, progress=Silent()), host, port, on_ready=partial(_tell, context, opens=opens))


def _tell(context: click.Context, url: str, *, opens: bool) -> None:
    shared.say(context, f"The archive is at {url}  (Ctrl-C ends it)")
    if opens:
        webbrowser.open(url)


def _address(listen: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(listen)
    if not match or int(match[3]) > 65_535:
        raise ConfigError(f"--listen {listen} is not an address", hint=f"Write it as HOST:PORT, such as {USUAL}.")
    return match[1] or match[2] or "127.0.0.1", int(match[3])
