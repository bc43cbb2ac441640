"""With what conversations are looked at, which the links from one to another keep."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from archiver.value import Value
from archiver.web.state import SearchState

PART = 150  # messages that are shown at once; links to the first ones do not name their part, so it may only grow


class Lens(Value):
    """The search from which a conversation was opened: its `query`, whose matches are marked, the zone `tz` of its
    days, and its `scope`, if it was for messages. `times` is the zone of the times that are shown, by default the same.
    Zones are names, the empty one is the archive's.
    """

    query: str = ""
    tz: str = ""
    scope: str = ""
    times: str = ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The parameters of an address that say all this."""
        pairs = (("q", self.query), ("tz", self.tz), ("scope", self.scope), ("times", self.times))
        return [(name, value) for name, value in pairs if value]

    def href(self, conversation_id: str, number: int | None = None, /, **shown: str) -> str:
        """The address of a transcript, at a message, with what else is to be shown or shown otherwise."""
        part = {"m": str(number)} if number and number > PART else {}
        parameters = dict(self.fields) | part | shown
        address = f"/c/{quote(conversation_id, safe='')}"
        return f"{address}{'?' + urlencode(parameters) if parameters else ''}{f'#m{number}' if number else ''}"

    def search(self, term: str | None) -> str | None:
        """The address of a search for a condition, in the same zone."""
        return SearchState(filters=(term,), tz=self.tz).href() if term else None

    @property
    def back(self) -> str:
        """The address of the search."""
        return SearchState(q=self.query, tz=self.tz, scope=self.scope or SearchState().scope).href()


def conversation_href(conversation_id: str, query: str = "") -> str:
    """The address of a transcript, with the matches of a query marked."""
    return Lens(query).href(conversation_id)
