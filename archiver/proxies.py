"""Which proxy a request takes by the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, and NO_PROXY, which may hold host
names, addresses and ranges of addresses, each with a port.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies

import httpx

from archiver.errors import ConfigError
from archiver.value import Value

_PLACE = re.compile(r"(\[[^\[\]]*\]|[^\[\]/:]*)(?::([0-9]{1,5}))?")
_BRACKETS = re.compile(r"^\[([^\[\]]*)\](?=/|$)")
_SCHEMES = ("http", "https", "all")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Exemption(Value):
    """An entry of NO_PROXY: a range of addresses, or a host name with all names below it ("" for every host)."""

    place: _Network | str
    port: int | None = None

    def holds(self, host: str, port: int | None) -> bool:
        if self.port is not None and self.port != port:
            return False
        if isinstance(self.place, str):
            return not self.place or host == self.place or host.endswith(f".{self.place}")
        try:
            return ipaddress.ip_address(host) in self.place
        except ValueError:
            return False


class Proxies(Value):
    """The URL of the proxy for each scheme (`all` for the others), and what is reached without one."""

    by_scheme: Mapping[str, str]
    exemptions: tuple[Exemption, ...] = ()

    def of(self, scheme: str, host: str, port: int | None) -> str | None:
        """The proxy of a request; None for a direct one."""
        bare = host.strip("[]").rstrip(".").lower()
        if any(exemption.holds(bare, port) for exemption in self.exemptions):
            return None
        return self.by_scheme.get(scheme) or self.by_scheme.get("all")


def proxies_of(variables: Mapping[str, str]) -> Proxies:
    """The proxies of variables named as by `urllib.request.getproxies`: http, https, all, no. Raises ConfigError."""
    found = {scheme: variables[scheme] for scheme in _SCHEMES if variables.get(scheme)}
    urls = {scheme: url if "://" in url else f"http://{url}" for scheme, url in found.items()}
    entries = variables.get("no", "").replace(",", " ").split()
    return Proxies(urls, tuple(map(exemption_of, entries)))


def exemption_of(entry: str) -> Exemption:
    """The meaning of an entry of NO_PROXY. Raises ConfigError for one without a meaning."""
    text = entry.rpartition("://")[2].rstrip("/").lower()
    if (network := _network(text)) is not None:
        return Exemption(network)
    match = _PLACE.fullmatch(text)
    if not match or (match[1].startswith("[") and _network(match[1]) is None):
        raise ConfigError(
            f"NO_PROXY holds {entry!r}, which is no host, address or range",
            hint="Write it as example.com, 10.0.0.0/8, fd00::/8 or [::1]:9200.",
        )
    return Exemption(_network(match[1]) or _name(match[1]), int(match[2]) if match[2] else None)


def _name(text: str) -> str:
    return text.lstrip("*").strip(".")


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(_BRACKETS.sub(r"\1", text), strict=False)
    except ValueError:
        return None


class EnvironmentTransport(httpx.BaseTransport):
    """Sends each request through the environment's proxy, or directly. Raises ConfigError for an unusable proxy."""

    def __init__(self, trust: ssl.SSLContext, proxies: Proxies | None = None) -> None:
        self._proxies = proxies or proxies_of(getproxies())
        self._ways: dict[str | None, httpx.HTTPTransport] = {None: httpx.HTTPTransport(verify=trust)}
        for scheme, url in self._proxies.by_scheme.items():
            self._ways[url] = _through(scheme, url, trust)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
        return self._ways[self._proxies.of(url.scheme, url.host, port)].handle_request(request)

    def close(self) -> None:
        for way in self._ways.values():
            way.close()


def _through(scheme: str, url: str, trust: ssl.SSLContext) -> httpx.HTTPTransport:
    options: dict[str, Any] = {"verify": trust, "proxy": url}
    try:
        return httpx.HTTPTransport(**options)
    except ImportError:
        reason = "it is a socks proxy, and socksio is not installed"
    except (ValueError, httpx.InvalidURL):  # whose text may hold the proxy's password
        reason = "it is not the URL of an http, https or socks5 proxy"
    raise ConfigError(
        f"the environment's proxy can't be used: {scheme.upper()}_PROXY: {reason}",
        hint="Correct HTTPS_PROXY, HTTP_PROXY and ALL_PROXY. For socks proxies: pip install 'httpx[socks]'",
    )
