"""Which host serves which API, from the Domain API (API Guidelines, Domain API)."""

from __future__ import annotations

import re

import httpx

from archiver.config import DOMAIN_URL, is_loopback, server_url
from archiver.errors import AuthError, SourceError, SourceUnavailable
from archiver.jsontext import decode
from archiver.liveperson.calls import CallSettings, perform
from archiver.logs import EventLogger

_log = EventLogger("liveperson")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


class Domains:
    """The hosts of an account's services. Each is looked up once, and again after it could not be reached."""

    def __init__(self, client: httpx.Client, url: str, account: str, settings: CallSettings) -> None:
        self._client = client
        self._url = str(server_url(url, setting="domain_url", example=DOMAIN_URL))
        self._account = account
        self._settings = settings
        self._found: dict[str, str] = {}

    def base_url(self, service: str) -> str:
        """The scheme and host of a service. Raises SourceError if the account has no such service."""
        if service not in self._found:
            self._found[service] = self._look_up(service)
        return self._found[service]

    def has_moved(self, url: httpx.URL) -> bool:
        """Looks up again the services on an unreachable host; whether any of them has another host now."""
        netloc = url.netloc.decode()
        before = {service: base for service, base in self._found.items() if httpx.URL(base).netloc.decode() == netloc}
        after = {service: self._look_up(service) for service in before}
        self._found.update(after)
        for service in [service for service, base in after.items() if base != before[service]]:
            _log.info("host.moved", f"{service} is at {after[service]} now", service=service, host=after[service])
        return after != before

    def _look_up(self, service: str) -> str:
        url = f"{self._url}/api/account/{self._account}/service/{service}/baseURI.json"
        try:
            response = perform(lambda: self._client.get(url, params={"version": "1.0"}), self._settings)
        except AuthError as error:  # no credentials are sent: it is the account that the Domain API does not know
            raise error.reworded(
                message=f"LivePerson knows no account {self._account}: {error.message}",
                hint="Check the account's id (ARCHIVER_ACCOUNT): the number that LivePerson shows, such as 12345678.",
            ) from error
        except SourceError as error:
            raise error.reworded(
                message=f"the host of {service} could not be looked up: {error.message}",
                hint=error.hint or "Check account and domain_url (archiver config show).",
            ) from error
        host = _host(response, service, self._account)
        is_local = self._url.startswith("http://")
        if is_local and not is_loopback(host.rsplit(":", 1)[0]):
            raise SourceError(f"the local Domain API named {host}, which is not on this machine: plain http is refused")
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
        raise SourceError(f"the Domain API named {host!r}, which is not a host name")
    return host
