"""What there is on the server under a prefix, and whether it fits together: noticed before an answer, by counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from archiver.index.elastic.bodies import KINDS
from archiver.index.elastic.queries import VISIBLE
from archiver.index.elastic.server import Server
from archiver.jsontext import encode
from archiver.value import Value

STATE = "state"
_MISSING_STATE = "the state index is missing, which says up to where the archive is indexed"


class Place(Value):
    """An index of a family. `month` is "" for the state index; `is_serving`: it is behind its alias."""

    name: str
    kind: str
    family: int
    month: str
    is_serving: bool


class Survey(Value):
    """All indices of a prefix. `strangers` are pairs (index, alias): not made by this program, but behind its alias."""

    places: tuple[Place, ...]
    strangers: tuple[tuple[str, str], ...] = ()

    @property
    def families(self) -> tuple[int, ...]:
        """The numbers of all families, complete or not."""
        return tuple(sorted({place.family for place in self.places}))

    @property
    def serving(self) -> int | None:
        """The family whose state index is behind the alias; the newest, if there are several."""
        return max((place.family for place in self.places if place.kind == STATE and place.is_serving), default=None)

    @property
    def leftovers(self) -> tuple[int, ...]:
        """Families that answer no query: left behind by a rebuild that was cut short, or one that is under way."""
        serving = {place.family for place in self.places if place.is_serving}
        return tuple(number for number in self.families if number not in serving)

    def faults(self) -> Iterator[str]:
        """Why queries can't be answered rightly, from the names and aliases alone."""
        answering = {place.family for place in self.places if place.is_serving and place.kind != STATE}
        if len(answering | ({self.serving} if self.serving else set())) > 1:
            names = ", ".join(f"v{number}" for number in sorted(answering))
            yield f"indices of several families answer queries: {names}"
        elif answering and self.serving is None:
            yield _MISSING_STATE
        yield from self._faults_of(self.serving)
        yield from (f"the index {name} is behind the alias {alias}, and not ours" for name, alias in self.strangers)

    def _faults_of(self, family: int | None) -> Iterator[str]:
        data = [place for place in self.places if place.family == family and place.kind != STATE]
        months = {place.month for place in data}
        held = {(place.kind, place.month) for place in data}
        for kind, month in sorted((kind, month) for kind in KINDS for month in months if (kind, month) not in held):
            yield f"the index of {kind} of {month} is missing"
        yield from (f"the index {place.name} is not behind its alias" for place in data if not place.is_serving)


def survey(server: Server, prefix: str) -> Survey:
    """Reads the names and aliases of all indices of a prefix, in one request."""
    pattern = re.compile(rf"{re.escape(prefix)}-({'|'.join((*KINDS, STATE))})-v(\d+)(?:-(.+))?")
    ours = {f"{prefix}-{kind}" for kind in (*KINDS, STATE)}
    indices = server.ask("GET", f"/{prefix}-*/_alias", None, {"expand_wildcards": "all"}, absent={})
    places, strangers = [], []
    for name, content in sorted(indices.items()):  # also those of other names, behind an alias of this prefix
        match, aliases = pattern.fullmatch(name), ours & set(content.get("aliases", {}))
        own = f"{prefix}-{match[1]}" if match else ""
        strangers += [(name, alias) for alias in sorted(aliases - {own})]
        if match:
            places.append(Place(name, match[1], int(match[2]), match[3] or "", own in aliases))
    return Survey(tuple(places), tuple(strangers))


def counts(server: Server, prefix: str) -> Mapping[str, int]:
    """How many documents of each kind queries can find, and how many the conversations' documents say there are."""
    sums = {"messages": {"sum": {"field": "message_documents"}}, "sdes": {"sum": {"field": "sde_count"}}}
    lines: list[Any] = []
    for kind in KINDS:
        body = {"size": 0, "track_total_hits": True, "query": VISIBLE}
        lines += [{"index": f"{prefix}-{kind}"}, body | ({"aggs": sums} if kind == "metadata" else {})]
    content = b"".join(encode(line) + b"\n" for line in lines)
    answers = server.ask("POST", "/_msearch", content)["responses"]
    found = {kind: _total(answer) for kind, answer in zip(KINDS, answers, strict=True)}
    told = answers[KINDS.index("metadata")].get("aggregations", {})
    return found | {f"{name} told": int(value["value"]) for name, value in told.items()}


def _total(answer: Mapping[str, Any]) -> int:
    return int(answer.get("hits", {}).get("total", {}).get("value", 0))


def count_faults(found: Mapping[str, int], conversations: int, refused: int) -> Iterator[str]:
    """What does not add up: `conversations` are in the vault, of which `refused` are not or not wholly indexed."""
    held = found["metadata"]
    if not conversations - refused <= held <= conversations:
        yield f"it holds {held:,} conversations, and the vault {conversations:,}"
    for kind in ("messages", "sdes"):
        told = found.get(f"{kind} told", 0)
        if (found[kind] != told) if not refused else (found[kind] > told and held == conversations):
            yield f"it holds {found[kind]:,} {kind} of {told:,}"
