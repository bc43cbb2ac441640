"""Settings: flag > environment > project file > user file > system file > default, each with its origin.

The only module that knows where settings come from. Files hold secrets as references only, and secrets have a type that
never shows them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path

from archiver.choices import Depth, Policies, Policy
from archiver.config.files import FileContent, read_files, settings_files
from archiver.config.options import OPTIONS, Option
from archiver.config.secrets import Secret, at_home, referred_secret, secret_file
from archiver.config.urls import split_login
from archiver.config.variables import misspelt
from archiver.errors import ConfigError, known_word, suggest
from archiver.value import Value
from archiver.zones import time_zone

_AUTH_KINDS = ("oauth2", "oauth2-v1", "oauth1", "login")
_AUTH_BY_CREDENTIAL = {"client_id": "oauth2", "app_key": "oauth1", "username": "login"}  # credential → auth
_SLOWEST, _FASTEST = 0.01, 1_000.0
_MOST_AUTOMATIC_WORKERS, _MOST_WORKERS = 4, 61  # Windows allows no more
_ACCOUNT = re.compile("[A-Za-z0-9_-]{1,64}")
_OF_PROFILES = {"archive": "archive-{profile}", "store_prefix": "archiver_{profile}"}
_PREFIX = re.compile("[a-z0-9][a-z0-9_]{0,60}")


class Setting(Value):
    value: str | Secret | None
    origin: str


class StoreAddress(Value):
    """Where the search index is, and the credentials for it. `url` is None for the embedded index; `prefix` begins the
    names of the indices. `workers`: how many processes make documents for it.
    """

    url: str | None = None
    prefix: str = "archiver"
    api_key: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    ca: Path | None = None
    workers: int = 1


class Settings(Value):
    """Every setting with its origin; the properties are checked values and raise ConfigError."""

    all: Mapping[str, Setting]
    profile: str | None = None
    notices: tuple[str, ...] = ()  # sentences about variables that are not read

    def text(self, key: str) -> str:
        """A setting that must be present."""
        value = self.all[key].value
        if isinstance(value, Secret):
            raise TypeError(f"{key} is a secret")
        if not value:
            raise self.missing(key)
        return value

    def secret(self, key: str) -> Secret:
        value = self.all[key].value
        if not isinstance(value, Secret):
            raise self.missing(key)
        return value

    def missing(self, key: str) -> ConfigError:
        option = OPTIONS[key]
        place = "as a reference, " if option.is_secret else ""
        more = " To look around without an account: archiver demo" if key == "account" else ""
        return ConfigError(
            f"{key} is not set ({option.meaning})",
            hint=f"Set {option.variable}, or {place}{key} = … in archiver.toml.{more}",
        )

    @property
    def archive(self) -> Path:
        return at_home(self._placed("archive"))

    def _placed(self, key: str) -> str:
        """A setting that may contain {account} and {profile}, so that several accounts share one configuration."""
        text = self.text(key)
        if "{account}" in text:
            text = text.replace("{account}", self.account)
        if "{profile}" in text and self.profile is None:
            raise ConfigError(
                f"{key} = {text!r} needs a profile, and none is chosen", hint="Choose one: archiver --profile NAME …"
            )
        return text.replace("{profile}", self.profile or "")

    @property
    def store(self) -> StoreAddress:
        """A user and password inside the URL are moved out of it."""
        url, user, password = self._address("store")
        prefix = self._placed("store_prefix")
        if not _PREFIX.fullmatch(prefix):
            raise ConfigError(f"store_prefix is {prefix!r}", hint="Use up to 61 small letters, digits and _.")
        key = self.optional_secret("store_api_key")
        return StoreAddress(url, prefix, key, user, password, self.path("store_ca"), self._workers())

    def _workers(self) -> int:
        text = self.text("index_workers")
        if text == "auto":
            return min(max(_cores() - 1, 1), _MOST_AUTOMATIC_WORKERS)
        if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= _MOST_WORKERS:
            raise ConfigError(f"index_workers is {text!r}", hint=f"Use auto, or a number from 1 to {_MOST_WORKERS}.")
        return int(text)

    @property
    def kibana(self) -> tuple[str, str | None, Secret | None]:
        """Kibana's URL, user and password. A user and password inside the URL are moved out of it."""
        _, user, password = self._address("kibana")
        return split_login(self.text("kibana_url"))[0], user, password

    def _address(self, server: str) -> tuple[str | None, str | None, Secret | None]:
        """The URL of the store or Kibana without user and password, and these, which have settings of their own."""
        key = {"kibana": "kibana_url"}.get(server, server)
        url, user, password = split_login(self.optional(key) or "")
        within = None if password is None else Secret(password)
        return (
            url or None,
            self.optional(f"{server}_user") or user,
            self.optional_secret(f"{server}_password") or within,
        )

    def path(self, key: str) -> Path | None:
        """A setting that names a file."""
        text = self.optional(key)
        return at_home(text) if text else None

    def optional(self, key: str) -> str | None:
        value = self.all[key].value
        return value if isinstance(value, str) and value else None

    def optional_secret(self, key: str) -> Secret | None:
        value = self.all[key].value
        return value if isinstance(value, Secret) else None

    @property
    def auth(self) -> str:
        """The authentication: as set, or as implied by the credentials."""
        kind = self.optional("auth") or self._implied_auth()
        if kind not in _AUTH_KINDS:
            raise ConfigError(
                f"auth is {kind!r} ({self.all['auth'].origin}), which is not a way to log in",
                hint=suggest(kind, _AUTH_KINDS, what="Ways to log in"),
            )
        return kind

    def _implied_auth(self) -> str:
        kinds = [kind for key, kind in _AUTH_BY_CREDENTIAL.items() if self.optional(key)]
        if not kinds:
            raise ConfigError(
                "no credentials for LivePerson are set (client_id, app_key or username)",
                hint="Set ARCHIVER_CLIENT_ID and ARCHIVER_CLIENT_SECRET for OAuth 2.0. Other ways: docs/liveperson.md",
            )
        if len(kinds) > 1:
            raise ConfigError(
                f"there are credentials for {' and for '.join(kinds)}",
                hint=f"Choose one: ARCHIVER_AUTH={' or ARCHIVER_AUTH='.join(kinds)}",
            )
        return kinds[0]

    @property
    def rate(self) -> float | None:
        """The highest request rate to LivePerson in requests per second, if set."""
        text = self.optional("rate")
        try:
            per_s = None if text is None else float(text.encode("ascii"))
        except ValueError:
            per_s = -1.0
        if per_s is not None and not _SLOWEST <= per_s <= _FASTEST:
            raise ConfigError(
                f"rate is {text!r}", hint=f"Write requests per second, from {_SLOWEST:g} to {_FASTEST:,.0f}."
            )
        return per_s

    @property
    def policies(self) -> Policies:
        return Policies(Policy(self._one_of("masking", Policy)), Policy(self._one_of("erasure", Policy)))

    @property
    def zone(self) -> tzinfo:
        """The time zone of the days that people name."""
        return time_zone(self.text("timezone"), self.all["timezone"].origin)

    @property
    def depth(self) -> Depth:
        return Depth(self._one_of("depth", Depth))

    def _one_of(self, key: str, words: Iterable[str]) -> str:
        text, known = self.text(key), tuple(words)
        if text not in known:
            raise ConfigError(f"{key} is {text!r} ({self.all[key].origin})", hint=suggest(text, known, what="Choices"))
        return text

    @property
    def account(self) -> str:
        """The account's id, which is part of every address."""
        text = self.text("account")
        if not _ACCOUNT.fullmatch(text):
            raise ConfigError(f"account is {text!r}", hint="It is the number that LivePerson shows, such as 12345678.")
        return text


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load(
    flags: Mapping[str, str | None], environment: Mapping[str, str], explicit: Path | None, usual: Sequence[Path],
    profile: str | None = None,
) -> Settings:  # fmt: skip
    """Merges all sources. `explicit` must exist and replaces the project file; `usual` are tried in order of priority.

    A profile's own settings, `[profiles.NAME]`, override those that its file has for all. Raises ConfigError for
    unreadable files, unknown keys and unknown profiles.
    """
    files = read_files(explicit, usual)
    defined = _profiles(files)
    if profile and profile not in defined:
        hint = suggest(profile, defined, what="Profiles") if defined else "Write [profiles.NAME] into archiver.toml."
        raise ConfigError(f"there is no profile {profile!r}", hint=hint)
    settings = {option.key: Setting(option.default, "default") for option in OPTIONS.values()}
    if profile:
        settings |= {key: Setting(value, "default of profiles") for key, value in _OF_PROFILES.items()}
    for path, content in reversed(files):
        for values in (content.shared, content.profiles.get(profile or "", {})):
            for key, value in values.items():
                settings[key] = Setting(_from_file(OPTIONS[key], value, path, environment), str(path))
    for option in OPTIONS.values():
        setting = _from_flags(option, flags) or _from_environment(option, environment)
        if setting:
            settings[option.key] = setting
    referenced = (value.partition(":")[2] for _, content in files for value in content.references())
    return Settings(settings, profile, misspelt(environment, referenced))


def find_settings(
    given: Mapping[str, object], *, config: str | Path | None = None, profile: str | None = None
) -> Settings:
    """The settings of this process: those given, then its environment, then the settings files. Raises ConfigError."""
    for key in given:
        known_word(key, OPTIONS, "setting")
    texts = {key: None if value is None else str(value) for key, value in given.items()}
    return load(texts, os.environ, *settings_files(config), profile)


def profiles(explicit: Path | None, usual: Sequence[Path]) -> list[str]:
    """The names of all profiles of the settings files. Raises ConfigError."""
    return _profiles(read_files(explicit, usual))


def _profiles(files: Iterable[tuple[Path, FileContent]]) -> list[str]:
    return sorted({name for _, content in files for name in content.profiles})


_FLAGS = {"timezone": "--tz"}  # options of the command line with another name


def _from_flags(option: Option, flags: Mapping[str, str | None]) -> Setting | None:
    value = flags.get(option.key)
    if not value:
        return None
    return Setting(
        Secret(value) if option.is_secret else value, _FLAGS.get(option.key, f"--{option.key.replace('_', '-')}")
    )


def _from_environment(option: Option, environment: Mapping[str, str]) -> Setting | None:
    value = environment.get(option.variable)
    if value:
        return Setting(Secret(value) if option.is_secret else value, option.variable)
    path = environment.get(f"{option.variable}_FILE") if option.is_secret else None
    return Setting(Secret(lambda: secret_file(Path(path))), f"{option.variable}_FILE") if path else None


def _from_file(option: Option, value: str, path: Path, environment: Mapping[str, str]) -> str | Secret:
    return referred_secret(option, value, path, environment) if option.is_secret else value
