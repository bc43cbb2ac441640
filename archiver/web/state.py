"""The state of the search page, all of which stands in its address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import urlencode

from archiver.errors import ConfigError
from archiver.value import Value, as_dict, replace

MOST_FILTERS = 30
_SHORT = 200  # characters; what is longer is not kept in memory
COLUMNS = ("start", "customer", "agents", "skill", "messages", "duration", "mcs", "csat")  # of the table
SHOWN_COLUMNS = ("start", "customer", "agents", "skill", "messages", "mcs")
# Members that have another name in the address.
_NAMES = {"q": "q", "filters": "f", "from_day": "from", "to_day": "to", "columns": "col", "skipped": "n"}


class SearchState(Value):
    """What is asked and how it is shown. `filters` are conditions of the query language that all must hold, each a
    chip; `from_day` and `to_day` bound the start; `tz` names the zone of all days and times, by default the archive's;
    `after` is the cursor of the page before,
    up to which `skipped` results were shown.
    """

    q: str = ""
    filters: tuple[str, ...] = ()
    from_day: str = ""
    to_day: str = ""
    tz: str = ""
    scope: str = "conversation"
    sort: str = "newest"
    view: str = "cards"
    columns: tuple[str, ...] = SHOWN_COLUMNS
    after: str = ""
    skipped: str = ""

    @property
    def query(self) -> str:
        """The whole query."""
        return " ".join(filter(None, (self._box, *self.filters, *self._days)))

    @property
    def _box(self) -> str:
        """The text of the box, in parentheses if other conditions stand beside it."""
        is_alone = not self.filters and not self._days
        return self.q if is_alone else f"({self.q})" if self.q.strip() else ""

    @property
    def _days(self) -> tuple[str, ...]:
        """Conversations that started within the days, or messages that were sent within them."""
        if self.scope == "message":
            return (f"sent:{self.from_day}..{self.to_day}",) if self.from_day or self.to_day else ()
        bounds = (("after", self.from_day), ("before", self.to_day))
        return tuple(f"{name}:{day}" for name, day in bounds if day)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The parts of the query, each of which has to be a query by itself."""
        return tuple(part for part in (self.q, *self.filters, *self._days) if part.strip())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked: then the newest conversations are shown."""
        return not self.query.strip()

    def href(self, path: str = "/", **changes: object) -> str:
        """The address of this state with changes. A new question begins with its first page."""
        state = replace(self, **({"after": "", "skipped": ""} | changes))
        pairs = "&".join(_encoded(*pair) for pair in state._pairs())
        return f"{path}?{pairs}" if pairs else path

    def _pairs(self) -> list[tuple[str, str]]:
        """The members that differ from what they are by default."""
        pairs: list[tuple[str, str]] = []
        for name, usual in _USUAL.items():
            value = getattr(self, name)
            if value != usual:
                values = value if isinstance(value, tuple) else [value]
                pairs += [(_NAMES.get(name, name), str(item)) for item in values]
        return pairs

    def with_filter(self, text: str) -> str:
        """The address with one more condition."""
        return self.href(filters=tuple(dict.fromkeys((*self.filters, text))))

    def without_filter(self, text: str) -> str:
        """The address without a condition."""
        return self.href(filters=tuple(item for item in self.filters if item != text))

    def between(self, from_day: str, to_day: str) -> str:
        """The address with other days."""
        return self.href(from_day=from_day, to_day=to_day)


_USUAL = {name: getattr(SearchState(), name) for name in as_dict(SearchState())}


def _encoded(name: str, value: str) -> str:
    return _encoded_short(name, value) if len(value) <= _SHORT else urlencode([(name, value)])


@lru_cache(1024)  # a page has hundreds of addresses, most of whose pairs are the same
def _encoded_short(name: str, value: str) -> str:
    return urlencode([(name, value)])


def read_state(pairs: Iterable[tuple[str, str]], *, beside: Sequence[str] = ()) -> SearchState:
    """The state that the parameters of an address say. Raises ConfigError for one that is unknown, and not among those
    `beside`: without it another question would be answered.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in _KNOWN and name not in beside:
            known = ", ".join((*_KNOWN, *beside))
            raise ConfigError(f"there is no parameter {name[:40]!r}", hint=f"There are: {known}.")
        given.setdefault(name, []).append(value)
    usual = SearchState()
    given = {name: [_shown(name, text) for text in texts] for name, texts in given.items()}
    one = {name: given.get(_NAMES.get(name, name), [getattr(usual, name)])[-1] for name in _SINGLE}
    filters = tuple(dict.fromkeys(text.strip() for text in given.get("f", ()) if text.strip()))[: MOST_FILTERS + 1]
    columns = tuple(name for name in COLUMNS if name in given.get("col", ())) or usual.columns
    return SearchState(filters=filters, columns=columns, **one)


def _shown(name: str, text: str) -> str:
    """A parameter as a form can show it and send it again: one line, or, of a filter, line ends as they were."""
    return text.replace("\r\n", "\n") if name == "f" else _CONTROLS.sub(" ", text)


_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_SINGLE = ("q", "from_day", "to_day", "tz", "scope", "sort", "view", "after", "skipped")
_KNOWN = tuple(_NAMES.get(name, name) for name in (*_SINGLE, "filters", "columns"))


def hidden_fields(state: SearchState, without: Sequence[str]) -> list[tuple[str, str]]:
    """The parameters that a form has to repeat, except those that it asks for itself, and the cursor."""
    return [(name, value) for name, value in replace(state, after="", skipped="")._pairs() if name not in without]
