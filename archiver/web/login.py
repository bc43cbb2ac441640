"""Logging in on the page, and leaving it."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from archiver.access import Action, Person, View
from archiver.config import WebAuth
from archiver.errors import AccessDenied, SourceUnavailable
from archiver.web.authentication import origin_of
from archiver.web.sessions import LENGTH, Identity
from archiver.web.visit import Visit

CALLBACK = "/login/back"
_STATE_COOKIE = "archiver-login"
_STATE_FOR_S = 600


def login_href(visit: Visit) -> str:
    """The address of the login, from where the person comes back to what they asked for."""
    url = visit.request.url
    goal = f"{url.path}?{url.query}" if url.query else url.path
    return f"/login?{urlencode({'next': goal})}" if visit.request.method == "GET" else "/login"


def show(visit: Visit) -> Response:
    """The page with the form."""
    return _form(visit, visit.given("next", "/"))


def by_token(visit: Visit) -> Response:
    """Logs in somebody who has sent their token by the form."""
    goal = visit.filled("next")
    identity = visit.authentication.identity_of_token(visit.filled("token"), visit.archive)
    if identity is None:
        note_refused(visit, "token", "the token is not known")
        return _form(visit, goal, fault="This token is unknown or has expired.", status=401)
    return _enter(visit, identity, goal)


def at_provider(visit: Visit) -> Response:
    """Sends the person to the provider."""
    if visit.authentication.oidc is None:
        raise AccessDenied("there is no provider to log in at", hint="Log in with a token.")
    address, state = visit.authentication.oidc.begin(_callback(visit), visit.given("next", "/"))
    answer = RedirectResponse(address, 303)
    _set(visit, answer, _STATE_COOKIE, state, _STATE_FOR_S)
    return answer


def from_provider(visit: Visit) -> Response:
    """Logs in somebody whom the provider sends back."""
    if visit.authentication.oidc is None:
        raise AccessDenied("there is no provider to log in at", hint="Log in with a token.")
    told = dict(visit.request.query_params)
    try:
        identity, goal = visit.authentication.oidc.finish(
            _callback(visit), told, visit.request.cookies.get(_STATE_COOKIE)
        )
    except (AccessDenied, SourceUnavailable) as error:
        note_refused(visit, "oidc", error.message)
        raise
    answer = _enter(visit, identity, goal)
    answer.delete_cookie(_STATE_COOKIE, path="/")
    return answer


def leave(visit: Visit) -> Response:
    """Ends the session."""
    if visit.visitor is not None and visit.visitor.session is not None and visit.authentication.has_form:
        visit.archive.audit(Action.LOGOUT)
    visit.authentication.sessions.end(visit.request.cookies.get(visit.authentication.cookie))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(
        visit.authentication.cookie, path="/", secure=visit.authentication.settings.is_encrypted, httponly=True
    )
    return answer


def _enter(visit: Visit, identity: Identity, goal: str) -> Response:
    person = visit.authentication.person(identity, visit.archive)
    _note(visit, identity, person, reason=None if person else "nothing is granted")
    if person is None and identity.token is not None:
        return _form(visit, goal, fault="This token is unknown or has expired.", status=401)
    if person is None:
        raise AccessDenied(
            f"nothing is granted to {identity.name}",
            hint="Whoever keeps the archive grants it on its machine: archiver access add --help",
        )
    answer = RedirectResponse(_own(goal), 303)
    _set(
        visit,
        answer,
        visit.authentication.cookie,
        visit.authentication.sessions.begin(identity),
        int(LENGTH.total_seconds()),
    )
    return answer


def _note(visit: Visit, identity: Identity, person: Person | None, *, reason: str | None) -> None:
    visit.archive.view = View(origin_of(visit.request, identity.login), person or Person(identity.name))
    groups = identity.groups or None
    visit.archive.audit(Action.LOGIN, reason=reason, outcome="success" if person else "failure", groups=groups)


def note_refused(visit: Visit, login: str, reason: str, **facts: object) -> None:
    """Writes into the audit log that somebody sent what proves nothing, with how many others did; once a second, so
    that nobody fills it.
    """
    count = visit.authentication.refusals.add()
    if count:
        visit.archive.view = View(origin_of(visit.request, login), Person("unknown"))
        visit.archive.audit(Action.LOGIN, reason=reason, outcome="failure", count=count, **facts)


def _form(visit: Visit, goal: str, *, fault: str | None = None, status: int = 200) -> Response:
    has_provider, query = visit.authentication.settings.auth is WebAuth.OIDC, urlencode({"next": _own(goal)})
    content = {"goal": _own(goal), "fault": fault, "has_provider": has_provider, "query": query}
    return visit.page("login.html", content, status=status)


def _own(goal: str) -> str:
    """An address of this page; the search for anything else."""
    is_own = goal.startswith("/") and not goal.startswith("//") and "\\" not in goal and goal.isprintable()
    return goal if is_own and not goal.startswith("/login") else "/"


def _callback(visit: Visit) -> str:
    """The address of this page to which the provider sends people back."""
    base = visit.authentication.settings.url or f"{visit.request.url.scheme}://{visit.request.url.netloc}"
    return base + CALLBACK


def _set(visit: Visit, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=visit.authentication.settings.is_encrypted,
        httponly=True,
        samesite="lax",
    )
