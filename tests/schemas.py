"""Holds outputs against their JSON Schemas in `docs/schemas`.

The schemas allow properties that they do not describe, because readers of an output must. The tests do not: what the
program prints has to be described.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.conftest import TOP

FOLDER = TOP / "docs" / "schemas"
ERROR = "archiver.error/1"  # an error says by its shape what it is
NAMES = sorted("archiver." + path.stem.replace(".", "/") for path in FOLDER.glob("*.json"))

Schema = dict[str, Any]
_formats = FormatChecker(["date"])


@_formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    """A moment with its offset from UTC."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def checked(output: str | bytes | Any) -> Any:
    """The value of an output, given as JSON text or as plain values, which must be what its schema says."""
    value = json.loads(output) if isinstance(output, str | bytes) else output
    _validator(name_of(value)).validate(value)
    return value


def name_of(value: Any) -> str:
    """The name of an output's schema."""
    return ERROR if value.keys() == {"error"} else str(value["schema"])


@cache
def load(name: str) -> Schema:
    """A schema by its name, such as archiver.transcript/1, as it is shipped."""
    path = FOLDER / (name.removeprefix("archiver.").replace("/", ".") + ".json")
    found: Schema = json.loads(path.read_text(encoding="utf-8"))
    return found


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(_strict(load(name)), format_checker=_formats)


def _strict(part: Any) -> Any:
    """The same without room for properties that are not described."""
    if isinstance(part, list):
        return [_strict(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {"additionalProperties": False} if "properties" in part and part.get("type") == "object" else {}
    return {**closed, **{name: _strict(item) for name, item in part.items()}}


def properties(name: str) -> dict[str, Schema]:
    """Every property that a schema describes, by its path: `messages[].extra[].path`, `lanes.*.steps`."""
    return dict(_below(load(name), load(name), ""))


def optional(name: str) -> set[str]:
    """The properties that are not always there."""
    return {path for path, _ in _below(load(name), load(name), "", only_optional=True)}


def _below(top: Schema, part: Schema, path: str, *, only_optional: bool = False) -> Iterator[tuple[str, Schema]]:
    part = resolved(top, part)
    for name, item in part.get("properties", {}).items():
        if not only_optional or name not in part.get("required", ()):
            yield f"{path}.{name}".lstrip("."), {**resolved(top, item), **item}
    for step, item in _children(part):
        yield from _below(top, item, f"{path}{step}", only_optional=only_optional)


def _children(part: Schema) -> Iterator[tuple[str, Schema]]:
    """The parts of a resolved schema, each with the step of the path that leads to it."""
    yield from ((f".{name}", item) for name, item in part.get("properties", {}).items())
    if isinstance(part.get("items"), dict):
        yield "[]", part["items"]
    if isinstance(part.get("additionalProperties"), dict):
        yield ".*", part["additionalProperties"]


def resolved(top: Schema, part: Schema) -> Schema:
    """What a reference refers to; any other schema as it is."""
    reference = part.get("$ref")
    found: Schema = top["$defs"][reference.rpartition("/")[2]] if reference else part
    return found


ABSENT: Any = ()  # which no JSON text says


def values(name: str, output: Any) -> Iterator[tuple[str, Any]]:
    """For each property that a schema describes, everything that an output says there, or ABSENT."""
    return _values(load(name), load(name), output, "")


def _values(top: Schema, part: Schema, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    part = resolved(top, part)
    if isinstance(value, dict):
        for name in part.get("properties", {}):
            yield f"{path}.{name}".lstrip("."), value.get(name, ABSENT)
    for step, item in _children(part):
        for inner in _inner(value, step, part):
            yield from _values(top, item, inner, f"{path}{step}")


def _inner(value: Any, step: str, part: Schema) -> list[Any]:
    """What a step leads to from a value: nothing, one value, or each of a list or map."""
    if step == "[]":
        return value if isinstance(value, list) else []
    if not isinstance(value, dict):
        return []
    if step == ".*":
        return [item for name, item in value.items() if name not in part.get("properties", {})]
    return [value[step[1:]]] if step[1:] in value else []
