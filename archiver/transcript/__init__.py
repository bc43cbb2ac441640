"""From the exact bytes of a record to what a person reads. Pure and total."""

from archiver.transcript.projection import project
from archiver.transcript.serialize import as_json, iso

__all__ = [
    "as_json",
    "iso",
    "project",
]
