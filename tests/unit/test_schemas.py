"""The JSON Schemas of the outputs: one for each, whole, in the program's own words, and open to what is added."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest
from jsonschema import Draft202012Validator, ValidationError

from archiver.archive.coverage import CoverageState
from archiver.archive.events import UPSTREAM, Decision
from archiver.doctor import Verdict
from archiver.model import Role
from archiver.query.ast import Scope
from archiver.query.fields import ZONES
from archiver.service.troubles import Level
from tests import schemas
from tests.conftest import TOP

ERROR = {"error": {"code": "absent", "message": "there is none", "hint": None, "exit_code": 1}}
VALUES: dict[str, dict[str, Iterable[str | None]]] = {
    "archiver.transcript/1": {"metadata.agents[].role": Role, "messages[].role": Role, "surveys[].by": Role},
    "archiver.search/2": {
        "scope": Scope, "items[].matches[].where": ZONES, "items[].matches[].role": (*Role, None),
    },
    "archiver.coverage/2": {"windows[].state": CoverageState, "days[].state": CoverageState},
    "archiver.doctor/1": {"checks[].verdict": Verdict},
    "archiver.erasures/1": {"erasures[].kind": UPSTREAM, "erasures[].state": Decision},
    "archiver.health/3": {"level": Level, "accounts[].level": Level},
}  # fmt: skip


def test_every_schema_that_the_program_names_is_there_and_no_other() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (TOP / "archiver").rglob("*.py"))
    named = {name for source in sources for name in re.findall(r"\barchiver\.[a-z]+/\d+", source)}
    assert {*named, schemas.ERROR} == set(schemas.NAMES)


def test_every_schema_is_explained_beside_the_command_that_prints_it() -> None:
    text = (schemas.FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in schemas.NAMES if f"({name.split('.')[1].replace('/', '.')}.json)" not in text] == []


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_one_and_says_what_each_property_is(name: str) -> None:
    content = schemas.load(name)
    Draft202012Validator.check_schema(content)
    assert content["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert content["title"]
    assert content["description"].endswith(".")
    found = schemas.properties(name)
    assert [path for path, item in found.items() if not item.get("description", "").endswith(".")] == []
    assert [path for path, item in found.items() if not {"type", "enum", "const"} & item.keys()] == []


@pytest.mark.parametrize("name", VALUES)
def test_the_values_that_a_schema_lists_are_those_of_the_program(name: str) -> None:
    found = schemas.properties(name)
    for path, values in VALUES[name].items():
        assert found[path]["enum"] == list(values), path


def test_a_property_that_no_schema_describes_is_noticed_by_the_tests_and_allowed_to_readers() -> None:
    grown = {"error": {**ERROR["error"], "colour": "red"}}
    Draft202012Validator(schemas.load(schemas.ERROR)).validate(grown)
    with pytest.raises(ValidationError, match="colour"):
        schemas.checked(grown)


@pytest.mark.parametrize("field", ["code", "message", "hint", "exit_code"])
def test_a_field_that_is_gone_or_of_another_type_is_noticed(field: str) -> None:
    gone = {name: value for name, value in ERROR["error"].items() if name != field}
    for wrong in (gone, {**gone, field: True}):
        with pytest.raises(ValidationError):
            schemas.checked(json.dumps({"error": wrong}))


def test_a_time_without_its_offset_is_noticed() -> None:
    result = {"schema": "archiver.erasures/1", "erasures": []}
    erasure = {
        "id": 2, "conversation_id": "c", "kind": "upstream_masking", "state": "kept", "noticed_at": "2026-06-15T12:00",
        "entry": 1, "older_entries": [], "decided_at": None, "decided_by": None, "reason": None,
    }  # fmt: skip
    with pytest.raises(ValidationError, match="date-time"):
        schemas.checked({**result, "erasures": [erasure]})
