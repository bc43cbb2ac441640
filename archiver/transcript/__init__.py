"""From the exact bytes of a record to a transcript that a person can read. Pure and total."""

from archiver.transcript.difference import Change, changes, word_diff
from archiver.transcript.history import with_history
from archiver.transcript.projection import VERSION, project
from archiver.transcript.serialize import as_json, iso, kind_of, message_as_json, unreadable_as_json

__all__ = [
    "VERSION",
    "Change",
    "as_json",
    "changes",
    "iso",
    "kind_of",
    "message_as_json",
    "project",
    "unreadable_as_json",
    "with_history",
    "word_diff",
]
