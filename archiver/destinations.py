"""Where scheduled exports go: a folder of this machine, or a folder in a store elsewhere."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archiver.errors import ArchiveError, ConfigError

_MARK = "export.json"  # delivered last: a folder that holds it is complete
_OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"))
_STORES = _OBJECT_STORES | {"sftp"}


def is_remote(destination: str) -> bool:
    """Whether a destination is the URL of a store, such as s3://bucket/folder, and no folder of this machine."""
    return "://" in destination


def checked_destination(destination: str) -> str:
    """A destination that can be used, in full. Raises ConfigError."""
    if is_remote(destination):
        _check_url(destination)
        _store(destination)
        return destination.rstrip("/")
    path = Path(destination).absolute()
    if not path.is_dir() or ":/" in destination:
        raise ConfigError(f"there is no folder {path}", hint="Make it first, or name s3://bucket/folder.")
    return str(path)


def _check_url(destination: str) -> None:
    url = urlsplit(destination)
    if url.scheme not in _STORES:
        known = ", ".join(f"{scheme}://" for scheme in sorted(_STORES))
        raise ConfigError(f"{url.scheme}:// is no store of files", hint=f"Use one of {known}, or a folder.")
    if not url.hostname or url.query or url.fragment:
        raise ConfigError(f"{destination} names no folder of a store", hint="Such as s3://bucket/folder")
    if url.password:
        raise ConfigError("the URL holds a password", hint="Leave it to the library: docs/export.md.")


def is_delivered(place: str) -> bool:
    """Whether a complete export is at a place. Raises ConfigError, and whatever a store raises."""
    if not is_remote(place):
        return (Path(place) / _MARK).is_file()
    store, root = _store(place)
    return bool(store.exists(f"{root}/{_MARK}"))


def upload(folder: Path, url: str) -> None:
    """Uploads every file, at last the one that tells that all are there. Raises ArchiveError for one that differs."""
    store, root = _store(url)
    is_of_objects = url.partition(":")[0] in _OBJECT_STORES  # which have no folders; some would make a bucket
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if _MARK not in names:
        raise ArchiveError(f"{folder} is not complete", hint="Another program has removed files of it.")
    if store.exists(root):
        store.rm(root, recursive=True)  # what an earlier try has left: it was not complete
    for name in sorted(names, key=lambda name: name == _MARK):
        target = f"{root}/{name}"
        if not is_of_objects:
            store.makedirs(target.rpartition("/")[0], exist_ok=True)
        store.put_file(str(folder / name), target)
        size = store.info(target)["size"]
        if size != (folder / name).stat().st_size:
            raise ArchiveError(f"{url}/{name} has {size} bytes", hint="The store has not kept what it was given.")


def _store(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Credentials are those of its library: environment or files. Raises
    ConfigError.
    """
    try:
        core = importlib.import_module("fsspec.core")
        found: tuple[Any, str] = core.url_to_fs(url, skip_instance_cache=True)
    except ImportError as error:
        raise ConfigError(
            f"{url} needs a library: {error}", hint="Install it: pip install fsspec, and s3fs, gcsfs, adlfs or paramiko"
        ) from None
    except Exception as error:  # noqa: BLE001  (stores raise what they like)
        raise ConfigError(f"{url} can't be used: {error}", hint="Such as s3://bucket/folder") from None
    return found
