"""The settings of the page: how people log in, and under which address it is reached."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from archiver.config.secrets import Secret
from archiver.config.settings import Settings
from archiver.config.urls import server_url, shown_url
from archiver.errors import ConfigError, suggest
from archiver.value import Value


class WebAuth(StrEnum):
    """How people prove who they are."""

    NONE = "none"  # not at all: for this machine only
    TOKEN = "token"  # noqa: S105  (the name of a way to log in)
    OIDC = "oidc"
    PROXY = "proxy"


class Oidc(Value):
    """An OpenID Connect provider. `groups` is the claim that lists the groups of a person."""

    issuer: str
    client_id: str
    client_secret: Secret
    groups: str
    scopes: str


class Proxy(Value):
    """A proxy that logs people in: from where it asks, its secret, and the headers in which it names people."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    secret: Secret
    secret_header: str
    user_header: str
    groups_header: str


class WebSettings(Value):
    """`url` is the address that people use, if it is another one than where the page is served. `certificate` and `key`
    are files with which the page is served over https.
    """

    auth: WebAuth
    url: str | None
    certificate: Path | None
    key: Path | None
    oidc: Oidc | None
    proxy: Proxy | None

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers reach the page over https."""
        return self.certificate is not None or (self.url or "").startswith("https://")

    @property
    def host(self) -> str | None:
        """The name under which people reach the page, if it is set."""
        return urlsplit(self.url).hostname if self.url else None


def web_settings(settings: Settings) -> WebSettings:
    """The settings of the page. Raises ConfigError, also if what the way to log in needs is missing."""
    auth, url = settings.text("web_auth"), settings.optional("web_url")
    if auth not in tuple(WebAuth):
        origin = settings.all["web_auth"].origin
        raise ConfigError(f"web_auth is {auth!r} ({origin})", hint=suggest(auth, tuple(WebAuth), what="Ways to log in"))
    certificate, key = settings.path("web_certificate"), settings.path("web_key")
    if (certificate is None) != (key is None):
        raise ConfigError("web_certificate and web_key belong together", hint="Set both, or none of them.")
    return WebSettings(
        WebAuth(auth), _url(url) if url else None, certificate, key,
        _oidc(settings) if auth == WebAuth.OIDC else None, _proxy(settings) if auth == WebAuth.PROXY else None,
    )  # fmt: skip


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ConfigError(
            f"web_url is {shown_url(text)!r}", hint="Write scheme and host only, such as https://archive.example.com"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _oidc(settings: Settings) -> Oidc:
    issuer = server_url(settings.text("oidc_issuer"), setting="oidc_issuer", example="https://login.example.com")
    return Oidc(
        str(issuer), settings.text("oidc_client_id"), settings.secret("oidc_client_secret"),
        settings.text("oidc_groups"), settings.text("oidc_scopes"),
    )  # fmt: skip


def _proxy(settings: Settings) -> Proxy:
    texts = settings.text("proxy_networks")
    try:
        networks = tuple(ip_network(text.strip()) for text in texts.split(","))
    except ValueError:
        raise ConfigError(f"proxy_networks is {texts!r}", hint="Such as 10.0.3.7/32, 127.0.0.0/8") from None
    return Proxy(
        networks, settings.secret("proxy_secret"), settings.text("proxy_secret_header"),
        settings.text("proxy_user_header"), settings.text("proxy_groups_header"),
    )  # fmt: skip
