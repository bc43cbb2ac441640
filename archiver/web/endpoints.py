"""What the addresses of the page answer to somebody who may read."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from archiver.access import Action, Right
from archiver.casework import bring_up_to_date, case_of, estimate, items_of
from archiver.errors import ArchiverError, RecordError
from archiver.outputs import case_json as review_json
from archiver.outputs import cases_json, searches_json
from archiver.transcript import unreadable_as_json
from archiver.web import faults, operations
from archiver.web.audit_page import audit_page
from archiver.web.case_page import case_page, cases_page, reviews_of
from archiver.web.completion import completions
from archiver.web.coverage_page import coverage_page, day_page
from archiver.web.history_page import history_page
from archiver.web.lens import Lens
from archiver.web.rendering import page
from archiver.web.saved_page import saved_page
from archiver.web.search_page import PAGE, check, faulty_page, search_page, sortable
from archiver.web.state import read_state
from archiver.web.status_page import status_page
from archiver.web.times import moment
from archiver.web.transcript_page import Asked, transcript_page, unreadable_page, zone_of_times
from archiver.web.visit import Visit, address_of, as_json

# ── search ──


def search(visit: Visit) -> Response:
    state = read_state(visit.request.query_params.multi_items())
    if sortable(state) != state:  # whoever chooses messages has not chosen another order yet
        return RedirectResponse(sortable(state).href(), 303)
    visit.archives.bring_up_to_date()
    around: Any = {"here": "search", "twin": state.href("/search.json", after=state.after)}
    if visit.is_harvesting and not (visit.archive.exists and visit.archive.file.vault.head()):
        return visit.page("beginning.html", {"troubles": visit.harvest_troubles()}, **around)
    try:
        visit.use_zone(state.tz)
        return visit.page("search.html", search_page(visit.archive, state), **around)
    except ArchiverError as fault:
        error = fault if visit.authentication.is_open else faults.for_others(fault)
        content = faulty_page(visit.archive, state, error) | faults.shown(error)
        return visit.page("search.html", content, status=faults.status_of(error), **around)


def search_json(visit: Visit) -> Response:
    state = read_state(visit.request.query_params.multi_items(), beside=("limit", "facet"))
    visit.use_zone(state.tz)
    visit.archives.bring_up_to_date()
    check(visit.archive, state)
    given = {
        "q": state.query, "scope": state.scope, "sort": state.sort, "after": state.after or None,
        "limit": min(visit.number("limit") or PAGE, operations.MOST_HITS),
        "facet": visit.request.query_params.getlist("facet"),
    }  # fmt: skip
    return as_json(operations.search(visit.archive, "", given))


def complete(visit: Visit) -> Response:
    box, at = visit.given("q"), visit.number("at")
    caret = len(box) if at is None else min(at, len(box))
    return page("complete.html", {"items": completions(visit.archive, box, caret)})


# ── conversations ──


def transcript(visit: Visit) -> Response:
    around: Any = {"here": "transcript", "twin": address_of(visit.id, "c.json")}
    asked = _asked(visit)
    visit.use_zone(asked.lens.tz)
    try:
        content = transcript_page(visit.archive, visit.id, asked)
    except RecordError as error:
        return visit.page("unreadable.html", faults.shown(error) | unreadable_page(visit.archive, visit.id), **around)
    if visit.may(Right.REVIEW):
        content |= reviews_of(visit.archive, visit.id)
    content["unmasked_until"] = _unmasked_until(visit, zone_of_times(visit.archive, asked.lens))
    return visit.page("transcript.html", content, **around)


def _unmasked_until(visit: Visit, zone: tzinfo) -> str | None:
    """When the personal data of the conversation is masked again, if the person asked to see it."""
    session = visit.visitor.session if visit.visitor else None
    is_shown = session is not None and visit.id in session.unmasked
    return moment(session.ends_at, zone) if session and is_shown else None


def _asked(visit: Visit) -> Asked:
    lens = Lens(*(visit.given(name) for name in ("q", "tz", "scope", "times")))
    return Asked(lens, visit.number("m"), visit.given("only"), is_whole=visit.given("parts") == "all")


def transcript_json(visit: Visit) -> Response:
    try:
        return as_json(operations.conversation(visit.archive, visit.id, {}))
    except RecordError as error:
        visit.archive.view.check_all()  # nobody can tell whose it is
        visit.archive.view.check_raw()
        visit.archive.audit(Action.VIEW, conversation_id=visit.id, what="raw")
        record = visit.archive.file.vault.current(visit.id)
        return as_json(
            unreadable_as_json(visit.id, error.message, raw=record.raw, seq=record.seq, fetched_at=record.fetched_at)
        )


def raw(visit: Visit) -> Response:
    """The record exactly as LivePerson sent it: as a file, which no browser shows."""
    content = visit.archive.raw(visit.id)
    visit.archive.audit(Action.VIEW, conversation_id=visit.id, what="raw")
    name = {"Content-Disposition": 'attachment; filename="record.json"'}
    return Response(content, media_type="application/json", headers=name)


def history(visit: Visit) -> Response:
    content = history_page(visit.archive, visit.id)
    return visit.page("history.html", content, here="transcript", twin=address_of(visit.id, "history.json"))


def history_json(visit: Visit) -> Response:
    return as_json(operations.history(visit.archive, visit.id, {}))


# ── the archive ──


def saved(visit: Visit) -> Response:
    visit.archive.view.check_all()  # what a search has found is counted over all conversations
    return visit.page("saved.html", saved_page(visit.archive), here="saved", twin="/saved.json")


def saved_json(visit: Visit) -> Response:
    visit.archive.view.check_all()
    return as_json(searches_json(visit.archive))


def cases(visit: Visit) -> Response:
    return visit.page("cases.html", cases_page(visit.archive), here="cases", twin="/cases.json")


def cases_list_json(visit: Visit) -> Response:
    return as_json(cases_json(visit.archive))


def case(visit: Visit) -> Response:
    name = str(visit.request.path_params["name"])
    visit.archives.bring_up_to_date()
    content = case_page(visit.archive, name, visit.given("only"), visit.given("after"))
    return visit.page("case.html", content, here="cases", twin=f"/cases.json/{quote(name, safe='')}")


def case_json(visit: Visit) -> Response:
    found = case_of(visit.archive, str(visit.request.path_params["name"]))
    bring_up_to_date(visit.archive, found)
    visit.archive.audit(Action.VIEW, what="case", to=found.name)
    return as_json(review_json(found, items_of(visit.archive, found), estimate(visit.archive, found)))


def coverage(visit: Visit) -> Response:
    day = visit.given("day")
    content = day_page(visit.archive, day) if day else coverage_page(visit.archive)
    return visit.page("day.html" if day else "coverage.html", content, here="coverage", twin="/coverage.json")


def coverage_json(visit: Visit) -> Response:
    return as_json(operations.coverage(visit.archive, "", {"from": None, "to": None}))


def status(visit: Visit) -> Response:
    content = status_page(visit.archive, visit.harvest_troubles())
    return visit.page("status.html", content, here="status", twin="/status.json")


def status_json(visit: Visit) -> Response:
    return as_json(operations.status(visit.archive, "", {}))


def audit(visit: Visit) -> Response:
    content = audit_page(visit.archive, visit.given("user"), visit.given("action"), visit.number("before"))
    return visit.page("audit.html", content, here="audit", twin="/audit.json")


def audit_json(visit: Visit) -> Response:
    content = audit_page(visit.archive, visit.given("user"), visit.given("action"), visit.number("before"))
    return as_json({"schema": "archiver.audit/1", "items": content["events"]})
