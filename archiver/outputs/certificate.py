"""`archiver.certificate/1`: what a query finds in the archive, what was examined for it, and what could not be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from archiver import __version__
from archiver.app import Archive
from archiver.errors import counted
from archiver.index import Assurance, found_ids
from archiver.model import Zone, to_ms
from archiver.outputs.worth import question_json, worth_json
from archiver.query import SDE, TOKENS_VERSION, And, Compare, Expression, Query, every_leaf
from archiver.transcript import VERSION, iso
from archiver.value import replace

PROVEN, NOT_PROVEN = "PROVEN", "NOT PROVEN"


def certificate_json(archive: Archive, query: Query, at: datetime) -> dict[str, Any]:
    """The certificate at `at`, LivePerson's time. The index is brought up to date first. Raises StoreError."""
    search = archive.search(query, limit=0)
    worth = search.assurance(at)
    ids = sorted(found_ids(archive.store, search.request.query))
    messages = archive.search(query, scope="message", limit=0).total
    reasons = list(_reasons(archive, query, worth, search.doubts))
    return {
        "schema": "archiver.certificate/1",
        "heading": NOT_PROVEN if reasons else PROVEN,
        "reasons": reasons,
        "question": question_json(worth, query.text) | {"zone": str(archive.settings.zone), "notices": search.notices},
        "found": {
            "conversations": len(ids), "messages": messages, "ids_sha256": sha256("\n".join(ids).encode()).hexdigest(),
        },
        "examined": _examined(archive, query, worth),
        "not_searched": _not_searched(archive, query, worth),
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
    if quarantined := archive.file.vault.count_quarantined():
        yield f"{counted(quarantined, 'record')} of an unknown time could not be read"
    yield from doubts


def _asks_for_sdes(expression: Expression) -> bool:
    for leaf in every_leaf(expression):
        places = (leaf.field,) if isinstance(leaf, Compare) else leaf.where.places
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
        )
    }
    return {
        **counts,
        "shallow": worth.shallow,
        "refused": worth.refused,
        "behind": worth.behind,
        "quarantined": archive.file.vault.count_quarantined(),
        "gaps": worth_json(worth)["coverage"]["gaps"],
    }


def _within(archive: Archive, query: Query, worth: Assurance, condition: str) -> Query:
    """A condition within the span of a query; without a bound of its start, from the very first one."""
    parsed = archive.parse(condition)
    bounds = [leaf for leaf in every_leaf(query.expression) if isinstance(leaf, Compare) and leaf.field == "start"]
    if worth.span is None or not bounds:
        return parsed
    span = Compare("start", to_ms(worth.span.start), to_ms(worth.span.end))
    return replace(parsed, expression=span if parsed.is_everything else And((parsed.expression, span)))


def differences(
    before: Mapping[str, Any], now: Mapping[str, Any], *, is_same_archive: bool, holds_head: bool
) -> list[str]:
    """Why a certificate that was made again says something else; nothing if it says the same."""
    if not is_same_archive:
        return [f"it is of the archive {before['archive']['id']}, and this one is {now['archive']['id']}"]
    told = []
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
    parts = ("found", "heading")
    return not holds_head or any(before[part] != now[part] for part in parts)


def _seq(certificate: Mapping[str, Any]) -> int:
    return int(str(certificate["archive"]["head"]).partition(":")[0])


def moment_of(certificate: Mapping[str, Any]) -> datetime:
    """When it was made. Raises ValueError."""
    return datetime.fromisoformat(str(certificate["at"]))
