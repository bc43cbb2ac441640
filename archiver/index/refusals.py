"""Turns whatever goes wrong with one conversation into a named refusal of it, so that it never costs another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from archiver.errors import ArchiverError
from archiver.index.results import Refusal, Version
from archiver.logs import EventLogger

_log = EventLogger("index")
_LONGEST_REASON = 1_000


def reason_of(error: Exception) -> str:
    """Why a conversation can't be indexed or shown, in words."""
    if isinstance(error, ArchiverError):
        return error.message
    return f"this program fails at it: {type(error).__name__}: {error}"[:_LONGEST_REASON]


@contextmanager
def refusing(version: Version, refuse: Callable[[Refusal], None]) -> Iterator[None]:
    """Refuses the version if the work within the context fails at it. Errors of this program's own kinds are raised:
    they are not about one conversation.
    """
    try:
        yield
    except ArchiverError:
        raise
    except Exception as error:  # noqa: BLE001  (a fault of this program at one record must not stop the others)
        message = f"conversation {version.transcript.id} is refused: {type(error).__name__}"
        _log.warning("conversation.refused", message, seq=version.seq)
        refuse(Refusal(version.seq, version.transcript.id, reason_of(error)))
