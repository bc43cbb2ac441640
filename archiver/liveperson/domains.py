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
_TRIES_AGAIN = 2
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


class Domains:
    """The hosts of an account's services. Each is looked up once, and again after a call to it failed."""

    def __init__(self, client: httpx.Client, url: str, account: str, settings: CallSettings) -> None:
        self._client = client
        self._url = str(server_url(url, setting="domain_url", example=DOMAIN_URL))
        self._account = account
        self._settings = settings
        self._found: dict[str, str] = {}

    def base_url(self, service: str) -> str:
        """The scheme and host of a service. Raises SourceError if the account has no such service."""
        if service not in self._found:
            base = self._found[service] = self._look_up(service, self._settings)
            _log.info("host.found", f"{service} is at {base}", service=service, host=base)
        return self._found[service]

    def has_moved(self) -> bool:
        """Asks again where all services are that were looked up before; whether any has another host now. False if the
        Domain API can't say: most likely the network is down.
        """
        asking = self._settings.with_tries(_TRIES_AGAIN)
        try:
            after = {service: self._look_up(service, asking) for service in list(self._found)}
        except SourceError:
            return False
        moved = [service for service, base in after.items() if base != self._found.get(service)]
        self._found.update(after)
        for service in moved:
            _log.info("host.moved", f"{service} is at {after[service]} now", service=service, host=after[service])
        return bool(moved)

    def _look_up(self, service: str, settings: CallSettings) -> str:
        url = f"{self._url}/api/account/{self._account}/service/{service}/baseURI.json"

        def ask() -> httpx.Response:
            return self._client.get(url, params={"version": "1.0"})

        try:
            host = perform(ask, settings, read=lambda response: _host(response, service, self._account))
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
        is_local = self._url.startswith("http://")
        if is_local and not is_loopback(host.rsplit(":", 1)[0]):
            raise SourceError(f"the local Domain API named {host}, which is not on this machine: plain http is refused")
        return f"{'http' if is_local else 'https'}://{host}"


def _host(response: httpx.Response, service: str, account: str) -> str:
    """The host that an answer names. Raises SourceUnavailable if the answer can't be read, SourceError if it names none
    or something else.
    """
    try:
        answer = decode(response.content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise SourceUnavailable(f"the Domain API answered no readable JSON for {service}")
    host = answer.get("baseURI")
    if not host:
        raise SourceError(f"account {account} has no service {service}", hint="Check the account id.")
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise SourceError(f"the Domain API named {host!r}, which is not a host name")
    return host
