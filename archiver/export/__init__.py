"""Writes conversations and messages to files: one writer per format."""

from archiver.export.messages import message_lines
from archiver.export.ndjson import lines

__all__ = [
    "lines",
    "message_lines",
]
