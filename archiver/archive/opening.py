"""Opens or creates an archive, and checks its account and format."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from archiver.archive import schema
from archiver.archive.connection import FILE, connect, foreign_errors
from archiver.archive.file import ArchiveFile
from archiver.errors import ConfigError
from archiver.model import Policies


def is_archive(folder: Path) -> bool:
    """Whether a folder holds an archive's file."""
    return (folder / FILE).is_file()


def open_archive(folder: Path, *, account: str | None = None, policies: Policies = Policies()) -> ArchiveFile:  # noqa: B008  (frozen)
    """The archive in a folder, which must exist; of `account`, if given. Raises ConfigError, ArchiveError."""
    path = folder / FILE
    if not path.is_file():
        what = "is not an archive" if folder.exists() else "does not exist"
        raise ConfigError(
            f"the folder {str(folder)!r} {what}",
            hint="Name the archive's folder with --archive, or make one with: archiver harvest",
        )
    archive = _opened(folder, path, policies)
    if account and archive.account != account:
        archive.close()
        raise ConfigError(
            f"{folder} is the archive of account {archive.account}, not of {account}",
            hint="Use another folder (--archive), or set the account that this archive belongs to.",
        )
    return archive


def make_archive(folder: Path, account: str, *, policies: Policies = Policies()) -> ArchiveFile:  # noqa: B008  (frozen)
    """The archive of an account, created if the folder is absent or empty. Raises ConfigError, ArchiveError."""
    path = folder / FILE
    if not path.exists():
        with foreign_errors(folder):
            if folder.exists() and not folder.is_dir():
                raise ConfigError(f"{folder} is not a folder", hint="Choose another with --archive.")
            if folder.exists() and any(folder.iterdir()):
                raise ConfigError(
                    f"{folder} is not an archive and not empty", hint="Choose an empty or a new folder with --archive."
                )
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = connect(path)
    try:
        schema.create(connection, account)
    finally:
        connection.close()
    return open_archive(folder, account=account, policies=policies)


def _opened(folder: Path, path: Path, policies: Policies) -> ArchiveFile:
    connection = connect(path)
    try:
        version = _checked_format(connection, path)
        if version < schema.VERSION:
            schema.migrate(connection)
        return ArchiveFile(folder, connection, policies)
    except BaseException:
        connection.close()
        raise


def _checked_format(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file's format. Raises ConfigError for a foreign file or a newer format."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != schema.APPLICATION_ID:
        raise ConfigError(f"{path} is not an archive of this program", hint="Name another folder with --archive.")
    if not 0 < version <= schema.VERSION:
        raise ConfigError(
            f"{path} has format {version}; this program knows format {schema.VERSION}", hint="Use a newer archiver."
        )
    return int(version)
