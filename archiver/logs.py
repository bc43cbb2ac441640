"""Log lines for programs: one JSON object each, in the Elastic Common Schema. Never a conversation's text."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TextIO

import ecs_logging

from archiver import __version__
from archiver.progress import Lines

_WHO = {"service": {"name": "archiver", "version": __version__}}
_NOT_SAID = ["process", "log.original", "log.origin", "log.logger"]


def make_logger(stream: TextIO) -> logging.Logger:
    """A logger whose lines go to a stream."""
    logger = logging.Logger("archiver")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ecs_logging.StdlibFormatter(exclude_fields=_NOT_SAID))
    logger.addHandler(handler)
    return logger


class Records(Lines):
    """Progress as log records."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream, clock)
        self._logger = make_logger(stream)

    def say(self, message: str) -> None:
        self._logger.info(message, extra=_WHO)

    def fail(self, message: str, *, code: str, hint: str | None) -> None:
        """The error that ends the program."""
        extra = {"error": {"code": code, "message": message}}
        self._logger.error(f"{message}. {hint}" if hint else message, extra=_WHO | extra)
