"""Which host serves what, by the Domain API (API Guidelines, Domain API)."""

from __future__ import annotations

import re

import httpx

from archiver.config import is_loopback
from archiver.errors import ConfigError, SourceError, SourceUnavailable
from archiver.jsontext import decode
from archiver.liveperson.calls import Patience, persist

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")


class Domains:
    """The hosts of an account's services, each asked for once, and again when it vanishes."""

    def __init__(self, client: httpx.Client, url: str, account: str, patience: Patience) -> None:
        self._client = client
        self._url = _checked_url(url)
        self._account = account
        self._patience = patience
        self._found: dict[str, str] = {}

    def base_url(self, service: str) -> str:
        """The scheme and host of a service. Raises SourceError if the account has none such."""
        if service not in self._found:
            self._found[service] = self._look_up(service)
        return self._found[service]

    def has_moved(self, url: httpx.URL) -> bool:
        """Looks the services on a host that can't be reached up again; whether any is elsewhere now."""
        netloc = url.netloc.decode()
        before = {service: base for service, base in self._found.items() if httpx.URL(base).netloc.decode() == netloc}
        after = {service: self._look_up(service) for service in before}
        self._found.update(after)
        return after != before

    def _look_up(self, service: str) -> str:
        url = f"{self._url}/api/account/{self._account}/service/{service}/baseURI.json"
        try:
            response = persist(lambda: self._client.get(url, params={"version": "1.0"}), self._patience)
        except SourceError as error:
            error.message = f"the host of {service} could not be looked up: {error.message}"
            error.hint = error.hint or "Check account and domain_url (archiver config show)."
            error.args = (error.message,)
            raise
        host = _host(response, service, self._account)
        is_local = self._url.startswith("http://")
        if is_local and not is_loopback(host.rsplit(":", 1)[0]):
            raise SourceError(f"the Domain API on loopback named {host}, which is not; nothing is sent there over http")
        return f"{'http' if is_local else 'https'}://{host}"


def _host(response: httpx.Response, service: str, account: str) -> str:
    try:
        answer = decode(response.content)
    except ValueError:
        raise SourceUnavailable(f"the Domain API answered no JSON for {service}") from None
    host = answer.get("baseURI") if isinstance(answer, dict) else None
    if not host:
        raise SourceError(f"account {account} has no service {service}", hint="Check the account id.")
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise SourceError(f"the Domain API named {host!r}, which is no host")
    return host


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url) if re.match(r"https?://", url) else None
    except httpx.InvalidURL as error:
        raise ConfigError(f"domain_url {url!r} is no URL: {error}", hint="https://api.liveperson.net") from None
    if parsed is None or not parsed.host:
        raise ConfigError(f"domain_url {url!r} is no URL", hint="It looks like https://api.liveperson.net")
    if parsed.scheme == "http" and not is_loopback(parsed.host):
        raise ConfigError(f"domain_url {url} must be https", hint="Only a simulator on this machine may use http.")
    return url.rstrip("/")
