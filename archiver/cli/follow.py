"""`archiver harvest --follow`: the continuous harvest as a process."""

from __future__ import annotations

import logging
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from archiver.app import Archive
from archiver.errors import ConfigError
from archiver.service import Listen, Schedule
from archiver.service import follow as follow_all

_LAST_PORT = 65_535
DEFAULT_LISTEN = "127.0.0.1:9464"


def follow(archives: Sequence[Archive], schedule: Schedule, listen: str | None, *, is_verbose: bool) -> None:
    """Harvests until the process is told to stop. SIGTERM ends it with exit code 0, within seconds.

    It logs its start and the address of its health; with `is_verbose` also how each window was read, again and again.
    """
    stop = threading.Event()
    logger = logging.getLogger("archiver")
    logger.setLevel(min(logger.level, logging.INFO))
    if not is_verbose:
        logging.getLogger("archiver.harvest").setLevel(logging.WARNING)
    with ExitStack() as stack:
        stack.enter_context(_ended_by_sigterm(stop))
        for archive in archives:
            stack.enter_context(archive)
        follow_all(archives, schedule, stop=stop, listen=listen_at(listen))


def listen_at(text: str | None) -> Listen | None:
    """Where health and metrics are served: HOST:PORT, or `off`. Raises ConfigError."""
    if text == "off":
        return None
    host, _, port = (text or DEFAULT_LISTEN).rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > _LAST_PORT:
        hint = f"Write --listen {DEFAULT_LISTEN}, or --listen off."
        raise ConfigError(f"--listen {text} is not HOST:PORT", hint=hint)
    return Listen(host.strip("[]"), int(port), is_required=text is not None)


@contextmanager
def _ended_by_sigterm(stop: threading.Event) -> Iterator[None]:
    """SIGTERM ends the work between two steps, or within seconds: kept data stays kept."""

    def end(number: int, frame: object) -> None:
        stop.set()

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
