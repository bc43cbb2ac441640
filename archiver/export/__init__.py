"""What leaves the archive as files: one writer for each format."""

from archiver.export.ndjson import lines

__all__ = [
    "lines",
]
