"""What people do with cases: each step is checked, and stands in the audit log before it is done."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import ceil, floor

from archiver.access import Action, narrowed
from archiver.app import Archive
from archiver.archive import Case, CaseItem, Part, Status, no_case
from archiver.errors import ConfigError, NotFound
from archiver.index import found_ids, refuse
from archiver.query import Query, facts_of, understood
from archiver.sampling import drawn, sample_size, share_interval
from archiver.value import Value, replace

_CONFIDENCE = 0.95  # of an estimate
_LONGEST = 1_000  # characters of a name, reason, tag or note


class Sample(Value):
    """How a sample is drawn: so many as `size` says, or as it takes for a `margin` with a `confidence`, both shares of
    one. `is_null`: from what the query does not find.
    """

    size: int | None = None
    margin: float | None = None
    confidence: float = 0.95
    seed: str | None = None
    is_null: bool = False


class Estimate(Value):
    """What the reviews of a sample say of the `population` that it was drawn from: that from `at_least` to `at_most` of
    it are relevant, which is a share between `share_from` and `share_to`, with a `confidence` of one.
    """

    population: int
    reviewed: int
    relevant: int
    confidence: float
    share_from: float
    share_to: float
    at_least: int
    at_most: int


def make_case(
    archive: Archive, name: str, reason: str, query: str = "", *, follows: bool = False, sample: Sample | None = None
) -> tuple[Case, int]:  # fmt: skip
    """Makes a case of what a query finds now, or of a sample; with how many conversations. Without a query, a sample is
    drawn from everything, and a case without a sample begins empty. Raises ConfigError, QueryError, StoreError.
    """
    _check_text("the name", name, is_line=True)
    _check_text("the reason", reason)
    if follows and (sample or not query):
        raise ConfigError(
            "only a case of all that a query finds follows it", hint="Add a query, or leave out --follow."
        )
    if sample and sample.is_null and not query:
        raise ConfigError("what is not found needs a query", hint="Add the query that misses it.")
    archive.file.cases.check_free(name)
    if query or sample:
        refuse(archive.search(query, limit=0).doubts)
    query = narrowed(query, archive.view.person.rules) if query else query  # others are shown what it is made of
    at = archive.now().isoformat(timespec="seconds")
    case = Case(name, reason, query, follows, archive.view.person.name, at)
    if sample:
        case, ids, part = _sampled(archive, case, sample)
    else:
        ids, part = list(_found(archive, query)) if query else [], Part.HIT
    archive.audit(Action.CASE, what="new", to=name, query=query, reason=reason, count=len(ids))
    return case, archive.file.cases.make(case, ids, part)


def _sampled(archive: Archive, case: Case, sample: Sample) -> tuple[Case, list[str], Part]:
    among = _among(archive, case)
    everything = set(_found(archive, among)) if sample.is_null else set()  # first: what comes meanwhile is no miss
    hits = set(_found(archive, case.query))
    population = everything - hits if sample.is_null else hits
    size = sample.size
    if size is None:
        size = sample_size(len(population), sample.confidence, sample.margin or 0.05)
    made = replace(case, population=len(population), seed=sample.seed or secrets.token_hex(8))
    return made, drawn(population, size, made.seed), Part.NULL_SAMPLE if sample.is_null else Part.SAMPLE


def _among(archive: Archive, case: Case) -> Query:
    """What is looked through for what a query misses: the conversations of its span, skill and the like. Days such as
    90d are those of when the case was made.
    """
    parsed = archive.parse(case.query, at=datetime.fromisoformat(case.made_at))
    return replace(parsed, expression=facts_of(parsed.expression))


def _of_span(archive: Archive, case: Case) -> str:
    among = _among(archive, case)
    return "" if among.is_everything else f", among those of {understood(among.expression)}"


def _found(archive: Archive, query: str | Query) -> Iterator[str]:
    return found_ids(archive.store, archive.search(query, limit=0).request.query)


def bring_up_to_date(archive: Archive, case: Case) -> int:
    """Adds to a case that follows its query what matches now; how many conversations."""
    if not case.follows:
        return 0
    ids = list(_found(archive, case.query))  # before the transaction, in which no harvest can write
    return archive.file.cases.add(case, ids, Part.LATER)


def add_to_case(archive: Archive, case: Case, ids: Iterable[str]) -> int:
    """Adds conversations; how many were not in the case. Raises NotFound, and adds none, if one is not there or not for
    whoever asks.
    """
    known = [archive.transcript(id_).id for id_ in ids]
    archive.audit(Action.CASE, what="add", to=case.name, conversation_ids=known)
    return archive.file.cases.add(case, known, Part.ADDED)


def remove_case(archive: Archive, case: Case, reason: str) -> None:
    """Removes a case with what reviewers said; the audit log keeps that it was there. Raises ConfigError."""
    _check_text("the reason", reason)
    archive.audit(Action.CASE, what="remove", to=case.name, reason=reason, count=len(archive.file.cases.items(case)))
    archive.file.cases.remove(case)


def cases_of(archive: Archive) -> list[Case]:
    """The cases that whoever asks may see, by name. Who may see some conversations only sees those that hold one of
    these, or that they have made, and is not told from how many a sample was drawn.
    """
    cases = archive.file.cases.all()
    if archive.view.is_of_all:
        return cases
    person = archive.view.person.name
    return [replace(case, population=0) for case in cases if case.made_by == person or items_of(archive, case)]


def case_of(archive: Archive, name: str) -> Case:
    """The case of a name. Raises NotFound if there is none, or none for whoever asks."""
    case = archive.file.cases.one(name)
    if archive.view.is_of_all:
        return case
    for seen in cases_of(archive):
        if seen.name == name:
            return seen
    raise no_case(name)


def item_of(archive: Archive, case: Case, conversation_id: str) -> CaseItem:
    """A conversation in a case. Raises NotFound if it is not in the case, or not for whoever asks."""
    archive.check_seen(conversation_id)
    item = archive.file.cases.item(case, conversation_id)
    if item is None:
        raise NotFound(
            f"conversation {conversation_id!r} is not in the case {case.name!r}",
            hint=f"Add it: archiver case add {case.name} {conversation_id}",
        )
    return item


def origin_of(archive: Archive, case: Case) -> str:
    """What a case was made of, in words: what a query found, or a sample of that or of what it did not find."""
    parts = {item.part for item in archive.file.cases.items(case)}
    asked = f"what matches {case.query}" if case.query else "everything"
    number = f"{case.population:,} " if case.population else ""
    made_at = datetime.fromisoformat(case.made_at).astimezone(UTC)
    if Part.NULL_SAMPLE in parts:
        made = (
            f"a sample, drawn with the seed {case.seed} from the {number}conversations that do NOT match {case.query}"
            f"{_of_span(archive, case)}"
        )
    elif case.seed:
        made = f"a sample, drawn with the seed {case.seed} from the {number}conversations of {asked}"
    elif case.query:
        made = f"{asked}, also later" if case.follows else f"what matched {case.query} on {made_at:%Y-%m-%d %H:%M} UTC"
    else:
        return "conversations that were added by their ids"
    return f"{made}; others were added by their ids" if Part.ADDED in parts else made


def items_of(archive: Archive, case: Case) -> list[CaseItem]:
    """The conversations of a case that whoever asks may see, by id."""
    items = archive.file.cases.items(case)
    return items if archive.view.is_of_all else [item for item in items if _is_seen(archive, item)]


def _is_seen(archive: Archive, item: CaseItem) -> bool:
    try:
        archive.check_seen(item.conversation_id)
    except NotFound:
        return False
    return True


def estimate(archive: Archive, case: Case) -> Estimate | None:
    """What the reviews of a case's sample say of all. None without a sample, before anything of it was reviewed, or if
    whoever asks may not see all conversations. What is privileged is relevant, too.
    """
    items = archive.file.cases.items(case) if archive.view.is_of_all else []
    sampled = [item for item in items if item.part in (Part.SAMPLE, Part.NULL_SAMPLE)]
    reviewed = [item for item in sampled if item.status is not Status.OPEN]
    if not reviewed:
        return None
    relevant = sum(item.status is not Status.IRRELEVANT for item in reviewed)
    low, high = share_interval(relevant, len(reviewed), _CONFIDENCE)
    return Estimate(
        case.population, len(reviewed), relevant, _CONFIDENCE, round(low, 6), round(high, 6),
        at_least=max(floor(low * case.population), relevant),
        at_most=min(ceil(high * case.population), case.population - (len(reviewed) - relevant)),
    )  # fmt: skip


def mark(archive: Archive, case: Case, item: CaseItem) -> CaseItem:
    """Keeps what a conversation of a case is, with who says so and when it was first marked; as it is kept. Raises
    ConfigError.
    """
    for tag in item.tags:
        _check_text("a tag", tag, is_line=True)
    _check_text("the note", item.note or "-")
    archive.audit(
        Action.CASE, what="mark", to=case.name, conversation_id=item.conversation_id, decision=item.status.value
    )  # fmt: skip
    archive.file.cases.review(case, item, archive.view.person.name, archive.now())
    return item_of(archive, case, item.conversation_id)


def status_of(text: str) -> Status:
    """The status of a name. Raises ConfigError."""
    try:
        return Status(text)
    except ValueError:
        raise ConfigError(f"no status is called {text!r}", hint=f"Choose one of {', '.join(Status)}.") from None


def _check_text(what: str, text: str, *, is_line: bool = False) -> None:
    if not text.strip() or len(text) > _LONGEST or (is_line and not text.isprintable()):
        kind = " in one line" if is_line else ""
        raise ConfigError(f"{what} is empty or too long", hint=f"Write 1 to {_LONGEST:,} characters{kind}.")
