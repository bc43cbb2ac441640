"""What may stand at the caret of the search box: fields by their names, and values that this archive has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.app import Archive
from archiver.model import Role
from archiver.query import EXACT, MEANING, VALUES, ZONES, as_condition
from archiver.value import Value
from archiver.web.facets import FIELDS

_MOST, _LONGEST = 8, 200  # completions; characters before the caret that are looked at
_AT_CARET = re.compile(r'(?:(?P<field>[A-Za-z]+):)?(?P<typed>=?"[^"]*|[^\s()":]*)$')
_PLAIN = re.compile(r"\w+")
_FIXED = {**VALUES, "from": tuple(Role), "in": ZONES, "is": ("current", "earlier"), "transferred": ("yes", "no")}


class Completion(Value):
    """`text` replaces the characters from `start` to the caret; `label` and `detail` are shown."""

    text: str
    label: str
    detail: str
    start: int


def completions(archive: Archive, box: str, caret: int) -> list[Completion]:
    """The first completions of what stands before the caret, best first; none where nothing was typed."""
    match = _AT_CARET.search(box, max(0, caret - _LONGEST), caret)
    if match is None or (not match["field"] and not match["typed"]):
        return []
    found = _values(archive, match) if match["field"] else _fields(match)
    return [completion for completion, _ in zip(found, range(_MOST), strict=False)]


def _fields(match: re.Match[str]) -> Iterator[Completion]:
    typed = match["typed"].lower().lstrip("-")
    start = match.start("typed") + len(match["typed"]) - len(typed)
    for name, meaning in sorted(MEANING.items()):
        if typed and name.startswith(typed):
            yield Completion(f"{name}:", f"{name}:", meaning, start)


def _values(archive: Archive, match: re.Match[str]) -> Iterator[Completion]:
    field, typed = match["field"].lower(), match["typed"].strip('="').lower()
    for value, detail in _known_values(archive, field):
        if typed in value.lower():
            yield Completion(f"{_condition(field, value)} ", value, detail, match.start("field"))


def _known_values(archive: Archive, field: str) -> Iterator[tuple[str, str]]:
    """The values of a field with how many conversations have them, most frequent first."""
    if field in _FIXED:
        yield from ((str(value), "") for value in _FIXED[field])
    elif field in FIELDS:
        counts = archive.counting("").by(FIELDS[field], 200)
        yield from ((item.value, f"{item.count:,}") for item in counts.values if item.value is not None)


def _condition(field: str, value: str) -> str:
    return as_condition(field, value) if field in EXACT and field not in _FIXED else f"{field}:{_quoted(value)}"


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else f'"{value.replace(chr(34), " ").strip()}"'
