"""The REST interface, `/api/v1`: reads parameters, and answers with JSON or with a problem (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from archiver.errors import ArchiverError, ConfigError, QueryError
from archiver.jsontext import encode
from archiver.web import faults
from archiver.web.archives import Archives
from archiver.web.openapi import described
from archiver.web.operations import OPERATIONS, Operation, Parameter

BASE = "/api/v1"
_LONGEST_NUMBER = 16  # digits


def answers(archives: Archives) -> dict[str, Callable[[Request], Response]]:
    """What answers each path: the operations and their description."""
    operations = sorted(OPERATIONS, key=lambda item: -len(item.path))  # an id may hold slashes: the longest path first
    described_at = {f"{BASE}/openapi.json": lambda _: _json(described(OPERATIONS, BASE))}
    return described_at | {
        BASE + item.path.replace("{id}", "{id:path}"): partial(_answer, archives, item) for item in operations
    }


def _answer(archives: Archives, operation: Operation, request: Request) -> Response:
    given = read(operation.parameters, request.query_params.multi_items())
    if not operation.is_of_conversation:
        archives.bring_up_to_date()
    archive, id_, headers = archives.here(), request.path_params.get("id", ""), {}
    if operation.is_of_conversation:
        headers["ETag"] = f'"{archive.file.vault.current(id_).touched}"'
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
    return _json(operation.answer(archive, id_, given), headers)


def read(parameters: Iterable[Parameter], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The values of parameters by their names. Raises ConfigError for one that is not known or not allowed."""
    wanted = {item.name: item for item in parameters}
    given: dict[str, Any] = {name: [] if item.is_many else item.usual for name, item in wanted.items()}
    for name, text in pairs:
        if name not in wanted:
            raise ConfigError(f"there is no parameter {name[:40]!r}", hint=f"There are: {', '.join(wanted) or 'none'}.")
        value = _value(wanted[name], text)
        if wanted[name].is_many:
            given[name].append(value)
        else:
            given[name] = value
    return given


def _value(parameter: Parameter, text: str) -> Any:
    if parameter.kind == "integer":
        is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
        if not is_number or not parameter.least <= int(text) <= parameter.most:
            raise ConfigError(
                f"{parameter.name} is {text[:40]!r}", hint=f"Give a number from {parameter.least} to {parameter.most}."
            )
        return int(text)
    if parameter.values and text not in parameter.values:
        raise ConfigError(f"{parameter.name} is {text[:40]!r}", hint=f"One of: {', '.join(parameter.values)}.")
    return text


def problem(error: ArchiverError) -> Response:
    """An error as `application/problem+json`."""
    status = faults.status_of(error)
    content: Mapping[str, Any] = {
        "type": "about:blank", "title": faults.shown(error)["title"], "status": status, "detail": error.message,
        "code": error.code, "hint": error.hint,
    } | ({"position": error.position} if isinstance(error, QueryError) else {})  # fmt: skip
    return Response(encode(content), status, media_type="application/problem+json")


def _json(content: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode(content), media_type="application/json", headers=headers)
