"""`archiver harvest --follow`: the continuous harvest as a process."""

from __future__ import annotations

import logging
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from archiver.app import Archive
from archiver.errors import ConfigError
from archiver.progress import Silent
from archiver.scheduling import Exporter
from archiver.service import Listen, Schedule, Serve
from archiver.service import follow as follow_all

_LAST_PORT = 65_535
DEFAULT_LISTEN = "127.0.0.1:9464"


def follow(
    archives: Sequence[Archive], schedule: Schedule, listen: Listen | None, *, is_verbose: bool,
    serve: Serve | None = None, signals: Sequence[signal.Signals] = (signal.SIGTERM,),
) -> None:  # fmt: skip
    """Harvests until the process is told to stop. The signals end it with exit code 0, within seconds.

    It logs its start and the address of its health, which `serve` serves; with `is_verbose` also how each window was
    read, again and again.
    """
    stop = threading.Event()
    logger = logging.getLogger("archiver")
    logger.setLevel(min(logger.level, logging.INFO))
    if not is_verbose:
        logging.getLogger("archiver.harvest").setLevel(logging.WARNING)
    with ExitStack() as stack:
        stack.enter_context(ended_by(stop, *signals))
        for archive in archives:
            stack.enter_context(archive)
            exporter = Exporter(partial(Archive, archive.settings, progress=Silent()), stop)
            threading.Thread(target=exporter.run, daemon=True, name="exports").start()
        follow_all(archives, schedule, stop=stop, listen=listen, serve=serve)


def listen_at(text: str | None, usual: str = DEFAULT_LISTEN) -> Listen | None:
    """Where something is served: HOST:PORT, or `off`. Raises ConfigError."""
    if text == "off":
        return None
    host, _, port = (text or usual).rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > _LAST_PORT:
        off = ", or --listen off" if usual == DEFAULT_LISTEN else ""
        hint = f"Write --listen {usual}{off}."
        raise ConfigError(f"--listen {text} is not HOST:PORT", hint=hint)
    return Listen(host.strip("[]"), int(port), is_required=text is not None)


@contextmanager
def ended_by(stop: threading.Event, *signals: signal.Signals) -> Iterator[None]:
    """Within the context these signals end the work between two steps, or within seconds: kept data stays kept."""

    def end(number: int, frame: object) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
