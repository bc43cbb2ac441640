"""Writes conversations to files: one writer per format."""

from archiver.export.ndjson import lines

__all__ = [
    "lines",
]
