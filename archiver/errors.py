"""What can go wrong, grouped by who must act.

ArchiverError            internal         1
├── ConfigError          config           2
├── QueryError           query            2
├── SourceError          source           1
│   ├── AuthError        source.auth      4
│   │   └── PermissionMissing source.permission 4
│   ├── SourceUnavailable source.down     5
│   │   └── RateLimited  source.slow      5
│   ├── BadAnswer        source.answer    1
│   └── Unproven         source.short     3
├── StoreError           store            6
│   ├── StoreUnavailable store.down       5
│   ├── StoreBusy        store.busy       8
│   ├── StoreDenied      store.denied     6
│   ├── StoreOutdated    store.outdated   6
│   ├── StoreTooLarge    store.large      6
│   └── TooManyValues    store.values     6
├── ArchiveError         archive          6
│   └── ArchiveBusy      archive.busy     6
├── RecordError          record           3
├── NotFound             absent           1
├── AccessDenied         denied           4
├── LoginNeeded          login            4
├── Locked               locked           8
└── IntegrityError       integrity        9

Each class has a stable `code`, the `exit_code` of the command line, and `transient`: whether the same call may
succeed later, by which `archiver.retry` decides unless a policy says otherwise. `hint` says what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Self

# What the command line's exit codes mean; docs/exit-codes.md is made from this table.
EXIT_CODES: Mapping[int, str] = {
    0: "done, also if nothing was found",
    1: "unexpected; or there is no such conversation",
    2: "usage, settings or query; also no archive at that place, or the archive of another account",
    3: "finished, but not everything was received, proven complete or readable",
    4: "LivePerson refused the credentials or the permission; or the person may not do this",
    5: "try again later: LivePerson or Elasticsearch does not answer or asks to slow down",
    6: "the archive's file, the index or a disk can't be used",
    8: "another process is harvesting into this archive, or writing its index",
    9: "something has to be looked at: `verify`, `doctor`, `certify`, `erasures`, `customer`, `saved list`, "
    "`scheduled list`, `coverage --fail-on-gaps`",
    130: "interrupted",
}


class ArchiverError(Exception):
    """Everything that this program raises on purpose."""

    code = "internal"
    exit_code = 1
    transient = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def reworded(self, *, message: str | None = None, hint: str | None = None) -> Self:
        """The same error with another text, as a new exception: an exception that was raised is never changed."""
        other = copy(self)
        other.message, other.hint = message or self.message, hint or self.hint
        other.args = (other.message,)
        return other


class ConfigError(ArchiverError):
    """A setting or an argument has to be changed."""

    code = "config"
    exit_code = 2


class QueryError(ArchiverError):
    """The query has a fault; `position` is its offset in the query's text."""

    code = "query"
    exit_code = 2

    def __init__(self, message: str, *, position: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.position = position


class SourceError(ArchiverError):
    """LivePerson gave no usable response."""

    code = "source"


class AuthError(SourceError):
    """LivePerson refused our credentials."""

    code = "source.auth"
    exit_code = 4


class PermissionMissing(AuthError):
    """LivePerson accepts the credentials but does not permit reading conversations."""

    code = "source.permission"


class SourceUnavailable(SourceError):
    """LivePerson did not answer."""

    code = "source.down"
    exit_code = 5
    transient = True


class RateLimited(SourceUnavailable):
    """LivePerson demands a slower rate; `retry_after_s` is the wait that it named, in seconds, if any."""

    code = "source.slow"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint="Run the same command again later; it continues where it stopped.")
        self.retry_after_s = retry_after_s


class BadAnswer(SourceError):
    """LivePerson's response cannot be read."""

    code = "source.answer"


class Unproven(SourceError):
    """LivePerson's response is not proven to be complete.

    `is_reordered`: the announced count did not change and only the order of the rows differed between pages.
    """

    code = "source.short"
    exit_code = 3

    def __init__(self, message: str, *, is_reordered: bool = False) -> None:
        super().__init__(message, hint="Run the command again. Everything received so far is kept.")
        self.is_reordered = is_reordered


class StoreError(ArchiverError):
    """The search index has a problem that a retry will not cure."""

    code = "store"
    exit_code = 6


class StoreUnavailable(StoreError):
    """The search index did not answer."""

    code = "store.down"
    exit_code = 5
    transient = True


class StoreBusy(StoreError):
    """Another process is writing the search index."""

    code = "store.busy"
    exit_code = 8
    transient = True


class StoreDenied(StoreError):
    """Our credentials for the store do not allow this."""

    code = "store.denied"


class StoreOutdated(StoreError):
    """The search index was built by another version of this program and has to be built again."""

    code = "store.outdated"


class StoreTooLarge(StoreError):
    """The store does not accept a request of this size."""

    code = "store.large"


class TooManyValues(StoreError):
    """Results have more different values than the store counts exactly."""

    code = "store.values"


class ArchiveError(ArchiverError):
    """The archive's file cannot be read or written (full or read-only disk, foreign file)."""

    code = "archive"
    exit_code = 6


class ArchiveBusy(ArchiveError):
    """Another process is writing to the archive's file."""

    code = "archive.busy"
    transient = True


class RecordError(ArchiverError):
    """A record cannot be read as a conversation. Its bytes are kept."""

    code = "record"
    exit_code = 3

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="Its exact bytes: archiver show ID --raw > record.json")


class NotFound(ArchiverError):
    """The archive has no such conversation."""

    code = "absent"


class AccessDenied(ArchiverError):
    """This person may not do that."""

    code = "denied"
    exit_code = 4


class LoginNeeded(ArchiverError):
    """Nobody has logged in, or what was granted to them is over."""

    code = "login"
    exit_code = 4


class Locked(ArchiverError):
    """Another harvest of this archive is running."""

    code = "locked"
    exit_code = 8


class IntegrityError(ArchiverError):
    """The archive is not what was written; `seq` is the vault entry concerned."""

    code = "integrity"
    exit_code = 9

    def __init__(self, message: str, *, seq: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.seq = seq


def no_conversation(conversation_id: str) -> NotFound:
    """What is said of a conversation that the archive does not have, or that is not for whoever asks."""
    return NotFound(
        f"the archive has no conversation {conversation_id!r}", hint="Copy the whole id from the results of a search."
    )


def known_word(word: str, words: Iterable[str], kind: str) -> str:
    """The word, if it is one of the known ones. Raises ConfigError with the nearest one otherwise."""
    if word not in set(words):
        raise ConfigError(f"there is no {kind} {word!r}", hint=suggest(word, words, what=f"{kind}s".capitalize()))
    return word


def counted(count: int, noun: str) -> str:
    """A number with its noun, for people: 1 record, 2,000 records, 3 entries, 4 days, 5 searches."""
    plural = f"{noun}es" if noun.endswith(("ch", "sh", "s", "x")) else f"{noun}s"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else plural
    return f"{count:,} {noun if count == 1 else plural}"


def abridged(words: Sequence[str], most: int) -> str:
    """The first words of a list, for people; … stands for the others."""
    return ", ".join(words[:most]) + (", …" if len(words) > most else "")


def suggest(word: str, words: Iterable[str], *, what: str, suffix: str = "") -> str:
    """A sentence for an error's hint: the nearest known word, or all of them after the heading `what`."""
    choices = sorted(words)
    near = difflib.get_close_matches(word, choices, n=1)
    return f"Did you mean {near[0]}{suffix}?" if near else f"{what}: {', '.join(choices)}."
