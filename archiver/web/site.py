"""The site: which address shows what, for people and, with .json behind it, for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archiver.app import Archive
from archiver.errors import ArchiverError, RecordError
from archiver.jsontext import encode
from archiver.outputs import counts_json, coverage_json, history_json, search_json, status_json, steps_of
from archiver.transcript import as_json as transcript_json
from archiver.transcript import unreadable_as_json
from archiver.value import as_dict
from archiver.web import api, faults
from archiver.web.answering import Answering
from archiver.web.archives import Archives
from archiver.web.completion import completions
from archiver.web.coverage_page import coverage_page, day_page
from archiver.web.history_page import history_page
from archiver.web.rendering import page, static_files
from archiver.web.search_page import PAGE, faulty_page, search_of, search_page
from archiver.web.security import Guard
from archiver.web.state import read_state
from archiver.web.status_page import status_page
from archiver.web.transcript_page import transcript_page, unreadable_page

Respond = Callable[[str], tuple[int, str, bytes] | None]
_HEALTH = ("/healthz", "/readyz", "/health/harvest", "/metrics")
_THREADS = 8  # each holds the archive's file and its index open
_FOREVER = "public, max-age=31536000, immutable"
_MOST_HITS = 1_000  # of one JSON page


class Site:
    """Answers requests from the archive that `make` opens, and what is asked about a harvest's health by `respond`."""

    def __init__(self, make: Callable[[], Archive], respond: Respond | None = None) -> None:
        self._archives, self._respond = Archives(make), respond

    def application(self) -> Starlette:
        """The ASGI application."""
        answering, apart = Answering(self._fault, _THREADS), Answering(self._fault, 1)  # health waits for no page
        pages = {
            "/": self._search,
            "/search.json": self._search_json,
            "/complete.json": self._complete,
            "/c/{id:path}": self._transcript,
            "/c.json/{id:path}": self._transcript_json,
            "/raw/{id:path}": self._raw,
            "/history/{id:path}": self._history,
            "/history.json/{id:path}": self._history_json,
            "/coverage": self._coverage,
            "/coverage.json": self._coverage_json,
            "/status": self._status,
            "/status.json": self._status_json,
            **api.answers(self._archives),
        }
        routes = [Route(path, answering.by(answer)) for path, answer in pages.items()]
        health = apart.by(self._health) if self._respond else _no_harvest
        routes += [Route("/static/{name}", _static), *(Route(path, health) for path in _HEALTH)]

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            with self._archives:
                yield
                answering.end()
                apart.end()

        async def missing(request: Request, _: Exception) -> Response:
            return await answering.by(lambda request: self._fault(request, faults.NO_PAGE))(request)

        handlers: Any = {404: missing}
        guard = Middleware(Guard)
        return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers, middleware=[guard])

    def _base(self, here: str, twin: str = "") -> dict[str, Any]:
        """What every page shows around its content; `twin` is the address of its JSON."""
        return {"here": here, "twin": twin, "account": self._account()}

    def _account(self) -> str:
        try:
            return self._archives.here().file.account
        except ArchiverError:
            return ""

    # ── search ──

    def _search(self, request: Request) -> Response:
        state = read_state(request.query_params.multi_items())
        self._archives.bring_up_to_date()
        archive, base = self._archives.here(), self._base("search", state.href("/search.json", after=state.after))
        if self._respond and not archive.exists:
            return page("beginning.html", base)
        try:
            return page("search.html", base | search_page(archive, state))
        except ArchiverError as error:
            content = faulty_page(archive, state, error) | faults.shown(error)
            return page("search.html", base | content, status=faults.status_of(error))

    def _search_json(self, request: Request) -> Response:
        state, given = read_state(request.query_params.multi_items()), request.query_params
        self._archives.bring_up_to_date()
        archive, limit = self._archives.here(), min(_number(given.get("limit", "")) or PAGE, _MOST_HITS)
        search = search_of(archive, state, limit)
        facets = tuple((name,) for name in given.getlist("facet"))
        counts = counts_json(search.counting(archive.settings.zone), facets, 20)
        before, name, items, after = search_json(search, search.assurance(archive.believed_now()), counts)
        listed = list(items)
        return _json(before | {name: listed} | after())

    def _complete(self, request: Request) -> Response:
        box, at = request.query_params.get("q", ""), _number(request.query_params.get("at", ""))
        caret = len(box) if at is None else min(at, len(box))
        return _json({"items": [as_dict(item) for item in completions(self._archives.here(), box, caret)]})

    # ── conversations ──

    def _transcript(self, request: Request) -> Response:
        archive, given, id_ = self._archives.here(), request.query_params, request.path_params["id"]
        base, at = self._base("transcript", _of(id_, "c.json")), _number(given.get("m", ""))
        try:
            content = transcript_page(archive, id_, query=given.get("q", ""), at=at, only=given.get("only", ""))
        except RecordError as error:
            return page("unreadable.html", base | faults.shown(error) | unreadable_page(archive, id_))
        return page("transcript.html", base | content)

    def _transcript_json(self, request: Request) -> Response:
        archive, id_ = self._archives.here(), request.path_params["id"]
        record = archive.file.vault.current(id_)
        where: Any = {"seq": record.seq, "fetched_at": record.fetched_at}
        try:
            return _json(transcript_json(archive.transcript(id_), **where))
        except RecordError as error:
            return _json(unreadable_as_json(id_, error.message, raw=record.raw, **where))

    def _raw(self, request: Request) -> Response:
        """The record exactly as LivePerson sent it: as a file, which no browser shows."""
        raw = self._archives.here().raw(request.path_params["id"])
        return Response(
            raw, media_type="application/json", headers={"Content-Disposition": 'attachment; filename="record.json"'}
        )

    def _history(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        content = history_page(self._archives.here(), id_)
        return page("history.html", self._base("transcript", _of(id_, "history.json")) | content)

    def _history_json(self, request: Request) -> Response:
        archive, id_ = self._archives.here(), request.path_params["id"]
        versions = archive.versions(id_)
        steps = {version.entry.seq: step for version, step in steps_of(versions)}
        return _json(history_json(id_, archive.history(id_), versions, steps))

    # ── the archive ──

    def _coverage(self, request: Request) -> Response:
        archive, day = self._archives.here(), request.query_params.get("day")
        content = day_page(archive, day) if day else coverage_page(archive)
        return page("day.html" if day else "coverage.html", self._base("coverage", "/coverage.json") | content)

    def _coverage_json(self, _: Request) -> Response:
        return _json(coverage_json(self._archives.here().coverage()))

    def _status(self, request: Request) -> Response:
        return page("status.html", self._base("status", "/status.json") | status_page(self._archives.here()))

    def _status_json(self, _: Request) -> Response:
        return _json(status_json(self._archives.here()))

    def _health(self, request: Request) -> Response:
        found = self._respond(request.url.path) if self._respond else None
        status, kind, content = found or (404, "text/plain", b"")
        return Response(content, status, headers={"Content-Type": kind})

    # ── faults ──

    def _fault(self, request: Request, error: ArchiverError) -> Response:
        status, path = faults.status_of(error), request.url.path
        if path.startswith(api.BASE):
            return api.problem(error)
        if ".json" in path:
            return _json(faults.as_json(error), status)
        return page("fault.html", self._base("") | faults.shown(error), status=status)


async def _no_harvest(request: Request) -> Response:
    """Without a harvest in this process there is nothing to tell but that the page is there."""
    if request.url.path == "/healthz":
        return Response("ok\n", media_type="text/plain")
    return Response("no harvest runs in this process: archiver serve --harvest\n", 404, media_type="text/plain")


def _number(text: str) -> int | None:
    """A number of at most eight digits; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 8 else None


def _of(conversation_id: str, view: str) -> str:
    return f"/{view}/{quote(conversation_id, safe='')}"


def _json(content: object, status: int = 200) -> Response:
    return Response(encode(content), status, media_type="application/json")


async def _static(request: Request) -> Response:
    found = static_files().get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    kind, content = found
    return Response(content, media_type=kind, headers={"Cache-Control": _FOREVER})
