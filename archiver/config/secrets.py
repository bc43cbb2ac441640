"""Secrets of settings files: a file holds only a reference to each, env:NAME, file:PATH or systemd:NAME."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from archiver.config.options import Option
from archiver.errors import ConfigError
from archiver.plaintext import text_of


class Secret:
    """A value that must not be shown: only `reveal` returns its text."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__


def resolve(option: Option, reference: str, path: Path, environment: Mapping[str, str]) -> str:
    """The secret that a setting in a file refers to. Raises ConfigError."""
    kind, _, target = reference.partition(":")
    if kind == "env" and target:
        if target not in environment:
            raise ConfigError(f"{option.key} in {path} refers to the variable {target}, which is not set")
        return environment[target]
    if kind == "file" and target:
        return secret_file((path.parent / at_home(target)).absolute())
    if kind == "systemd" and target:
        folder = environment.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise ConfigError(f"{option.key} in {path} is a systemd credential, and $CREDENTIALS_DIRECTORY is not set")
        # systemd grants the service's user access by an ACL, which shows as group-readable; the folder is closed.
        return _read(Path(folder) / target, closed_to=stat.S_IROTH)
    raise ConfigError(
        f"{option.key} in {path} must be a reference, not the secret itself",
        hint=f'Write {option.key} = "env:NAME", "file:PATH" or "systemd:NAME".',
    )


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
