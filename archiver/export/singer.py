"""The archive as a Singer tap: what Meltano and other loaders take (Singer specification 0.3.0). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from archiver.export.changes import FeedChange
from archiver.export.tables import CONVERSATIONS, MESSAGES, SDES, conversation_row, message_rows, sde_rows
from archiver.transcript import iso
from archiver.value import Value, as_dict

_TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": ["null", "string"]}, "time": {"type": ["null", "string"], "format": "date-time"},
    "number": {"type": ["null", "number"]}, "integer": {"type": ["null", "integer"]},
    "truth": {"type": ["null", "boolean"]},
}  # fmt: skip
_OF_CHANGE = {"seq": "integer", "change": "text", "unreadable": "text"}
_OF_ROW = {"row": "integer", "seq": "integer"}  # rows are present whose seq is that of their conversation


class Stream(Value):
    """A table of the tap: its columns with their types, and those that name a row."""

    columns: Mapping[str, str]
    keys: tuple[str, ...]


STREAMS: Mapping[str, Stream] = {
    "conversations": Stream(CONVERSATIONS | _OF_CHANGE, ("conversation_id",)),
    "messages": Stream(MESSAGES | _OF_ROW, ("conversation_id", "row")),
    "sdes": Stream(SDES | _OF_ROW, ("conversation_id", "row")),
}


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of a stream's records."""
    return {"type": "object", "properties": {column: _TYPES[kind] for column, kind in STREAMS[name].columns.items()}}


def catalog() -> dict[str, Any]:
    """All streams, each selected: what discovery tells."""
    return {
        "streams": [
            {
                "tap_stream_id": name, "stream": name, "schema": schema_of(name), "key_properties": list(stream.keys),
                "metadata": [
                    {
                        "breadcrumb": [],
                        "metadata": {
                            "selected-by-default": True, "inclusion": "available", "forced-replication-method":
                            "INCREMENTAL", "table-key-properties": list(stream.keys),
                        },
                    }
                ],
            }
            for name, stream in STREAMS.items()
        ]
    }  # fmt: skip


def selected(given: Mapping[str, Any] | None) -> list[str]:
    """The streams that a catalog selects, of those that there are; all without one."""
    if given is None:
        return list(STREAMS)
    chosen = {str(item.get("tap_stream_id") or item.get("stream")) for item in given["streams"] if _is_selected(item)}
    return [name for name in STREAMS if name in chosen]


def _is_selected(item: Mapping[str, Any]) -> bool:
    for entry in item.get("metadata") or ():
        if not entry.get("breadcrumb"):
            found = entry.get("metadata") or {}
            return found.get("selected", item.get("selected", found.get("selected-by-default", False))) is True
    return item.get("selected", False) is True


def schema_message(name: str) -> dict[str, Any]:
    return {"type": "SCHEMA", "stream": name, "schema": schema_of(name), "key_properties": list(STREAMS[name].keys)}


def record_messages(change: FeedChange, names: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of a conversation as it is now, for each of these streams."""
    transcript, item = change.item.transcript, change.item
    of_change = {"seq": change.seq, "change": change.kind, "unreadable": item.fault}
    if "conversations" in names:
        columns = CONVERSATIONS if transcript else ("conversation_id", "vault_entry", "fetched_at")
        row = (
            conversation_row(item, transcript) if transcript
            else (item.id, item.record.seq, item.record.fetched_at)
        )  # fmt: skip
        yield _record("conversations", dict(zip(columns, row, strict=True)) | of_change)
    if transcript is None:
        return
    for name, columns, rows in (("messages", MESSAGES, message_rows), ("sdes", SDES, sde_rows)):
        for number, row in enumerate(rows(transcript), 1) if name in names else ():
            yield _record(name, dict(zip(columns, row, strict=True)) | {"row": number, "seq": change.seq})


def _record(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: iso(value) if isinstance(value, datetime) else value for key, value in values.items()}
    return {"type": "RECORD", "stream": name, "record": plain}


class Asked(Value):
    """What is loaded: of which archive, by which query, which streams. A state is of just one of these."""

    archive: str
    query: str
    streams: tuple[str, ...]


def state_message(seq: int, asked: Asked) -> dict[str, Any]:
    return {"type": "STATE", "value": {"seq": seq, **as_dict(asked)}}


def seq_of(state: Mapping[str, Any] | None, asked: Asked) -> int:
    """The vault entry up to which a state says that everything was loaded. Raises ValueError, also for the state of
    another archive, query or choice of streams: what these have missed would never come.
    """
    if state and state.get("type") == "STATE":  # the whole line, as it was written
        state = state["value"]
    if state and "seq" not in state:
        raise ValueError("it has no seq")
    seq = (state or {}).get("seq", 0)
    if isinstance(seq, bool) or not isinstance(seq, int) or seq < 0:
        raise ValueError("seq is no number of a vault entry")
    for name, value in as_dict(asked).items():
        if state and list(state.get(name, value)) != list(value):
            raise ValueError(f"it was made for another choice of {name}")
    return seq
