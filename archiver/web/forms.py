"""What the forms of the page do. Each is in the audit log before it is done."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from archiver.access import Action, Right
from archiver.archive import SavedSearch
from archiver.casework import add_to_case, case_of, item_of, make_case, mark, status_of
from archiver.errors import AccessDenied, ConfigError, known_word
from archiver.query import Scope
from archiver.value import replace
from archiver.web.case_page import after_review, case_href, state_of
from archiver.web.lens import Lens
from archiver.web.visit import Visit
from archiver.zones import time_zone

_LONGEST_REASON, _LONGEST_NAME = 1_000, 100  # characters


def unmask(visit: Visit) -> Response:
    """Shows customers' personal data of one conversation, until the login ends."""
    person = visit.archive.view.person
    person.check(Right.UNMASK)
    reason, lens = _reason(visit), _lens(visit)
    visit.archive.transcript(visit.id)  # raises if it is not for them
    if visit.visitor is None or visit.visitor.session is None:
        raise AccessDenied("nobody is logged in on the page", hint="Programs send Archiver-Unmask-Reason instead.")
    visit.archive.audit(Action.UNMASK, reason=reason, conversation_id=visit.id)
    visit.visitor.session.unmasked.add(visit.id)
    return RedirectResponse(lens.href(visit.id), 303)


def mask(visit: Visit) -> Response:
    """Masks personal data of one conversation again."""
    if visit.visitor is not None and visit.visitor.session is not None:
        visit.visitor.session.unmasked.discard(visit.id)
    return RedirectResponse(_lens(visit).href(visit.id), 303)


def save(visit: Visit) -> Response:
    """Saves a search, which from now on counts what it finds."""
    visit.archive.view.check_all()
    name, query, scope = visit.filled("name"), visit.filled("q"), visit.filled("scope")
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ConfigError("the search has no name", hint=f"Write up to {_LONGEST_NAME} characters.")
    visit.archive.parse(query)  # raises
    head = visit.archive.file.vault.head()
    search = SavedSearch(name, query, Scope(known_word(scope, Scope, "scope")), watermark=head)
    visit.archive.audit(Action.SAVE, query=query, to=name, what=search.target.value)
    visit.archive.file.saved.add(search)
    return RedirectResponse("/saved", 303)


def make(visit: Visit) -> Response:
    """Makes a case of what a query finds, or an empty one."""
    archive, name = visit.archive, visit.filled("name")
    make_case(archive, name, _reason(visit), visit.filled("q"), follows=visit.filled("follows") == "yes")
    return RedirectResponse(case_href(name), 303)


def add(visit: Visit) -> Response:
    """Adds a conversation to a case."""
    id_, lens = visit.filled("id"), _lens(visit)
    add_to_case(visit.archive, case_of(visit.archive, visit.filled("case")), [id_])
    return RedirectResponse(lens.href(id_), 303)


def review(visit: Visit) -> Response:
    """Keeps what a reviewer says of a conversation of a case, and goes on to the next one that nobody has read."""
    archive = visit.archive
    case = case_of(archive, visit.filled("case"))
    item = item_of(archive, case, visit.filled("id"))
    if visit.filled("seen") != state_of(item):
        raise ConfigError("somebody else has marked this conversation meanwhile", hint="Open it again, and look.")
    tags = dict.fromkeys(tag.strip() for tag in visit.filled("tags").split(",") if tag.strip())
    changed = replace(item, status=status_of(visit.filled("status")), tags=tuple(tags), note=visit.filled("note"))
    mark(archive, case, changed)
    return RedirectResponse(after_review(archive, case), 303)


def decide(visit: Visit) -> Response:
    """Approves an erasure, or keeps the older versions."""
    choices = {"approve": True, "keep": False}
    if visit.filled("decision") not in choices:
        raise ConfigError("nothing was chosen", hint="Choose approve or keep.")
    visit.archive.view.check_all()
    visit.archive.decide(
        int(visit.request.path_params["seq"]), approve=choices[visit.filled("decision")], reason=_reason(visit)
    )
    return RedirectResponse("/status", 303)


def _lens(visit: Visit) -> Lens:
    """With what the conversation was looked at that the form was sent from. Raises ConfigError."""
    lens = Lens(*(visit.filled(name) for name in ("q", "tz", "scope", "times")))
    for name in filter(None, (lens.tz, lens.times)):
        time_zone(name, "tz")
    return lens


def _reason(visit: Visit) -> str:
    return checked_reason(visit.filled("reason"))


def checked_reason(reason: str) -> str:
    """A reason for the audit log. Raises ConfigError for what says nothing."""
    if not any(character.isalnum() for character in reason) or len(reason) > _LONGEST_REASON:
        raise ConfigError("a reason is needed", hint=f"Write up to {_LONGEST_REASON:,} characters.")
    return reason
