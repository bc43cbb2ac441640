"""What is recorded in the vault's chain besides records: claims of completeness, what LivePerson took back, decisions.

Pure. Each is an entry of its own type whose body is a small JSON object (docs/vault-format.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from archiver.jsontext import decode
from archiver.model import Policy
from archiver.rawrecord import integer

RECORD = "record"
SEALED, UNSEALED = "window_sealed", "window_unsealed"
MASKING, ERASURE, FEWER = "upstream_masking", "upstream_erasure", "upstream_fewer"
DECIDED = "erasure_decided"
TAKEN_BACK = (MASKING, ERASURE, FEWER)
REMOVING = (*TAKEN_BACK, DECIDED)  # those that bodies may be removed with


class Decision(StrEnum):
    """What was decided about older versions of a conversation that LivePerson took something back of."""

    PENDING = "pending"  # a person decides
    FOLLOWED = "followed"  # removed, by the policy
    APPROVED = "approved"  # removed, by a person
    KEPT = "kept"  # they stay, by the policy or a person
    SUPERSEDED = "superseded"  # what was left out is there again


BY_POLICY: Mapping[str, Decision] = {
    Policy.FOLLOW: Decision.FOLLOWED,
    Policy.KEEP: Decision.KEPT,
    Policy.ASK: Decision.PENDING,
}


def removed_by(type_: str, body: bytes) -> frozenset[int]:
    """The sequence numbers of the bodies that an entry says were removed with it."""
    if type_ not in REMOVING:
        return frozenset()
    try:
        said: Any = decode(body)
    except ValueError:
        return frozenset()
    found = said.get("removed") if isinstance(said, dict) else None
    numbers = [integer(item) for item in found] if isinstance(found, list) else []
    return frozenset(number for number in numbers if number is not None)
