"""The site: which address shows what, for people and, with .json behind it, for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from archiver.app import Archive
from archiver.errors import ArchiverError, RecordError
from archiver.jsontext import encode
from archiver.outputs import counts_json, coverage_json, history_json, search_json, status_json, steps_of
from archiver.transcript import as_json as transcript_json
from archiver.transcript import unreadable_as_json
from archiver.value import as_dict
from archiver.web import api, faults
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

    def application(self, *, is_local: bool) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/", self._search),
            Route("/search.json", self._search_json),
            Route("/complete.json", self._complete),
            Route("/c/{id:path}/history", self._history),
            Route("/c/{id:path}/history.json", self._history_json),
            Route("/c/{id:path}/raw.json", self._raw),
            Route("/c/{id:path}.json", self._transcript_json),
            Route("/c/{id:path}", self._transcript),
            Route("/coverage", self._coverage),
            Route("/coverage.json", self._coverage_json),
            Route("/status", self._status),
            Route("/status.json", self._status_json),
            *api.routes(self._archives.here),
            Route("/static/{name}", _static),
            *(Route(path, self._health) for path in _HEALTH),
        ]
        handlers: Any = {
            ArchiverError: self._fault, 404: partial(_missing, self._base), Exception: partial(_broken, self._base),
        }  # fmt: skip
        return Starlette(
            routes=routes, lifespan=self._lifespan, exception_handlers=handlers,
            middleware=[Middleware(Guard, is_local=is_local)],
        )  # fmt: skip

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = _THREADS
        with self._archives:
            yield

    def _base(self, request: Request, here: str) -> dict[str, Any]:
        """What every page shows around its content."""
        twin = request.url.path.rstrip("/") or "/search"
        query = f"?{request.url.query}" if request.url.query else ""
        return {"here": here, "twin": f"{twin}.json{query}", "account": self._account()}

    def _account(self) -> str:
        try:
            return self._archives.here().file.account
        except ArchiverError:
            return ""

    # ── search ──

    def _search(self, request: Request) -> Response:
        state, archive = read_state(request.query_params.multi_items()), self._archives.here()
        try:
            return page("search.html", self._base(request, "search") | search_page(archive, state))
        except ArchiverError as error:
            content = self._base(request, "search") | faulty_page(archive, state, error)
            return page("search.html", content | faults.shown(error), status=faults.status_of(error))

    def _search_json(self, request: Request) -> Response:
        state, archive = read_state(request.query_params.multi_items()), self._archives.here()
        limit = min(int(given), _MOST_HITS) if (given := request.query_params.get("limit", "")).isdecimal() else PAGE
        search = search_of(archive, state, limit)
        facets = tuple((name,) for name in request.query_params.getlist("facet"))
        counts = counts_json(search.counting(archive.settings.zone), facets, 20)
        before, name, items, after = search_json(search, search.assurance(archive.believed_now()), counts)
        listed = list(items)
        return _json(before | {name: listed} | after())

    def _complete(self, request: Request) -> Response:
        box, given = request.query_params.get("q", ""), request.query_params.get("at", "")
        caret = min(int(given), len(box)) if given.isdecimal() and len(given) < 6 else len(box)
        return _json({"items": [as_dict(item) for item in completions(self._archives.here(), box, caret)]})

    # ── conversations ──

    def _transcript(self, request: Request) -> Response:
        archive, given = self._archives.here(), request.query_params
        at = int(number) if (number := given.get("m", "")).isdecimal() and len(number) < 9 else None
        base, id_ = self._base(request, "transcript"), request.path_params["id"]
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
        content = history_page(self._archives.here(), request.path_params["id"])
        return page("history.html", self._base(request, "transcript") | content)

    def _history_json(self, request: Request) -> Response:
        archive, id_ = self._archives.here(), request.path_params["id"]
        versions = archive.versions(id_)
        steps = {version.entry.seq: step for version, step in steps_of(versions)}
        return _json(history_json(id_, archive.history(id_), versions, steps))

    # ── the archive ──

    def _coverage(self, request: Request) -> Response:
        archive, day = self._archives.here(), request.query_params.get("day")
        content = day_page(archive, day) if day else coverage_page(archive)
        return page("day.html" if day else "coverage.html", self._base(request, "coverage") | content)

    def _coverage_json(self, _: Request) -> Response:
        return _json(coverage_json(self._archives.here().coverage()))

    def _status(self, request: Request) -> Response:
        return page("status.html", self._base(request, "status") | status_page(self._archives.here()))

    def _status_json(self, _: Request) -> Response:
        return _json(status_json(self._archives.here()))

    def _health(self, request: Request) -> Response:
        """Without a harvest in this process there is nothing to tell but that the page is there."""
        path = request.url.path
        found = self._respond(path) if self._respond else (200, "text/plain", b"ok\n") if path == "/healthz" else None
        if found is None:
            return Response("no harvest runs in this process: archiver serve --harvest\n", 404, media_type="text/plain")
        status, kind, content = found
        return Response(content, status, headers={"Content-Type": kind})

    # ── faults ──

    def _fault(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, ArchiverError)
        status = faults.status_of(error)
        if request.url.path.startswith(api.BASE):
            return api.problem(error)
        if request.url.path.endswith(".json"):
            return JSONResponse(faults.as_json(error), status)
        return page("fault.html", self._base(request, "") | faults.shown(error), status=status)


_Base = Callable[[Request, str], dict[str, Any]]


def _missing(base: _Base, request: Request, _: Exception) -> Response:
    return _fault_page(base, request, faults.NO_PAGE, 404)


def _broken(base: _Base, request: Request, error: Exception) -> Response:
    return _fault_page(base, request, faults.unexpected(error), 500)


def _fault_page(base: _Base, request: Request, error: ArchiverError, status: int) -> Response:
    if request.url.path.startswith(api.BASE):
        return api.problem(error)
    if request.url.path.endswith(".json"):
        return JSONResponse(faults.as_json(error), status)
    return page("fault.html", base(request, "") | faults.shown(error), status=status)


def _json(content: object) -> Response:
    return Response(encode(content), media_type="application/json")


def _static(request: Request) -> Response:
    found = static_files().get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    kind, content = found
    return Response(content, media_type=kind, headers={"Cache-Control": _FOREVER})
