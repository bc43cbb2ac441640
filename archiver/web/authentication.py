"""Who asks: by a session, a bearer token or a trusted proxy; without a login, whoever sits at this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hmac import compare_digest
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.requests import Request

from archiver.access import Origin, Person, owner, person_of, token_hash
from archiver.app import Archive
from archiver.config import Proxy, WebAuth, WebSettings
from archiver.value import Value
from archiver.web.oidc import OidcLogin
from archiver.web.sessions import Identity, Refusals, Session, Sessions

_BEARER = "bearer "
_MOST_TOKEN_CHARACTERS = 500


class Visitor(Value):
    """Who asks. `session` is there if they have logged in on the page; `is_program`, if they sent a token instead."""

    person: Person
    origin: Origin
    session: Session | None = None
    is_program: bool = False


class Authentication:
    """Finds out who asks, in the way that the settings name. A bearer token is accepted in all modes but `none`."""

    def __init__(self, settings: WebSettings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.sessions, self.refusals = Sessions(clock), Refusals(clock)
        self.oidc = OidcLogin(settings.oidc, clock) if settings.oidc else None
        self._clock = clock
        self.cookie = "__Host-archiver" if settings.is_encrypted else "archiver"

    @property
    def is_open(self) -> bool:
        """Whether nobody has to log in."""
        return self.settings.auth is WebAuth.NONE

    @property
    def has_form(self) -> bool:
        """Whether people log in on the page itself."""
        return self.settings.auth in (WebAuth.TOKEN, WebAuth.OIDC)

    def visitor(self, request: Request, archive: Archive) -> Visitor | None:
        """Who asks; None if they have to log in, or nothing is granted to them any more. Raises ArchiveError."""
        if self.is_open:
            return Visitor(owner(), origin_of(request, "none"))
        headers = request.headers
        authorization = headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            identity = self.identity_of_token(authorization[len(_BEARER) :], archive)
            return self._known(identity, request, archive, None, is_program=True)
        if self.settings.proxy:
            identity = _told_by(self.settings.proxy, request)
            session = self.sessions.of(identity) if identity else None
            return self._known(identity, request, archive, session)
        session = self.sessions.find(request.cookies.get(self.cookie))
        return self._known(session.identity if session else None, request, archive, session)

    def has_credentials(self, request: Request) -> bool:
        """Whether a request says who asks, rightly or not."""
        names = ("authorization", self.settings.proxy.secret_header if self.settings.proxy else "authorization")
        return any(name in request.headers for name in names)

    def identity_of_token(self, token: str, archive: Archive) -> Identity | None:
        """Whose token it is."""
        if len(token) > _MOST_TOKEN_CHARACTERS:
            return None
        grant = archive.file.grants.of_token(token_hash(token))
        return Identity("token", grant.name, (), token_hash(token)) if grant else None

    def person(self, identity: Identity, archive: Archive) -> Person | None:
        """The person with everything that is granted to them at this moment; None if that is nothing."""
        if identity.token is not None:
            grant = archive.file.grants.of_token(identity.token)
            grants = [grant] if grant else []
        else:
            grants = archive.file.grants.of(identity.name, identity.groups)
        now = self._clock()
        return person_of(identity.name, (grant for grant in grants if grant.holds(now)))

    def _known(
        self, identity: Identity | None, request: Request, archive: Archive, session: Session | None, *,
        is_program: bool = False,
    ) -> Visitor | None:  # fmt: skip
        person = self.person(identity, archive) if identity else None
        if person is None or identity is None:
            return None
        return Visitor(person, origin_of(request, identity.login), session, is_program)


def origin_of(request: Request, login: str) -> Origin:
    """From where a request came."""
    via = "api" if request.url.path.startswith("/api/") else "page"
    return Origin(via, login, request.client.host if request.client else None, request.headers.get("user-agent"))


def _told_by(proxy: Proxy, request: Request) -> Identity | None:
    """Whom the proxy names, if it is the proxy who asks."""
    if not _is_proxy(proxy, request.client.host if request.client else "", request.headers):
        return None
    names, lists = (request.headers.getlist(header) for header in (proxy.user_header, proxy.groups_header))
    if len(names) != 1 or len(lists) > 1 or not names[0].strip():
        return None  # a proxy that adds its headers to those of the browser could be told anything
    groups = (group.strip() for group in ",".join(lists).split(","))
    return Identity("proxy", names[0].strip(), tuple(filter(None, groups)))


def _is_proxy(proxy: Proxy, address: str, headers: Headers) -> bool:
    try:
        is_near = any(ip_address(address) in network for network in proxy.networks)
    except ValueError:
        return False
    told = headers.getlist(proxy.secret_header)
    return is_near and len(told) == 1 and compare_digest(told[0].encode(), proxy.secret.reveal().encode())
