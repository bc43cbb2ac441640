"""Trains the dictionary for compression from records. Pure.

What the dictionary holds stays in the archive when a record's text is removed. So it is trained from what is left of
records without all that people said, are called or told about themselves: names of members, and the values of `_CODES`,
which LivePerson and the brand's settings give. Each has to occur with many customers, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from zstandard import ZstdError, train_dictionary

from archiver.jsontext import decode, encode

DICTIONARY_BYTES = 32 * 1024  # a larger one does not compress better
_CUSTOMERS = 20  # that a name or value must occur with
# Members whose values are codes, or names and ids of the brand's settings (Messaging Interactions API, Conversations).
_CODES = frozenset(
    (
        "acSurveyId", "acSurveyName", "answerId", "appId", "appVersion", "audience", "brandId", "campaignEngagementId",
        "campaignEngagementName", "campaignId", "campaignName", "closeReason", "closeReasonDescription", "device",
        "dialogChannelType", "dialogType", "engagementApplicationId", "engagementApplicationName",
        "engagementApplicationTypeId", "engagementApplicationTypeName", "engagementSource", "features",
        "fullDialogStatus", "goalId", "goalName", "integration", "integrationSource", "integrationVersion",
        "intentName", "latestAgentGroupId", "latestAgentGroupName", "latestHandlerAccountId", "latestHandlerSkillId",
        "latestQueueState", "latestSkillId", "latestSkillName", "lobId", "lobName", "locationId", "locationName",
        "messageDeliveryStatus", "modelName", "modelVersion", "participantType", "predefinedContentCategoryId",
        "predefinedContentId", "questionCategory", "questionDefinition", "questionId", "sdeType", "sentBy", "skillId",
        "skillName", "source", "sourceSkillId", "sourceSkillName", "status", "statusReason", "surveySkillId",
        "surveySkillName", "surveyStatus", "targetSkillId", "targetSkillName", "type", "userType", "userTypeName",
        "visitorProfileId", "visitorProfileName",
    )
)  # fmt: skip
_Part = tuple[str, object]  # the name of a member, with its value if that may be kept


def train(raws: Iterable[bytes]) -> bytes | None:
    """A zstd dictionary of at most `DICTIONARY_BYTES` for records like these; None if they are too few or too
    different. The same records give the same dictionary.
    """
    records = [record for raw in raws if isinstance(record := _decoded(raw), dict)]
    common = _common(records)
    try:
        samples = [encode(_reduced(record, common)) for record in records]
        return train_dictionary(DICTIONARY_BYTES, [*samples]).as_bytes()
    except (ZstdError, ValueError):
        return None


def _decoded(raw: bytes) -> Any:
    try:
        return decode(raw)
    except ValueError:
        return None


def _common(records: Iterable[dict[str, Any]]) -> frozenset[_Part]:
    """The names and values that occur with at least `_CUSTOMERS` customers."""
    by_customer: dict[str, set[_Part]] = {}
    for record in records:
        by_customer.setdefault(_customer(record), set()).update(_parts(record))
    counts = Counter(part for parts in by_customer.values() for part in parts)
    return frozenset(part for part, count in counts.items() if count >= _CUSTOMERS)


def _customer(record: dict[str, Any]) -> str:
    """Who the conversation is with: all records without a readable consumer count as one customer's."""
    consumers = record.get("consumerParticipants")
    first = consumers[0] if isinstance(consumers, list) and consumers else None
    return str(first.get("participantId")) if isinstance(first, dict) else ""


def _parts(value: Any) -> Iterator[_Part]:
    """The names in a decoded record, and its values that may be kept, each with its member's name."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, None
            yield from ((name, code) for code in _codes(name, item))
            yield from _parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)


def _codes(name: str, value: Any) -> list[object]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)] if name in _CODES else []


def _reduced(value: Any, common: frozenset[_Part], name: str = "") -> Any:
    """The same record with what is common; other values are empty, and other members left out."""
    if isinstance(value, dict):
        return {key: _reduced(item, common, key) for key, item in value.items() if (key, None) in common}
    if isinstance(value, list):
        return [_reduced(item, common, name) for item in value]
    is_kept = isinstance(value, str) and name in _CODES and (name, value) in common
    return value if is_kept else type(value)()
