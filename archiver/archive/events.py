"""Events in the vault's chain: windows proven complete, text that LivePerson masked or deleted, and decisions. Pure.

Each is an entry of its own type whose body is a small JSON object (docs/vault-format.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from archiver.choices import Policy
from archiver.jsontext import decode
from archiver.rawrecord import integer

RECORD = "record"
WINDOW_SEALED, WINDOW_UNSEALED = "window_sealed", "window_unsealed"
MASKING, ERASURE, FEWER = "upstream_masking", "upstream_erasure", "upstream_fewer"
DECIDED = "erasure_decided"
VANISHED, RETURNED = "upstream_vanished", "upstream_returned"  # LivePerson lists a conversation no more; does again
UPSTREAM = (MASKING, ERASURE, FEWER)  # changes that LivePerson made to archived text
REMOVING = (*UPSTREAM, DECIDED)  # events that may remove bodies


class Decision(StrEnum):
    """What happens to the older versions after LivePerson masked, deleted or left out text."""

    PENDING = "pending"  # a person decides
    FOLLOWED = "followed"  # removed, by the policy
    APPROVED = "approved"  # removed, by a person
    KEPT = "kept"  # kept, by the policy or a person
    SUPERSEDED = "superseded"  # the missing messages are there again


BY_POLICY: Mapping[str, Decision] = {
    Policy.FOLLOW: Decision.FOLLOWED,
    Policy.KEEP: Decision.KEPT,
    Policy.ASK: Decision.PENDING,
}


def states_by(types: Iterable[str]) -> tuple[str, ...]:
    """What LivePerson did to a conversation since it was archived, by the types of the events about it, in order:
    masked, deleted, vanished.
    """
    seen = list(types)
    found = {"masked": MASKING in seen, "deleted": ERASURE in seen or FEWER in seen}
    presence = [type_ for type_ in seen if type_ in (VANISHED, RETURNED)]
    found["vanished"] = presence[-1:] == [VANISHED]
    return tuple(state for state, is_so in found.items() if is_so)


def removed_by(type_: str, body: bytes) -> frozenset[int]:
    """The sequence numbers of the bodies that were removed according to an entry."""
    if type_ not in REMOVING:
        return frozenset()
    try:
        content: Any = decode(body)
    except ValueError:
        return frozenset()
    removed = content.get("removed") if isinstance(content, dict) else None
    numbers = [integer(item) for item in removed] if isinstance(removed, list) else []
    return frozenset(number for number in numbers if number is not None)
