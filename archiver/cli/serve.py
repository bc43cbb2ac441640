"""`archiver serve`."""

from __future__ import annotations

import gc
import signal
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click
from click.core import ParameterSource

from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.follow import ended_by, follow, listen_at
from archiver.cli.harvest import USUAL_PAUSE, schedule_of
from archiver.config import Settings, WebAuth, web_settings
from archiver.errors import ConfigError
from archiver.foreground import Foreground
from archiver.logs import EventLogger
from archiver.progress import Silent
from archiver.service import Listen, Respond

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
USUAL = "127.0.0.1:8765"
_log = EventLogger("cli")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command("serve")
@click.option("--listen", metavar="HOST:PORT", default=USUAL, show_default=True, help="Where the page is served.")
@click.option("--harvest", "is_harvesting", is_flag=True, help="Also harvest continuously, as harvest --follow does.")
@click.option("--every", default=USUAL_PAUSE, show_default=True, help="With --harvest: how often to ask for new ones.")
@click.option("--open", "opens", is_flag=True, help="Open it in this machine's browser.")
@click.pass_context
def command(context: click.Context, listen: str, is_harvesting: bool, every: str, opens: bool) -> None:
    """Show the page where transcripts are searched and read, until Ctrl-C.

    Search, transcripts with their versions, coverage and status, for people in a browser and, with .json in the
    address, for programs. Without a login it is served to this machine only; docs/access.md tells how to let others in.
    A search brings the index up to date first, as on the command line. With --harvest the same process harvests, and
    its health and metrics are on the same address.

    \b
    Examples:
      archiver serve
      archiver serve --open
      archiver serve --harvest
      archiver --archive /data/brand serve --listen 127.0.0.1:9000
    """
    at = listen_at(listen, USUAL)
    if at is None:
        raise ConfigError("--listen off would serve nothing", hint=f"Write --listen {USUAL}.")
    if not is_harvesting and context.get_parameter_source("every") is ParameterSource.COMMANDLINE:
        raise ConfigError("--every is about a harvest", hint=f"Write: archiver serve --harvest --every {every}")
    settings = shared.settings(context)
    _tell_if_nobody_may(context, settings)
    if is_harvesting:
        _harvest(context, settings, at, every, opens=opens)
        return
    with Archive(settings) as archive:
        _ = archive.file  # an archive that can't be opened is told here, not in the browser
    show_page(context, settings, at, opens=opens)


def _tell_if_nobody_may(context: click.Context, settings: Settings) -> None:
    with Archive(settings) as archive:
        is_asked = web_settings(settings).auth is not WebAuth.NONE
        if is_asked and archive.exists and not archive.file.grants.all():
            shared.say(context, "Nobody may log in yet: archiver access add NAME --role reader")


def show_page(context: click.Context, settings: Settings, at: Listen, *, opens: bool = False) -> None:
    """Serves the page of an archive until a signal ends it."""
    from archiver.web import served

    stop = threading.Event()
    _collect_seldom()
    with ended_by(stop, *_SIGNALS), served(_opening(settings), None, at.host, at.port) as url:
        _tell(context, url, opens=opens)
        stop.wait()
    with Archive(settings) as archive:
        head = str(archive.file.audit.head())
        _log.info("audit.head", f"the audit log's head is {head}", head=head)


def _harvest(context: click.Context, settings: Settings, at: Listen, every: str, *, opens: bool) -> None:
    from archiver.web import served

    foreground = Foreground()

    @contextmanager
    def serve(respond: Respond, host: str, port: int) -> Iterator[str]:
        with served(_opening(settings), respond, host, port, foreground) as url:
            _tell(context, url, opens=opens)
            yield url

    _collect_seldom()
    archive = Archive(settings, progress=Silent(), give_way=foreground.give_way)
    is_verbose = bool(context.find_root().obj["verbose"])
    required = Listen(at.host, at.port, is_required=True)
    schedule = schedule_of(archive, every, None)
    follow([archive], schedule, required, is_verbose=is_verbose, serve=serve, signals=_SIGNALS)


def _collect_seldom() -> None:
    """Python's search for objects in circles looks at what a page was made of again and again, and finds next to
    nothing: it took a third of the time of a page. What was loaded so far is not looked at any more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def _opening(settings: Settings) -> partial[Archive]:
    return partial(Archive, settings, progress=Silent())


def _tell(context: click.Context, url: str, *, opens: bool) -> None:
    shared.say(context, f"The archive is at {url}  (Ctrl-C ends it)")
    if opens:
        webbrowser.open(url)
