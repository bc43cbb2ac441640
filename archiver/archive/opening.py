"""Opens or creates an archive, and checks its account and format."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from archiver.archive import schema
from archiver.archive.connection import FILE, connect, connect_read_only, foreign_errors
from archiver.archive.file import ArchiveFile
from archiver.archive.log_file import has_log
from archiver.archive.tables import APPLICATION_ID, VERSION
from archiver.choices import Policies
from archiver.errors import ArchiveError, ConfigError
from archiver.foreground import GiveWay, go_on
from archiver.private import make_private_folder

_OTHER_FOLDER = "Name another folder with --archive, or restore this one from a backup."


def is_archive(folder: Path) -> bool:
    """Whether a folder holds an archive's file, or something in its place, which opening it tells."""
    try:
        (folder / FILE).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def identity_of(folder: Path) -> tuple[int, int] | None:
    """Which file an archive's is, as the file system numbers it; None if there is none."""
    try:
        state = (folder / FILE).stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def open_archive(
    folder: Path, *, account: str | None = None, policies: Policies = Policies(), give_way: GiveWay = go_on  # noqa: B008  (frozen)
) -> ArchiveFile:  # fmt: skip
    """The archive in a folder, which must exist; of `account`, if given. One that this process may not write is read
    only. Raises ConfigError, ArchiveError.
    """
    path = folder / FILE
    if not is_archive(folder):
        what = "is not an archive" if folder.exists() else "does not exist"
        raise ConfigError(
            f"the folder {str(folder)!r} {what}",
            hint="Name the archive's folder (--archive or ARCHIVER_ARCHIVE), or make one with: archiver harvest",
        )
    archive = _opened(folder, path, policies, give_way)
    if account and archive.account != account:
        archive.close()
        raise ConfigError(
            f"{folder} is the archive of account {archive.account}, not of {account}",
            hint="Use another folder (--archive), or set the account that this archive belongs to.",
        )
    return archive


def make_archive(
    folder: Path, account: str, *, policies: Policies = Policies(), give_way: GiveWay = go_on  # noqa: B008  (frozen)
) -> ArchiveFile:  # fmt: skip
    """The archive of an account, created if the folder is absent or empty. Raises ConfigError, ArchiveError."""
    path = folder / FILE
    with foreign_errors(folder):
        if not is_archive(folder):
            _make_folder(folder)
        elif not _may_write(path) or _is_cut_off(path):
            return open_archive(folder, account=account, policies=policies, give_way=give_way)
    connection = connect(path)
    try:
        schema.create(connection, account)
    finally:
        connection.close()
    return open_archive(folder, account=account, policies=policies, give_way=give_way)


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder", hint="Choose another with --archive.")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"{folder} is not an archive and not empty", hint="Choose an empty or a new folder with --archive."
        )
    make_private_folder(folder)


def _is_cut_off(path: Path) -> bool:
    """Whether an empty file was an archive once: something else lies beside it. One just being made is alone."""
    if path.stat().st_size or not path.is_file():
        return False
    return any(not item.name.startswith(FILE) for item in path.parent.iterdir()) or has_log(path)


def _may_write(path: Path) -> bool:
    """Whether this process may write the file and beside it, as SQLite does."""
    return all(os.access(item, os.W_OK, effective_ids=True) for item in (path, path.parent))


def _opened(folder: Path, path: Path, policies: Policies, give_way: GiveWay) -> ArchiveFile:
    with foreign_errors(folder):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ArchiveError(f"{path} is not a file", hint=_OTHER_FOLDER)
        is_writable = _may_write(path)
    connection = connect(path) if is_writable else connect_read_only(path)
    try:
        version = _checked_format(connection, path)
        if version < VERSION:
            _migrate(connection, path, version, is_writable=is_writable)
        return ArchiveFile(folder, connection, policies, is_writable=is_writable, give_way=give_way)
    except BaseException:
        connection.close()
        raise


def _migrate(connection: sqlite3.Connection, path: Path, version: int, *, is_writable: bool) -> None:
    if not is_writable:
        raise ArchiveError(
            f"{path} has the older format {version}, and can't be converted, because it is read-only",
            hint="Copy the whole folder to where you may write, and name the copy with --archive.",
        )
    schema.migrate(connection)


def _checked_format(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file's format. Raises ArchiveError for a foreign or damaged file, or a newer format."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        what = "is not an archive of this program, or is damaged" if path.stat().st_size else "is empty"
        raise ArchiveError(f"{path} {what}", hint=_OTHER_FOLDER)
    if not 0 < version <= VERSION:
        raise ArchiveError(
            f"{path} has format {version}; this program knows format {VERSION}",
            hint="Use a newer archiver. If there is none, the file is damaged: restore it from a backup.",
        )
    return int(version)
