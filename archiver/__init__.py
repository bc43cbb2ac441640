"""Harvests LivePerson messaging conversations, keeps them for good, and searches them.

    with archiver.open("archive") as archive:
        archive.harvest("2026-01", "2026-03")
        for hit in archive.search("refund -cancel"):
            print(hit.transcript.id)

docs/python.md shows what else an archive does, docs/architecture.md how the package is laid out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from archiver import errors
    from archiver.app import Archive, open
    from archiver.simulator import simulate

# The module of each public name. It is imported at first use, so that importing the package is quick.
_PUBLIC = {
    "Archive": "archiver.app",
    "open": "archiver.app",
    "simulate": "archiver.simulator",
    "errors": "archiver.errors",
}

__all__ = ["Archive", "errors", "open", "simulate"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'archiver' has no attribute {name!r}")
    import importlib

    module = importlib.import_module(_PUBLIC[name])
    return module if name == "errors" else getattr(module, name)
