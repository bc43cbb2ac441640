"""`archiver harvest --follow`: the continuous harvest as a process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

from archiver.archive import is_archive, make_archive
from archiver.cli import wiring
from archiver.config import Settings
from archiver.errors import ConfigError
from archiver.harvest import Ingest, WindowReader
from archiver.liveperson import CONTENT
from archiver.progress import Progress
from archiver.service import Indexer, Notifier, Schedule, Service, ServiceState, Snapshot, make_lanes, served

LISTEN = "127.0.0.1:9464"
_SHORTEST_FRESHNESS = timedelta(minutes=30)
_TRIES = 3  # the service waits by itself, and beats meanwhile


def follow_account(chosen: Settings, schedule: Schedule, listen: str | None, progress: Progress) -> None:
    """Harvests until the process is told to end. SIGTERM ends it with exit code 0, within seconds."""
    stop, supervisor = threading.Event(), Notifier()
    board = ServiceState(_state(chosen, schedule))
    try:
        with _ended_by_sigterm(stop), ExitStack() as stack:
            source = stack.enter_context(
                closing(wiring.contact_center(chosen, progress, tries=_TRIES, on_answer=board.count_answer))
            )
            if not is_archive(chosen.archive):
                source.prove_access(wiring.now())
            archive = stack.enter_context(make_archive(chosen.archive, chosen.account, policies=chosen.policies))
            _serve_health(stack, board, listen, progress)
            ingest = Ingest(source, archive, clock=wiring.now, progress=progress)
            _service(chosen, ingest, schedule, board, stop, supervisor).run()
    except KeyboardInterrupt:
        if not stop.is_set():
            raise
    finally:
        supervisor.tell("STOPPING=1")
    progress.say("Stopped. What was kept stays kept.")


def _service(
    chosen: Settings,
    ingest: Ingest,
    schedule: Schedule,
    board: ServiceState,
    stop: threading.Event,
    supervisor: Notifier,
) -> Service:
    archive, progress = ingest.archive, ingest.progress
    indexer = Indexer(archive, lambda: wiring.index_of(chosen, archive, progress), board, progress)
    reader = WindowReader(ingest, content=",".join(CONTENT))

    def tick() -> None:
        supervisor.tick(f"{board.read().level(wiring.now())}, {board.read().facts.head:,} vault entries")

    return Service(ingest, make_lanes(ingest, reader, schedule), indexer, board, stop, on_tick=tick)


def _state(chosen: Settings, schedule: Schedule) -> Snapshot:
    now = wiring.now()
    return Snapshot(chosen.account, max(3 * schedule.every, _SHORTEST_FRESHNESS), started_at=now, beat_at=now)


def _serve_health(stack: ExitStack, board: ServiceState, listen: str | None, progress: Progress) -> None:
    """Where no place was named, a port that is taken costs the pages, not the harvest."""
    if listen == "off":
        return
    host, _, port = (listen or LISTEN).rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--listen {listen} is no HOST:PORT", hint=f"Write --listen {LISTEN}, or --listen off.")
    try:
        url = stack.enter_context(served(board, wiring.now, host.strip("[]"), int(port)))
    except ConfigError as error:
        if listen:
            raise
        progress.say(f"{error.message}; going on without them. {error.hint}")
        return
    progress.say(f"Health and metrics: {url}/health/harvest {url}/metrics")


@contextmanager
def _ended_by_sigterm(stop: threading.Event) -> Iterator[None]:
    """Between two steps at once; within one as Ctrl-C does: what was kept stays kept."""

    def end(number: int, frame: object) -> None:
        stop.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
