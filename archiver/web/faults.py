"""Errors as pages and as JSON: what is wrong, and what to do next."""

from __future__ import annotations

import traceback
from typing import Any

from archiver.errors import (
    AccessDenied,
    ArchiveError,
    ArchiverError,
    ConfigError,
    LoginNeeded,
    NotFound,
    QueryError,
    StoreBusy,
    StoreError,
    StoreUnavailable,
)
from archiver.logs import EventLogger

_log = EventLogger("web")
_UNTOLD = "the archive or its search index can't be used now"
NO_PAGE = NotFound("there is no such page", hint="Begin at the search.")
_STATUS: tuple[tuple[type[ArchiverError], int], ...] = (
    (QueryError, 400), (ConfigError, 400), (LoginNeeded, 401), (AccessDenied, 403), (NotFound, 404),
    (StoreUnavailable, 503), (StoreBusy, 503),
    (StoreError, 500),
)  # fmt: skip
_TITLES: tuple[tuple[type[ArchiverError], str], ...] = (
    (QueryError, "This query can't be read"),
    (ConfigError, "This can't be answered"),
    (LoginNeeded, "This needs a login"),
    (AccessDenied, "This is not for you"),
    (NotFound, "Not in the archive"),
    (StoreUnavailable, "The search index does not answer"),
    (StoreBusy, "The search index is being written"),
    (StoreError, "The search index can't be used"),
)


def status_of(error: ArchiverError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 503 if error.transient else 500)


def shown(error: ArchiverError) -> dict[str, Any]:
    """What a page shows of an error."""
    title = next((title for kind, title in _TITLES if isinstance(error, kind)), "This could not be done")
    return {"error": error, "title": title}


def as_json(error: ArchiverError) -> dict[str, Any]:
    """`archiver.error/1`."""
    content: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
    content["exit_code"] = error.exit_code
    if isinstance(error, QueryError):
        content["position"] = error.position
    return {"error": content}


def for_others(error: ArchiverError) -> ArchiverError:
    """An error as people at other machines are told it: of a fault of the archive or its index, whose words may name
    files and hosts of this machine, only that there is one. The log has the rest.
    """
    if not isinstance(error, ArchiveError | StoreError):
        return error
    _log.error("web.refused", f"an answer could not be given: {error.message}")
    return error.reworded(message=_UNTOLD, hint="Try again later, or ask whoever runs this archive: its log says more.")


def unexpected(error: Exception) -> ArchiverError:
    """A fault of this program, which is logged by its kind and place: its text may hold what a customer wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"
    _log.error("web.failed", f"a page could not be made: {type(error).__name__} at {place}")
    return ArchiverError(f"this program failed: {type(error).__name__}", hint="The log of the server says more.")
