"""One request: what is asked, by whom, of which archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from archiver.access import Right
from archiver.app import Archive
from archiver.errors import ArchiverError
from archiver.jsontext import decode, encode
from archiver.service import HARVEST_HEALTH, Respond
from archiver.web.archives import Archives
from archiver.web.authentication import Authentication, Visitor
from archiver.web.rendering import page
from archiver.zones import time_zone

# The pages in the bar: name, address, and what one must be allowed to do.
_PAGES = (
    ("search", "/", Right.READ), ("saved", "/saved", Right.READ),
    ("cases", "/cases", Right.REVIEW), ("coverage", "/coverage", Right.WATCH),
    ("status", "/status", Right.WATCH), ("audit", "/audit", Right.AUDIT),
)  # fmt: skip
_OF_ALL = ("saved", "audit")  # pages that are about all conversations


@dataclass(frozen=True)
class Visit:
    """`archive` shows what the visitor may see. Without `visitor` nobody has logged in. `respond` answers what is asked
    about the health of this process's harvest, if it harvests, too.
    """

    request: Request
    archive: Archive
    archives: Archives
    authentication: Authentication
    visitor: Visitor | None
    respond: Respond | None = None

    @property
    def is_harvesting(self) -> bool:
        """Whether this process harvests, too."""
        return self.respond is not None

    def harvest_troubles(self) -> list[str]:
        """What hinders the harvest of this process, in words."""
        answer = self.respond(HARVEST_HEALTH) if self.respond else None
        accounts = decode(answer[2])["accounts"] if answer and answer[1] == "application/json" else []
        return [trouble["what"] for account in accounts for trouble in account["troubles"]]

    @property
    def id(self) -> str:
        """The conversation that the address names."""
        return str(self.request.path_params["id"])

    def given(self, name: str, usual: str = "") -> str:
        """A parameter of the address."""
        return str(self.request.query_params.get(name, usual))

    def number(self, name: str) -> int | None:
        """A parameter that is a number of at most eight digits; None for any other text."""
        text = self.given(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= 8 else None

    def filled(self, name: str) -> str:
        """A field of the form that was sent, without blanks around it."""
        form: dict[str, str] = self.request.state.form
        return form.get(name, "").strip()

    def use_zone(self, name: str) -> None:
        """Reads days, and shows times, in a zone; in the archive's without a name. Raises ConfigError."""
        self.archive.reader_zone = time_zone(name, "tz") if name else None

    def may(self, right: Right) -> bool:
        """Whether whoever asks may do something."""
        return self.visitor is not None and self.visitor.person.may(right)

    def pages(self) -> list[tuple[str, str]]:
        """The pages that the visitor may see: name and address."""
        may_all = self.archive.view.is_of_all
        return [(name, path) for name, path, right in _PAGES if self.may(right) and (may_all or name not in _OF_ALL)]

    def page(
        self, template: str, content: dict[str, Any], *, here: str = "", twin: str = "", status: int = 200
    ) -> Response:
        """A page with what every page shows around its content; `twin` is the address of its JSON."""
        may_all = self.archive.view.is_of_all
        name = self.visitor.person.name if self.visitor and not self.authentication.is_open else ""
        has_session = self.visitor is not None and self.visitor.session is not None
        around = {
            "here": here, "twin": twin, "pages_of_bar": self.pages(), "account": self._account(), "person": name,
            "has_session": has_session, "may_leave": has_session and self.authentication.has_form,
            "may_all": may_all, "may": {right.value for right in Right if self.may(right)},
        }  # fmt: skip
        return page(template, around | content, status=status)

    def _account(self) -> str:
        try:
            return self.archive.file.account if self.visitor else ""
        except ArchiverError:
            return ""


def as_json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document for programs."""
    return Response(encode(content), status, media_type="application/json", headers=headers)


def address_of(conversation_id: str, view: str) -> str:
    """The address of a view of a conversation."""
    return f"/{view}/{quote(conversation_id, safe='')}"
