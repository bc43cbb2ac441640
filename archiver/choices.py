"""What some settings choose between."""

from __future__ import annotations

from enum import StrEnum

from archiver.value import Value


class Policy(StrEnum):
    """What happens to older versions when LivePerson masks or deletes their text."""

    FOLLOW = "follow"  # removed
    KEEP = "keep"  # kept
    ASK = "ask"  # kept until a person decides


class Depth(StrEnum):
    """How conversations are read."""

    FULL = "full"  # each by its id, which returns all SDEs and thumbnails
    SEARCH = "search"  # as a search returns them: without thumbnails, and only the newest SDE of each type


class Policies(Value):
    """For each kind of erasure: text covered with mask characters, and text deleted."""

    masking: Policy = Policy.FOLLOW
    erasure: Policy = Policy.ASK
