"""What the errors of tantivy and the disk mean for the user."""

from __future__ import annotations

from pathlib import Path

from archiver.errors import ArchiverError, StoreBusy, StoreError


class our_errors:  # noqa: N801  (used as a statement)
    """Converts errors of tantivy and the disk into ours."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        is_panic = type(error).__name__ == "PanicException"  # tantivy's, at damage; no Exception to Python
        if isinstance(error, ArchiverError) or not (is_panic or isinstance(error, ValueError | OSError)):
            return
        words = str(error)  # tantivy has no error codes
        if "LockBusy" in words or "Lockfile" in words:
            raise busy() from error
        raise StoreError(
            f"the search index {self._folder} cannot be used: {words}",
            hint="Check the disk. If the index is damaged, rebuild it: archiver reindex",
        ) from error


def busy() -> StoreBusy:
    """The error for an index that somebody else is writing."""
    return StoreBusy(
        "another process is writing the search index",
        hint="Run the command again when that has finished. A continuous harvest has to be stopped first.",
    )
