"""Secrets of settings files: a file holds only a reference to each, env:NAME, file:PATH or systemd:NAME."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from archiver.config.options import Option
from archiver.errors import ConfigError
from archiver.plaintext import text_of

_KINDS = ("env", "file", "systemd")


class Secret:
    """A value that must not be shown: only `reveal` returns its text. It may be read then only: who searches an archive
    needs no secret of LivePerson's.
    """

    __slots__ = ("_read",)

    def __init__(self, value: str | Callable[[], str]) -> None:
        self._read = value if callable(value) else lambda: value

    def reveal(self) -> str:
        """The text. Raises ConfigError if it has to be read from where it can't be."""
        return self._read()

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__


def referred_secret(option: Option, reference: str, path: Path, environment: Mapping[str, str]) -> Secret:
    """The secret that a setting in a file refers to. Raises ConfigError for anything but a reference."""
    kind, _, target = reference.partition(":")
    if kind not in _KINDS or not target:
        raise ConfigError(
            f"{option.key} in {path} must be a reference, not the secret itself",
            hint=f'Write {option.key} = "env:NAME", "file:PATH" or "systemd:NAME".',
        )
    return Secret(lambda: _resolved(option, kind, target, path, environment))


def _resolved(option: Option, kind: str, target: str, path: Path, environment: Mapping[str, str]) -> str:
    if kind == "env":
        if target not in environment:
            raise ConfigError(f"{option.key} in {path} refers to the variable {target}, which is not set")
        return environment[target]
    if kind == "file":
        return secret_file((path.parent / at_home(target)).absolute())
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigError(f"{option.key} in {path} is a systemd credential, and $CREDENTIALS_DIRECTORY is not set")
    # systemd grants the service's user access by an ACL, which shows as group-readable; the folder is closed.
    return _read(Path(folder) / target, closed_to=stat.S_IROTH)


def at_home(text: str) -> Path:
    """The path that a setting names; ~ is the user's home. Raises ConfigError if there is none."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ConfigError(f"{text} begins with ~, and this user has no home", hint="Write the whole path.") from None


def secret_file(path: Path) -> str:
    """The secret in a file that only its owner may read. Raises ConfigError."""
    return _read(path, closed_to=stat.S_IRGRP | stat.S_IROTH)


def _read(path: Path, *, closed_to: int) -> str:
    try:
        if path.stat().st_mode & closed_to:
            raise ConfigError(f"{path} can be read by others", hint=f"Run: chmod 600 {path}")
        return text_of(path.read_bytes()).strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"the secret file {path} cannot be read: {error}") from error
