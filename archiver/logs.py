"""Events of the running program: standard log records with an event name, a sentence and fields.

Progress is for people who watch; these records are for later analysis. Text and JSON are two formatters of the same
records. No record holds a message's text, a name or a secret. Loggers are `archiver.<room>`; a program that imports
this package configures them with the standard `logging` module.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TextIO

from archiver.progress import write_line

# Every event and when it is logged. docs/logs.md is made from this table.
EVENTS: Mapping[str, str] = {
    "variable.unknown": "an environment variable looks like one of this program and is not read",
    "command.failed": "a command ended with an error",
    "archive.mended": "rows that steer the harvest held what this program can't have written, and were put right",
    "archive.head": "a harvest, a fetch or an export ended, or a service goes on: the head to note in another place",
    "request.sent": "a request is sent to LivePerson; with its parameters, never its body",
    "request.answered": "LivePerson answered a request",
    "request.retried": "a request to LivePerson failed and is retried after a wait",
    "clock.differs": "this machine's clock differs from LivePerson's by more than a minute; LivePerson's time is used",
    "clock.healed": "what was recorded when the clock was wrong is withdrawn, and read again",
    "host.found": "the Domain API named the host of a service",
    "host.moved": "the Domain API named another host for a service",
    "harvest.started": "a harvest began, or continued an interrupted one",
    "harvest.finished": "a harvest ended; with what it read",
    "page.kept": "one page was kept in the archive",
    "window.recorded": "a window was read to its end: sealed, provisional or unproven",
    "window.asked": "a window is requested",
    "window.older": "what LivePerson still returns of a time before the 13 months that it keeps was read",
    "window.reread": "a window with truncated records is read again at the end",
    "window.split": "a window is read in halves",
    "window.unproven": "a window is not proven complete, with the reason",
    "conversation.vanished": "LivePerson lists archived conversations no more, within a time that it keeps",
    "window.unsealed": "a window that was proven complete has to be proven again",
    "lookup.failed": "conversations could not be looked up by their ids",
    "lookup.paused": "look-ups by id fail; records are kept as a search returns them",
    "search.unproven": "a search for records that a look-up did not return is not proven complete",
    "conversations.deepened": "conversations that were archived as a search returns them are read by their ids",
    "lookup.stopped": "look-ups of open conversations are left to the next harvest",
    "sweep.unproven": "not all changed conversations of a span are proven to be received",
    "check.failed": "a sealed window could not be checked against LivePerson's present count",
    "lane.failed": "a step of a lane of the service failed; it is retried after a wait",
    "account.paused": "all work of an account waits: refused credentials, or a disk or file that can't be written",
    "account.resumed": "what all work of an account waited for is over",
    "account.ended": "an account is not harvested any more: wrong settings, or another harvester",
    "service.started": "the service harvests an account from now on",
    "service.stopped": "the service ended because it was asked to stop",
    "health.serving": "health and metrics can be read at an address",
    "health.unavailable": "health and metrics can't be served; the harvest continues without them",
    "conversation.refused": "the index can't hold a conversation; it is kept, and the others go on",
    "health.failed": "health or metrics could not be made because of a fault in the program",
    "index.applied": "vault entries were applied to the index",
    "index.rebuilding": "the index is rebuilt from the vault",
    "index.failed": "the index can't be written; harvesting continues and the write is retried",
    "index.recovered": "the index can be written again",
    "index.busy": "another process was writing the index after a harvest",
    "index.stale": "a count or list was made with an index that is not up to date",
    "index.throttled": "Elasticsearch takes no documents now; they are sent again after a wait",
    "index.settings_kept": "the API key may not change index settings, so a large indexing run is slower",
    "search.disabled": "a saved search can't be read any more; it stays, and is looked at no more",
    "export.failed": "a scheduled export could not be made; it is tried again after ten minutes",
    "export.missed": "more scheduled exports were missed than are made up for",
    "export.short": "a scheduled export is made, and lacks what could not be searched or read",
    "exports.failed": "scheduled exports could not be looked at; that is tried again",
    "alert.failed": "what a saved search has found could not be told; it is tried again, or kept as dead",
    "alerts.failed": "saved searches could not be looked at; that is tried again after a wait",
    "audit.head": "a page ended, or a service goes on: the audit log's head, to note in another place",
    "audit.impossible": "a question is not in the audit log, because this user may not write the archive",
    "login.failed": "the provider of the page's login gave no usable answer",
    "login.refused": "what the provider of the page's login said could not be trusted",
    "web.refused": "the page could not answer somebody at another machine, because of the archive or its index",
    "web.unencrypted": "the page is served to other machines without https",
    "web.failed": "a page could not be made because of a fault in the program",
    "profile.started": "the harvest of one of several profiles begins",
    "profile.failed": "the harvest of one of several profiles failed; the others go on",
}

_SERVICE = {"name": "archiver"}
_LEFT_OUT = ["process", "log.original", "log.origin"]  # of the Elastic Common Schema

logging.getLogger("archiver").addHandler(logging.NullHandler())


class EventLogger:
    """Logs events of one room. Fields are numbers, texts or moments, never what people wrote."""

    def __init__(self, room: str) -> None:
        self._logger = logging.getLogger(f"archiver.{room}")

    def debug(self, event: str, message: str, **fields: Any) -> None:
        self._note(logging.DEBUG, event, message, fields)

    def info(self, event: str, message: str, **fields: Any) -> None:
        self._note(logging.INFO, event, message, fields)

    def warning(self, event: str, message: str, **fields: Any) -> None:
        self._note(logging.WARNING, event, message, fields)

    def error(self, event: str, message: str, **fields: Any) -> None:
        self._note(logging.ERROR, event, message, fields)

    def _note(self, level: int, event: str, message: str, fields: Mapping[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", message, extra={"event": event, "fields": fields})


class ConsoleHandler(logging.Handler):
    """Writes records to a stream, above a progress bar if one is drawn there."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            write_line(self.format(record), self._stream)
        except Exception:  # noqa: BLE001  (logging's own convention: a record that can't be written ends nothing)
            self.handleError(record)


def show_logs(*, as_json: bool, level: int, stream: TextIO | None = None) -> None:
    """Writes this program's log records to a stream, by default standard error: one line each, as text or JSON."""
    handler = ConsoleHandler(stream or sys.stderr)
    handler.setFormatter(_json_formatter() if as_json else logging.Formatter("%(message)s"))
    logger = logging.getLogger("archiver")
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False


def _json_formatter() -> logging.Formatter:
    """Elastic Common Schema: the event's name is `event.action`, its fields are below `archiver`."""
    import ecs_logging

    class EventFormatter(ecs_logging.StdlibFormatter):
        def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
            event, fields = record.__dict__.pop("event", None), record.__dict__.pop("fields", {})
            content: dict[str, Any] = super().format_to_ecs(record)
            content["service"] = dict(_SERVICE)
            if event:
                content["event"] = {"action": event, "dataset": "archiver"}
            if "code" in fields:
                content["error"] = {"code": fields["code"], "message": record.getMessage()}
            if fields:
                content["archiver"] = {name: _plain(value) for name, value in fields.items()}
            record.__dict__.update(event=event, fields=fields)
            return content

    return EventFormatter(exclude_fields=_LEFT_OUT)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
