"""The site: which address shows what, and who may see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from archiver.access import Action, Origin, Person, Right, View
from archiver.app import Archive
from archiver.config import web_settings
from archiver.errors import AccessDenied, ArchiveBusy, ArchiverError, LoginNeeded, NotFound
from archiver.foreground import Foreground
from archiver.service import HEALTH_PATHS, Respond
from archiver.value import Value, replace
from archiver.web import api, endpoints, faults, forms, login, problems
from archiver.web.answering import Answer, Answering
from archiver.web.archives import Archives
from archiver.web.authentication import Authentication, Visitor
from archiver.web.rendering import prepare_templates, static_files
from archiver.web.security import Guard
from archiver.web.visit import Visit, as_json

_THREADS = 8  # each holds the archive's file and its index open
_FOREVER = "public, max-age=31536000, immutable"
_REASON = "archiver-unmask-reason"
_UNKNOWN = "the token or the proxy's headers are not known"
Endpoint = Callable[[Visit], Response]


class Address(Value):
    """What an address answers, and to whom: those with a right, or everybody if there is none."""

    path: str
    answer: Endpoint
    right: Right | None
    method: str = "GET"


_READ, _WATCH, _AUDIT = Right.READ, Right.WATCH, Right.AUDIT
_ADDRESSES = (
    Address("/", endpoints.search, _READ),
    Address("/search.json", endpoints.search_json, _READ),
    Address("/complete", endpoints.complete, _READ),
    Address("/c/{id:path}", endpoints.transcript, _READ),
    Address("/c.json/{id:path}", endpoints.transcript_json, _READ),
    Address("/raw/{id:path}", endpoints.raw, _READ),
    Address("/history/{id:path}", endpoints.history, _READ),
    Address("/history.json/{id:path}", endpoints.history_json, _READ),
    Address("/saved", endpoints.saved, _READ),
    Address("/saved.json", endpoints.saved_json, _READ),
    Address("/saved", forms.save, Right.REVIEW, "POST"),
    Address("/cases", endpoints.cases, Right.REVIEW),
    Address("/cases.json", endpoints.cases_list_json, Right.REVIEW),
    Address("/cases", forms.make, Right.REVIEW, "POST"),
    Address("/cases/{name:path}", endpoints.case, Right.REVIEW),
    Address("/cases.json/{name:path}", endpoints.case_json, Right.REVIEW),
    Address("/case-items", forms.add, Right.REVIEW, "POST"),
    Address("/reviews", forms.review, Right.REVIEW, "POST"),
    Address("/coverage", endpoints.coverage, _WATCH),
    Address("/coverage.json", endpoints.coverage_json, _WATCH),
    Address("/status", endpoints.status, _WATCH),
    Address("/status.json", endpoints.status_json, _WATCH),
    Address("/audit", endpoints.audit, _AUDIT),
    Address("/audit.json", endpoints.audit_json, _AUDIT),
    Address("/unmask/{id:path}", forms.unmask, Right.UNMASK, "POST"),
    Address("/mask/{id:path}", forms.mask, Right.UNMASK, "POST"),
    Address("/erasures/{seq:int}", forms.decide, Right.DECIDE, "POST"),
    Address("/login", login.show, None),
    Address("/login", login.by_token, None, "POST"),
    Address("/login/provider", login.at_provider, None),
    Address(login.CALLBACK, login.from_provider, None),
    Address("/logout", login.leave, None, "POST"),
    *(Address(path, answer, right) for path, (answer, right) in api.answers().items()),
)


class Site:
    """Answers requests from the archive that `make` opens, and what is asked about a harvest's health by `respond`."""

    def __init__(self, make: Callable[[], Archive], respond: Respond | None, foreground: Foreground) -> None:
        self._archives, self._respond = Archives(make, is_harvesting=respond is not None), respond
        self._foreground = foreground
        any_archive = make()
        _ = any_archive.zone  # raises before anything is served
        self._authentication = Authentication(web_settings(any_archive.settings), any_archive.now)

    def application(self) -> Starlette:
        """The ASGI application."""
        answering = Answering(self._fault, _THREADS, self._foreground)
        apart = Answering(self._fault, 1, Foreground())  # health waits for no page, and nothing for health
        routes = [Route(item.path, answering.by(self._asked(item)), methods=[item.method]) for item in _ADDRESSES]
        health = apart.by(self._health) if self._respond else _no_harvest
        routes += [Route("/static/{name}", _static), *(Route(path, health) for path in HEALTH_PATHS)]

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            with self._archives:
                answering.prepare(self._archives.open_here)
                prepare_templates()
                yield
                answering.end()
                apart.end()

        async def missing(request: Request, _: Exception) -> Response:
            return await answering.by(lambda request: self._fault(request, faults.NO_PAGE))(request)

        handlers: Any = {404: missing}
        guard = Middleware(Guard, authentication=self._authentication)
        return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers, middleware=[guard])

    # ── who asks ──

    def _asked(self, item: Address) -> Answer:
        return partial(self._answer, item)

    def _answer(self, item: Address, request: Request) -> Response:
        visit = self._visit(request)
        if item.right is None:
            return item.answer(visit)
        if visit.visitor is None:
            if visit.is_harvesting and not visit.archive.exists and item.answer is endpoints.search:
                return visit.page("beginning.html", {})  # there is nobody yet to whom anything could be granted
            if self._authentication.has_credentials(request):
                login.note_refused(visit, "unknown", _UNKNOWN, what=request.url.path)
            raise LoginNeeded("this needs a login", hint=f"Log in: {login.login_href(visit)}")
        if visit.is_harvesting and not visit.archive.exists and item.answer is not endpoints.search:
            hint = " ".join(visit.harvest_troubles()) or "Try again in a few seconds."
            raise ArchiveBusy("the first harvest has received nothing yet", hint=hint)
        is_begin = item.answer is endpoints.search and not request.url.query
        if is_begin and not visit.may(Right.READ) and (pages := visit.pages()):
            return RedirectResponse(pages[0][1], 303)  # an auditor begins elsewhere
        try:
            visit.visitor.person.check(item.right)
            self._unmask(visit, visit.visitor)
            return item.answer(visit)
        except (AccessDenied, NotFound) as error:
            if isinstance(error, AccessDenied) or not visit.archive.view.is_of_all:
                visit.archive.audit(Action.DENIAL, reason=error.message, outcome="failure", what=request.url.path)
            raise

    def _visit(self, request: Request) -> Visit:
        archive = self._archives.here(is_reading=request.method in ("GET", "HEAD"))
        archive.reader_zone = None  # that of whoever was answered before
        visitor = None
        if self._authentication.is_open or archive.exists:
            visitor = self._authentication.visitor(request, archive)
        nobody = View(Origin("page"), Person("nobody"))
        archive.view = View(visitor.origin, visitor.person) if visitor else nobody
        return Visit(request, archive, self._archives, self._authentication, visitor, self._respond)

    def _unmask(self, visit: Visit, visitor: Visitor) -> None:
        """Shows personal data where the person has asked for it: on the page for a conversation, by a program's header
        for a request. A request's reason is in the audit log before the answer. Raises AccessDenied for a reason of
        somebody who may not, ConfigError for one that says nothing.
        """
        id_ = visit.request.path_params.get("id", "")
        reason = _header(visit.request, _REASON) if visitor.is_program else ""
        has_asked = visitor.session is not None and id_ in visitor.session.unmasked
        if not reason and not (has_asked and visitor.person.may(Right.UNMASK)):
            return
        if reason:
            visitor.person.check(Right.UNMASK)
            forms.checked_reason(reason)
            visit.archive.audit(Action.UNMASK, reason=reason, conversation_id=id_ or None, what=visit.request.url.path)
        visit.archive.view = View(visitor.origin, replace(visitor.person, sees_personal_data=True))

    # ── the rest ──

    def _health(self, request: Request) -> Response:
        found = self._respond(request.url.path) if self._respond else None
        status, kind, content = found or (404, "text/plain", b"")
        return Response(content, status, headers={"Content-Type": kind})

    def _fault(self, request: Request, error: ArchiverError) -> Response:
        if not self._authentication.is_open:
            error = faults.for_others(error)
        status, path = faults.status_of(error), request.url.path
        if path.startswith(problems.BASE):
            return problems.problem(error)
        if ".json" in path:
            return as_json(faults.as_json(error), status)
        if isinstance(error, LoginNeeded) and request.method == "GET" and self._authentication.has_form:
            return RedirectResponse(login.login_href(self._visit(request)), 303)
        return self._visit(request).page("fault.html", faults.shown(error), status=status)


async def _no_harvest(request: Request) -> Response:
    """Without a harvest in this process there is nothing to tell but that the page is there."""
    if request.url.path == "/healthz":
        return Response("ok\n", media_type="text/plain")
    return Response("no harvest runs in this process: archiver serve --harvest\n", 404, media_type="text/plain")


def _header(request: Request, name: str) -> str:
    """A header without blanks around it. Programs write UTF-8, which HTTP gives as Latin-1."""
    text = request.headers.get(name, "")
    try:
        return text.encode("latin-1").decode().strip()
    except UnicodeDecodeError:
        return text.strip()


async def _static(request: Request) -> Response:
    found = static_files().get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    kind, content = found
    return Response(content, media_type=kind, headers={"Cache-Control": _FOREVER})
