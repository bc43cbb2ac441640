"""Trains the dictionary for compression from records. Pure.

What the dictionary holds stays in the archive when a record's text is removed, so it must not hold what one customer
said: only member names and whole values that occur with many customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from zstandard import ZstdError, train_dictionary

from archiver.jsontext import decode, encode

DICTIONARY_BYTES = 32 * 1024  # 112 KiB would save 0.3 % of a record more
_CUSTOMERS = 20  # that a name or value must occur with


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


def _common(records: Iterable[dict[str, Any]]) -> frozenset[object]:
    """The member names and values that occur with at least `_CUSTOMERS` customers."""
    by_customer: dict[str, set[object]] = {}
    for record in records:
        by_customer.setdefault(_customer(record), set()).update(_parts(record))
    counts = Counter(part for parts in by_customer.values() for part in parts)
    return frozenset(part for part, count in counts.items() if count >= _CUSTOMERS)


def _customer(record: dict[str, Any]) -> str:
    """Who the conversation is with: all records without a readable consumer count as one customer's."""
    consumers = record.get("consumerParticipants")
    first = consumers[0] if isinstance(consumers, list) and consumers else None
    return str(first.get("participantId")) if isinstance(first, dict) else ""


def _parts(value: Any) -> Iterator[object]:
    """The member names and single values of a decoded record."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)
    else:
        yield value


def _reduced(value: Any, common: frozenset[object]) -> Any:
    """The same record with what is common; other values are empty, and other members left out."""
    if isinstance(value, dict):
        return {name: _reduced(item, common) for name, item in value.items() if name in common}
    if isinstance(value, list):
        return [_reduced(item, common) for item in value]
    return value if value in common else type(value)()
