"""The REST interface, `/api/v1`: reads parameters, and answers with JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from starlette.responses import Response

from archiver.access import Action, Right
from archiver.errors import ConfigError
from archiver.web.openapi import described
from archiver.web.operations import OPERATIONS, Operation, Parameter
from archiver.web.problems import BASE
from archiver.web.visit import Visit, as_json

_LONGEST_NUMBER = 16  # digits


def answers() -> dict[str, tuple[Callable[[Visit], Response], Right | None]]:
    """What answers each path, and to whom: the operations and their description."""
    operations = sorted(OPERATIONS, key=lambda item: -len(item.path))  # an id may hold slashes: the longest path first
    description = {f"{BASE}/openapi.json": (_described, None)}
    return description | {
        BASE + item.path.replace("{id}", "{id:path}"): (partial(_answer, item), item.right) for item in operations
    }


def _described(_: Visit) -> Response:
    return as_json(described(OPERATIONS, BASE))


def _answer(operation: Operation, visit: Visit) -> Response:
    given = read(operation.parameters, visit.request.query_params.multi_items())
    visit.use_zone(given.get("tz") or "")
    if not operation.is_of_conversation:
        visit.archives.bring_up_to_date()
        return as_json(operation.answer(visit.archive, "", given))
    headers = {"ETag": _etag(visit)}
    if visit.request.headers.get("if-none-match") == headers["ETag"]:
        visit.archive.audit(Action.VIEW, conversation_id=visit.id, what="unchanged")
        return Response(status_code=304, headers=headers)
    return as_json(operation.answer(visit.archive, visit.id, given), headers=headers)


def _etag(visit: Visit) -> str:
    """Names a state of a conversation, as far as whoever asks may see it. Raises NotFound."""
    visit.archive.check_seen(visit.id)
    is_masked = "" if visit.archive.view.person.sees_personal_data else "-masked"
    return f'"{visit.archive.file.vault.current(visit.id).touched}{is_masked}"'


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
