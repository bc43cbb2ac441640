"""One LivePerson account and the credentials to read it: from settings to a client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from archiver.config import Settings
from archiver.liveperson.auth import Access, AppKeys, ClientCredentials, Credentials, OAuth2, User
from archiver.liveperson.calls import CallSettings, make_client
from archiver.liveperson.client import Client
from archiver.liveperson.domains import Domains
from archiver.liveperson.rate_limit import LIVEPERSON_PER_S, SIMULATOR_PER_S, RateLimiter
from archiver.liveperson.server_time import ServerTime
from archiver.value import Value, replace

_TRIES_AT_FIRST_CONTACT = 3


class Account(Value):
    """Which account to read, and with which credentials. `per_s`: highest request rate, in requests per second; None
    chooses a safe one.
    """

    id: str
    domain_url: str
    credentials: Credentials
    per_s: float | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a simulator on this machine."""
        return self.domain_url.startswith("http://")

    def rate_limiter(self) -> RateLimiter:
        """A new rate limiter, to be shared by everything in this process that calls the account."""
        usual = SIMULATOR_PER_S if self.is_local else LIVEPERSON_PER_S
        return RateLimiter(self.per_s or usual)


def account_of(settings: Settings) -> Account:
    """The account of the settings. Raises ConfigError."""
    return Account(settings.account, settings.text("domain_url"), _credentials(settings), settings.rate)


def _credentials(settings: Settings) -> Credentials:
    match settings.auth:
        case "oauth1":
            return AppKeys(
                settings.text("app_key"), settings.secret("app_secret"),
                settings.secret("access_token"), settings.secret("access_token_secret"),
            )  # fmt: skip
        case "login":
            return User(settings.text("username"), settings.secret("password"))
        case kind:
            version = 1 if kind == "oauth2-v1" else 2
            return ClientCredentials(settings.text("client_id"), settings.secret("client_secret"), version)


def connect(
    account: Account,
    *,
    settings: CallSettings | None = None,
    transport: httpx.BaseTransport | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    on_answer: Callable[[str], None] | None = None,
) -> Client:
    """A client of the account; makes no request yet. Raises ConfigError for an unusable `domain_url` or proxy.

    Pass one rate limiter in `settings` to share it between several clients of one account; without it, this client gets
    its own. `on_answer` is called with the status code of each response.
    """
    settings = settings or CallSettings()
    settings = replace(settings, clock=clock, limiter=settings.limiter or account.rate_limiter())
    client = make_client(transport, is_local=account.is_local)
    if on_answer:
        client.event_hooks["response"].append(lambda response: on_answer(str(response.status_code)))
    time = ServerTime(clock, settings.steady_s)
    client.event_hooks["request"].append(time.note_sent)
    client.event_hooks["response"].append(time.note_answer)
    domains = Domains(client, account.domain_url, account.id, settings.with_tries(_TRIES_AT_FIRST_CONTACT))
    return Client(client, domains, account.id, _access(account, domains, clock), settings, time)


def _access(account: Account, domains: Domains, clock: Callable[[], datetime]) -> Access:
    match account.credentials:
        case AppKeys() as keys:
            from archiver.liveperson.oauth1 import OAuth1

            return OAuth1(keys)
        case User() as user:
            from archiver.liveperson.login import Login

            return Login(lambda: domains.base_url("agentVep"), account.id, user, clock=clock)
        case ClientCredentials(client_id, client_secret, version):
            path = "/sentinel/api/v2/account" if version == 2 else "/sentinel/api/account"
            query = "" if version == 2 else "?v=1.0"
            url = f"{path}/{account.id}/app/token{query}"
            return OAuth2(lambda: domains.base_url("sentinel") + url, client_id, client_secret, clock=clock)
