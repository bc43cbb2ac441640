"""The description of the REST interface by OpenAPI 3.1, made from its operations and the published schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archiver import __version__
from archiver.resources import schema
from archiver.web.operations import Operation, Parameter

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "hint"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"}, "code": {"type": "string"}, "hint": {"type": ["string", "null"]},
        "position": {"type": "integer", "description": "Where the fault is in the query."},
    },
}  # fmt: skip


def described(operations: Iterable[Operation], base: str) -> dict[str, Any]:
    """The document."""
    listed = list(operations)
    names = sorted({item.schema for item in listed if item.schema})
    return {
        "openapi": "3.1.0",
        "info": {"title": "archiver", "version": __version__, "description": "An archive of conversations, to read."},
        "servers": [{"url": base}],
        "paths": {item.path: {"get": _operation(item)} for item in listed},
        "security": [{}, {"token": []}],  # none is needed where the page has no login
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {_key(name): _schema(name) for name in names} | {"problem": _PROBLEM},
        },
    }


def _operation(item: Operation) -> dict[str, Any]:
    id_ = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    body = {"$ref": f"#/components/schemas/{_key(item.schema)}"} if item.schema else {}
    answers: dict[str, Any] = {"200": {"description": item.says, "content": {"application/json": {"schema": body}}}}
    if item.is_of_conversation:
        answers["304"] = {"description": "Unchanged since the ETag that was named."}
    return {
        "operationId": item.name,
        "summary": item.says,
        "parameters": [*([id_] if item.is_of_conversation else []), *map(_parameter, item.parameters), _REASON],
        "responses": answers | {code: _problem(words) for code, words in _FAULTS.items()},
    }


_REASON: dict[str, Any] = {
    "name": "Archiver-Unmask-Reason", "in": "header", "required": False, "schema": {"type": "string"},
    "description": "Why customers' personal data is to be shown, by whoever may see it; it is audited.",
}  # fmt: skip
_FAULTS = {
    "400": "The question can't be answered as it is.",
    "401": "Nobody has logged in: send a bearer token.",
    "403": "The person may not do this.",
    "404": "Not in the archive.",
    "405": "Only GET and HEAD are answered.",
    "500": "The archive or its index has a fault.",
    "503": "Try again later.",
}


def _problem(words: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {"description": words, "content": content}


def _parameter(item: Parameter) -> dict[str, Any]:
    single: dict[str, Any] = {"type": item.kind}
    if item.values:
        single["enum"] = list(item.values)
    if item.kind == "integer":
        single |= {"minimum": item.least, "maximum": item.most}
    if item.usual is not None:
        single["default"] = item.usual
    described = {"type": "array", "items": single} if item.is_many else single
    return {"name": item.name, "in": "query", "required": False, "description": item.says, "schema": described}


def _key(name: str) -> str:
    """`archiver.search/2` as a name in the document."""
    return name.removeprefix("archiver.").replace("/", ".")


def _schema(name: str) -> Any:
    return _moved(schema(_key(name)), f"#/components/schemas/{_key(name)}")


def _moved(value: Any, place: str) -> Any:
    """A schema whose references lead into its place in the document."""
    if isinstance(value, dict):
        return {
            key: place + item.removeprefix("#") if key == "$ref" and isinstance(item, str) else _moved(item, place)
            for key, item in value.items()
            if key != "$schema"
        }
    return [_moved(item, place) for item in value] if isinstance(value, list) else value
