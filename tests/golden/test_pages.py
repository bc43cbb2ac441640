"""Pages that are made from the program stand in docs/ as they are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.errors import EXIT_CODES, ArchiverError
from archiver.logs import EVENTS
from tests.generated import noted_events, pages


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_page_made_from_the_program_is_up_to_date(path: Path, request: pytest.FixtureRequest) -> None:
    made = pages()[path]
    if request.config.getoption("--update"):
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made


def test_every_event_that_is_noted_is_known_and_every_known_one_is_noted() -> None:
    assert set(noted_events()) == set(EVENTS)


def test_every_exit_code_of_an_error_has_a_meaning() -> None:
    def classes(kind: type[ArchiverError]) -> list[type[ArchiverError]]:
        return [kind, *(found for inner in kind.__subclasses__() for found in classes(inner))]

    assert {kind.exit_code for kind in classes(ArchiverError)} <= EXIT_CODES.keys()
