"""Single calls that show what works between this machine and LivePerson, for `archiver doctor`. None is retried."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx

from archiver.config import DOMAIN_URL, server_url
from archiver.errors import SourceUnavailable
from archiver.liveperson.account import Account, connect
from archiver.liveperson.auth import AppKeys, User
from archiver.liveperson.calls import CallSettings, make_client
from archiver.liveperson.domains import Domains
from archiver.liveperson.server_time import clock_skew
from archiver.value import Value

_ONCE = CallSettings().with_tries(1)


class Contact(Value):
    """One answered call: how long it took, how far the local clock is ahead, which rate-limit headers came."""

    took_s: float
    skew: timedelta | None = None
    rate_headers: tuple[tuple[str, str], ...] = ()


class Probes:
    """All methods raise SourceError or one of its subclasses, with a hint. Closing is the caller's duty."""

    def __init__(
        self, account: Account, *, transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._account = account
        self._transport = transport
        self._clock = clock
        self._url = str(server_url(account.domain_url, setting="domain_url", example=DOMAIN_URL))
        self._client = make_client(transport, is_local=account.is_local)
        self._domains = Domains(self._client, account.domain_url, account.id, _ONCE)

    def domain_api(self) -> Contact:
        """Whether LivePerson's directory of services answers, at any path."""
        return self._any_answer(self._url)

    def service(self, name: str) -> str:
        """The base URL of a service, as the Domain API names it."""
        return self._domains.base_url(name)

    def services(self) -> tuple[str, ...]:
        """The names of the services that the configured authentication needs."""
        match self._account.credentials:
            case AppKeys():
                return ("msgHist",)
            case User():
                return ("msgHist", "agentVep")
            case _:
                return ("msgHist", "sentinel")

    def reach(self, name: str) -> Contact:
        """Whether a service's host is reachable and shows a trusted certificate."""
        return self._any_answer(self.service(name))

    def one_row(self) -> Contact:
        """One conversation requested with the configured credentials."""
        center = connect(self._account, settings=_ONCE, transport=self._transport, clock=self._clock)
        with closing(center):
            return self._contact(center.prove_access(self._clock()))

    def _any_answer(self, url: str) -> Contact:
        try:
            response = self._client.get(url)
        except httpx.RequestError as error:
            raise SourceUnavailable(f"{url}: {error}", hint=_advice(str(error))) from error
        return self._contact(response)

    def _contact(self, response: httpx.Response) -> Contact:
        limits = tuple((name, value) for name, value in response.headers.items() if "rate" in name and "limit" in name)
        return Contact(_took_s(response), clock_skew(response, self._clock()), limits)

    def close(self) -> None:
        self._client.close()


def _took_s(response: httpx.Response) -> float:
    """Seconds from the request's start to its response; 0 for a response without a network."""
    try:
        return response.elapsed.total_seconds()
    except RuntimeError:
        return 0.0


def _advice(words: str) -> str:
    """Advice by the wording of the network error, which has no better sign."""
    lower = words.lower()
    if "certificate" in lower or "ssl" in lower:
        return "Name the file of the authority that signed it (of a proxy, perhaps): export SSL_CERT_FILE=/path/ca.pem"
    if "name or service" in lower or "nodename" in lower or "getaddrinfo" in lower or "resolution" in lower:
        return "This machine can't look the name up: check DNS, or HTTPS_PROXY if there is a proxy."
    return "Check the network, the firewall, and HTTPS_PROXY if there is a proxy."
