"""Checks addresses of servers: usable URLs, and plain http only to this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

from archiver.errors import ConfigError
from archiver.value import Value

_MASK = "********"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class ServerUrl(Value):
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
    """The address that a setting holds, without user, password, query and fragment. Raises ConfigError for what is not
    a URL, or http to another machine.
    """
    try:
        parts = urlsplit(text)
        url = ServerUrl(parts.scheme, parts.hostname or "", parts.port, parts.path.rstrip("/"))
    except ValueError:  # whose text may hold a part of the password
        url = None
    if url is None or url.scheme not in _DEFAULT_PORTS or not url.host or any(char.isspace() for char in text):
        raise ConfigError(f"{setting} {shown_url(text)!r} is not a URL", hint=f"It looks like {example}")
    if not url.is_encrypted and not is_loopback(url.host):
        raise ConfigError(
            f"{setting} {url} must be https: anything else would be sent unencrypted",
            hint="Use https://… . Only a server on this machine may be used over http.",
        )
    return url


def split_login(text: str) -> tuple[str, str | None, str | None]:
    """A URL without its user and password, then these two, if it holds a password."""
    try:
        parts = urlsplit(text)
        user, password = parts.username, parts.password
    except ValueError:
        return text, None, None
    if password is None:
        return text, None, None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, unquote(user or ""), unquote(password)


def shown_url(text: str) -> str:
    """A URL, or what was meant as one, as it may be printed: users, passwords, queries and fragments are masked."""
    scheme, slashes, rest = text.partition("//") if "//" in text else ("", "", text)
    _, login, place = rest.rpartition("@")  # the last one: a password may hold more of them, and ? and #
    address = re.split(r"[?#]", place, maxsplit=1)[0]
    more = place[len(address) : len(address) + 1]
    return f"{scheme}{slashes}{f'{_MASK}@' if login else ''}{address}{f'{more}{_MASK}' if more else ''}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def is_address(host: str) -> bool:
    """Whether a host is an address in digits."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def host_of(header: str) -> str:
    """The name in a Host header, without port and brackets, in small letters; nothing if it is none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def names_this_machine(host: str) -> bool:
    """Whether a Host header names this machine. A page in a browser can't make one that does for another name, so that
    it reads nothing by a name that leads here (DNS rebinding).
    """
    return is_loopback(host_of(host))
