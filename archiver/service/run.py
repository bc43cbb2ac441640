"""The continuous harvest as a whole: assembles its parts, serves its health, notifies systemd."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from archiver.archive import ArchiveFile
from archiver.errors import ConfigError
from archiver.harvest import Ingest, WindowReader
from archiver.index import StoreAdmin
from archiver.liveperson import CONTENT, Client
from archiver.logs import EventLogger
from archiver.progress import Silent
from archiver.service.health import served
from archiver.service.indexer import Indexer
from archiver.service.lanes import make_lanes
from archiver.service.schedule import Schedule
from archiver.service.service import Service
from archiver.service.state import ServiceState, Snapshot
from archiver.service.systemd import Notifier

_log = EventLogger("service")
_SHORTEST_FRESHNESS = timedelta(minutes=30)
_TRIES = 3  # per call: the service itself waits longer, and renews its lease meanwhile


@dataclass(frozen=True, slots=True)
class Listen:
    """Where health and metrics are served. Unless `is_required`, a taken port does not end the service."""

    host: str = "127.0.0.1"
    port: int = 9464
    is_required: bool = False


class Parts(Protocol):
    """The parts from which the service is assembled (by `archiver.app.Archive`)."""

    def client(self, *, tries: int | None = None, on_answer: Callable[[str], None] | None = None) -> Client: ...

    def make_for(self, client: Client) -> ArchiveFile: ...

    def open_store(self) -> StoreAdmin: ...

    def now(self) -> datetime: ...

    def clock_of(self, client: Client) -> Callable[[], datetime]: ...


def follow(parts: Parts, schedule: Schedule, *, account: str, stop: threading.Event, listen: Listen | None) -> None:
    """Harvests until `stop` is set. Raises errors that a person has to correct."""
    now = parts.now()
    fresh_within = max(3 * schedule.every, _SHORTEST_FRESHNESS)
    state, notifier = ServiceState(Snapshot(account, fresh_within, started_at=now, heartbeat_at=now)), Notifier()
    try:
        with ExitStack() as stack:
            client = stack.enter_context(closing(parts.client(tries=_TRIES, on_answer=state.count_answer)))
            archive = parts.make_for(client)
            clock = parts.clock_of(client)
            began = clock()
            state.change(started_at=began, heartbeat_at=began)
            ingest = Ingest(client, archive, clock=clock, progress=Silent(), steady=steady_clock(began))
            stack.enter_context(ingest.exclusive())  # before its port: a second service is told of the first one
            service = _service(ingest, Indexer(archive, parts.open_store, state), schedule, state, stop, notifier)
            service.count(began)  # so that the first answer of its health is true
            _serve_health(stack, state, clock, listen)
            service.run()
    finally:
        notifier.notify("STOPPING=1")
        if stop.is_set():
            _log.info("service.stopped", "Stopped. Everything archived so far is kept.")


def _service(
    ingest: Ingest, indexer: Indexer, schedule: Schedule, state: ServiceState, stop: threading.Event, notifier: Notifier
) -> Service:
    reader = WindowReader(ingest, content=",".join(CONTENT))

    def tick() -> None:
        snapshot = state.read()
        notifier.tick(f"{snapshot.level(ingest.clock())}, {snapshot.counts.head:,} vault entries")

    return Service(ingest, make_lanes(ingest, reader, schedule), indexer, state, stop, on_tick=tick)


def steady_clock(began: datetime) -> Callable[[], datetime]:
    """A clock that shows `began` now, goes on, and never jumps, whatever happens to the machine's."""
    began_s = time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - began_s)


def _serve_health(
    stack: ExitStack, state: ServiceState, clock: Callable[[], datetime], listen: Listen | None
) -> None:  # fmt: skip
    """Serves health and metrics until the stack is left."""
    if listen is None:
        return
    try:
        url = stack.enter_context(served(state, clock, listen.host, listen.port))
    except ConfigError as error:
        if listen.is_required:
            raise
        _log.warning("health.unavailable", f"{error.message}; continuing without them. {error.hint}", code=error.code)
    else:
        _log.info("health.serving", f"Health and metrics: {url}/health/harvest {url}/metrics", url=url)
