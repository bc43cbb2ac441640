"""`archiver.certificate/1`: what a query finds in the archive, what was examined for it, and what could not be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from archiver import __version__
from archiver.app import Archive
from archiver.archive import ERASURE, Decision
from archiver.errors import ArchiveError, counted
from archiver.index import Assurance, advice_on, found_ids
from archiver.model import Zone, to_ms
from archiver.outputs.worth import question_json, worth_json
from archiver.query import (
    SDE,
    TOKENS_VERSION,
    And,
    Compare,
    Condition,
    Expression,
    Query,
    Scope,
    bounds_start,
    every_leaf,
)
from archiver.transcript import VERSION, iso
from archiver.value import replace

PROVEN, NOT_PROVEN = "PROVEN", "NOT PROVEN"
_DELETED = "LP deleted data"  # what LivePerson writes in place of text that it has deleted
_TRIES = 5


def certificate_json(archive: Archive, query: Query, at: datetime, zone: str | None = None) -> dict[str, Any]:
    """The certificate at `at`, LivePerson's time, of one moment of the archive. `zone`: of the query's days, by default
    that of the archive's settings. The index is brought up to date first.
    Raises StoreError, and ArchiveError if the archive does not stand still.
    """
    for _ in range(_TRIES):
        head = archive.file.vault.noted_head()
        made = _certificate(archive, query, at, zone or str(archive.zone))
        if made["archive"]["head"] == archive.file.vault.noted_head() == head:
            return made
    raise ArchiveError("the archive grows while it is examined", hint="Try again, or end the harvest meanwhile.")


def _certificate(archive: Archive, query: Query, at: datetime, zone: str) -> dict[str, Any]:
    search = archive.search(query, limit=0)
    worth = search.assurance(at)
    ids = sorted(found_ids(archive.store, search.request.query))
    messages = archive.search(query, scope="message", limit=0).total
    examined, not_searched = _examined(archive, query, worth), _not_searched(archive, query, worth)
    reasons = list(_reasons(archive, query, worth, search.doubts))
    if not examined["conversations"]:
        reasons.append("the archive has no conversation of this span: see how the query was read")
    if not_searched["removed"]:
        reasons.append(f"of {counted(not_searched['removed'], 'conversation')} deleted text was removed for ever")
    return {
        "schema": "archiver.certificate/1",
        "heading": NOT_PROVEN if reasons else PROVEN,
        "reasons": reasons,
        "question": question_json(worth, query.text) | {"zone": zone, "notices": search.notices},
        "found": {
            "conversations": len(ids), "messages": messages, "ids_sha256": sha256("\n".join(ids).encode()).hexdigest(),
        },
        "examined": examined,
        "not_searched": not_searched,
        "archive": {
            "account": archive.file.account, "id": archive.file.id, "head": archive.file.vault.noted_head(),
        },
        "made_by": {"archiver": __version__, "transcripts": VERSION, "words": TOKENS_VERSION},
        "at": iso(at),
    }  # fmt: skip


def _reasons(archive: Archive, query: Query, worth: Assurance, doubts: tuple[str, ...]) -> Iterator[str]:
    """Why a certificate proves nothing; none if it does."""
    if not worth.is_proven:
        proven = f"{worth.proven_days:,} of {counted(worth.days, 'day')}"
        yield f"{proven} of the span are proven complete by LivePerson's counts"
    if worth.refused:
        yield f"{counted(worth.refused, 'conversation')} could not be searched, because the index refused them"
    if worth.behind:
        yield f"{counted(worth.behind, 'vault entry')} could not be searched yet"
    if worth.shallow and _asks_for_sdes(query.expression):
        yield f"{counted(worth.shallow, 'conversation')} lack some of the SDEs that the query looks into"
    if worth.undated:
        yield f"{counted(worth.undated, 'conversation')} whose start is unknown would be found without the dates"
    if worth.unread:
        yield f"{counted(worth.unread, 'record')} of an unknown time could not be read"
    yield from query.notices  # what may be read otherwise than it was meant
    yield from _unknown_values(archive, query)
    yield from doubts


def _unknown_values(archive: Archive, query: Query) -> Iterator[str]:
    """Conditions of which nothing in the archive is true, such as a misspelt skill, or nothing at all: csat:>6."""
    of_scope = advice_on(archive.store, query, Scope.CONVERSATION, names_values=False)
    for notice in advice_on(archive.store, query, Scope.CONVERSATION):
        if notice not in of_scope:
            yield notice


def _asks_for_sdes(expression: Expression) -> bool:
    for leaf in every_leaf(expression):
        places = (leaf.field,) if isinstance(leaf, Condition) else leaf.where.places
        if any(place == Zone.SDE or place.startswith(f"{SDE}.") for place in places):
            return True
    return False


def _examined(archive: Archive, query: Query, worth: Assurance) -> dict[str, Any]:
    """How much lies in the span that the query asks for."""
    if worth.span is None:
        return {"conversations": 0, "messages": 0, "days": 0, "proven_days": 0}
    everything = _within(archive, query, worth, "*")
    return {
        "conversations": archive.search(everything, limit=0).total,
        "messages": archive.search(everything, scope="message", limit=0).total,
        "days": worth.days,
        "proven_days": worth.proven_days,
    }


def _not_searched(archive: Archive, query: Query, worth: Assurance) -> dict[str, Any]:
    """What no search looks into, as far as it is known."""
    counts = {
        name: archive.search(_within(archive, query, worth, condition), limit=0).total if worth.span else 0
        for name, condition in (
            ("with_attachments", "has:attachment"),
            ("with_erased_text", "has:masked OR has:deleted"),
            ("deleted_before", f'"{_DELETED}" -has:deleted'),
        )
    }
    removed = _removed(archive)
    deleted = _within(archive, query, worth, "has:deleted")
    lacking = removed and worth.span and removed.intersection(_ids(archive, deleted))
    return {
        **counts,
        "removed": len(lacking or ()),
        "shallow": worth.shallow,
        "refused": worth.refused,
        "behind": worth.behind,
        "quarantined": worth.unread,
        "gaps": worth_json(worth)["coverage"]["gaps"],
    }


def _removed(archive: Archive) -> set[str]:
    """The conversations of which the archive removed text, because LivePerson had deleted it."""
    gone = (Decision.FOLLOWED, Decision.APPROVED)
    listed = archive.file.erasures.listed(is_pending=False)
    return {item.conversation_id for item in listed if item.kind == ERASURE and item.state in gone}


def _ids(archive: Archive, query: Query) -> Iterator[str]:
    return found_ids(archive.store, archive.search(query, limit=0).request.query)


def _within(archive: Archive, query: Query, worth: Assurance, condition: str) -> Query:
    """A condition within the span of a query; without a bound of its start, from the very first one."""
    parsed = archive.parse(condition)
    if worth.span is None or not any(map(bounds_start, every_leaf(query.expression))):
        return parsed
    span = Compare("start", to_ms(worth.span.start), to_ms(worth.span.end))
    return replace(parsed, expression=span if parsed.is_everything else And((parsed.expression, span)))


def differences(
    before: Mapping[str, Any], now: Mapping[str, Any], *, is_same_archive: bool, holds_head: bool
) -> list[str]:
    """Why a certificate that was made again says something else; nothing if it says the same."""
    if not is_same_archive:
        return [f"it is of the archive {before['archive']['id']}, and this one is {now['archive']['id']}"]
    told = [] if _seq(now) != _seq(before) else [f"{part} is not what the archive says" for part in _wrong(before, now)]
    for part, was, is_ in (("query is understood", "question", "understood"), ("account is", "archive", "account")):
        if before[was][is_] != now[was][is_]:
            told.append(f"the {part} otherwise: {now[was][is_]}")
    if not holds_head:
        told.append("the archive does not hold the head that the certificate names: one of them was changed")
    grown = _seq(now) - _seq(before)
    if grown > 0:
        told.append(f"the archive has {counted(grown, 'entry')} more than then")
    for name in ("conversations", "messages"):
        if now["found"][name] != before["found"][name]:
            told.append(f"{now['found'][name]:,} {name} are found, and were {before['found'][name]:,}")
    if now["found"]["ids_sha256"] != before["found"]["ids_sha256"]:
        told.append("other conversations are found than then")
    if now["heading"] != before["heading"]:
        told.append(f"it is {now['heading']} now: {'; '.join(now['reasons']) or 'everything is proven'}")
    for name in ("transcripts", "words"):
        if now["made_by"][name] != before["made_by"][name]:
            told.append(f"the program's rules for {name} are others than then")
    return told


def is_changed(before: Mapping[str, Any], now: Mapping[str, Any], *, holds_head: bool) -> bool:
    """Whether what was found or proven is not what the certificate says."""
    if not holds_head or any(before[part] != now[part] for part in ("found", "heading")):
        return True
    if before["question"]["understood"] != now["question"]["understood"]:
        return True
    return before["archive"]["account"] != now["archive"]["account"] or (
        _seq(now) == _seq(before) and bool(_wrong(before, now))
    )


def _wrong(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The parts that differ though the archive is the same and the moment, too."""
    return [part for part in ("question", "examined", "not_searched", "reasons") if before.get(part) != now[part]]


def _seq(certificate: Mapping[str, Any]) -> int:
    return int(str(certificate["archive"]["head"]).partition(":")[0])


def moment_of(certificate: Mapping[str, Any]) -> datetime:
    """When it was made. Raises ValueError."""
    return datetime.fromisoformat(str(certificate["at"]))
