"""Checks addresses of servers: usable URLs, and plain http only to this machine."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from archiver.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A checked address. `host` is without brackets; `path` has no slash at its end; no user and password."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def is_encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def with_port(self) -> str:
        return f"{self.scheme}://{self._place}:{self.port or _DEFAULT_PORTS[self.scheme]}{self.path}"

    @property
    def _place(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{self.scheme}://{self._place}{f':{self.port}' if self.port else ''}{self.path}"


def server_url(text: str, *, setting: str, example: str) -> ServerUrl:
    """The address that a setting holds. Raises ConfigError for what is not a URL, or http to another machine."""
    try:
        parts = urlsplit(text)
        url = ServerUrl(parts.scheme, parts.hostname or "", parts.port, parts.path.rstrip("/"))
    except ValueError as error:
        raise ConfigError(
            f"{setting} {_shown(text)!r} is not a URL: {error}", hint=f"It looks like {example}"
        ) from None
    if url.scheme not in _DEFAULT_PORTS or not url.host or any(char.isspace() for char in text):
        raise ConfigError(f"{setting} {_shown(text)!r} is not a URL", hint=f"It looks like {example}")
    if not url.is_encrypted and not is_loopback(url.host):
        raise ConfigError(
            f"{setting} {url} must be https: anything else would be sent unencrypted",
            hint="Use https://… . Only a server on this machine may be used over http.",
        )
    return url


def _shown(text: str) -> str:
    """Without the user and password that a URL may contain."""
    scheme, slashes, rest = text.partition("//")
    return scheme + slashes + rest.rpartition("@")[2]


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False
