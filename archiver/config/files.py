"""Reads the settings files: which there are, and what each sets for all profiles and for one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from archiver.config.options import OPTIONS
from archiver.errors import ConfigError, suggest
from archiver.plaintext import text_of
from archiver.value import Value

_PROFILE = re.compile("[a-z0-9_]{1,30}")


def settings_files(explicit: str | Path | None) -> tuple[Path | None, list[Path]]:
    """The settings file that was named, and the usual ones, the most important first.

    The usual ones are `archiver.toml` here (unless another file was named), in the user's configuration folder, and
    `/etc/archiver/config.toml`.
    """
    import platformdirs

    usual = [] if explicit else [Path("archiver.toml")]
    usual += [Path(platformdirs.user_config_dir("archiver")) / "archiver.toml", Path("/etc/archiver/config.toml")]
    return Path(explicit) if explicit else None, usual


class FileContent(Value):
    """The settings of one file for all profiles, and for each."""

    shared: Mapping[str, str]
    profiles: Mapping[str, Mapping[str, str]]

    def references(self) -> Iterator[str]:
        """What the settings that are secrets refer to."""
        for values in (self.shared, *self.profiles.values()):
            yield from (value for key, value in values.items() if OPTIONS[key].is_secret)


def read_files(explicit: Path | None, usual: Sequence[Path]) -> list[tuple[Path, FileContent]]:
    """The existing files, the most important first. `explicit` must exist. Raises ConfigError."""
    paths = [*([explicit] if explicit else []), *filter(_is_there, usual)]
    return [(path, _read(path)) for path in paths]


def _is_there(path: Path) -> bool:
    """Whether there is a file. A folder that this user may not look into, such as another one's home, holds none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _read(path: Path) -> FileContent:
    try:
        content = tomllib.loads(text_of(path.read_bytes()))
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}", hint="Check --config and ARCHIVER_CONFIG.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", hint="Check its permissions and that it is text."
        ) from error
    named = content.pop("profiles", {})
    if not isinstance(named, dict) or not all(isinstance(values, dict) for values in named.values()):
        raise ConfigError(f"profiles in {path} must be tables", hint="Write [profiles.NAME] and its settings below it.")
    for name in named:
        if not _PROFILE.fullmatch(name):
            raise ConfigError(
                f"{path} has a profile with the name {name!r}", hint="Use up to 30 small letters, digits and _."
            )
    return FileContent(_checked(content, path), {name: _checked(values, path) for name, values in named.items()})


def _checked(values: Mapping[str, object], path: Path) -> dict[str, str]:
    for key, value in values.items():
        if key not in OPTIONS:
            raise ConfigError(f"{path} has an unknown setting {key!r}", hint=suggest(key, OPTIONS, what="Settings"))
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise ConfigError(f"{key} in {path} must be text", hint=f'Write {key} = "…".')
    return {key: str(value) for key, value in values.items()}
