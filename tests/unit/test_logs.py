"""Log records: one event, two formats, no text of a conversation."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from archiver.logs import EventLogger, show_logs

events = EventLogger("test")


@pytest.fixture(autouse=True)
def logger() -> Iterator[None]:
    """The program's logger is as it was after each test."""
    found = logging.getLogger("archiver")
    before = (found.handlers, found.level, found.propagate)
    yield
    found.handlers, found.level, found.propagate = before


def written(*, as_json: bool, level: int = logging.INFO) -> list[str]:
    stream = io.StringIO()
    show_logs(as_json=as_json, level=level, stream=stream)
    events.debug("page.kept", "3 records kept", records=3)
    events.info("harvest.finished", "harvest finished", windows=2, at=datetime(2026, 1, 1, tzinfo=UTC))
    events.error("command.failed", "no such folder", code="config")
    return stream.getvalue().splitlines()


def test_text_is_the_sentence_alone() -> None:
    assert written(as_json=False) == ["harvest finished", "no such folder"]


def test_json_has_the_event_its_fields_and_an_errors_code() -> None:
    finished, failed = (json.loads(line) for line in written(as_json=True))
    assert finished["event"]["action"] == "harvest.finished"
    assert (finished["message"], finished["log.level"]) == ("harvest finished", "info")
    assert finished["archiver"] == {"windows": 2, "at": "2026-01-01T00:00:00+00:00"}
    assert (failed["error"]["code"], failed["log.level"]) == ("config", "error")
    assert "@timestamp" in finished
    assert finished["service"]["name"] == "archiver"


def test_a_record_below_the_level_is_not_written() -> None:
    assert len(written(as_json=False, level=logging.DEBUG)) == 3
    assert written(as_json=False, level=logging.ERROR) == ["no such folder"]


def test_a_program_that_imports_the_package_gets_records_and_no_output(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, logger="archiver"):
        events.warning("window.unproven", "not proven complete", window="w")
    (record,) = caplog.records
    fields: Any = record.__dict__
    assert (record.name, fields["event"], fields["fields"]) == ("archiver.test", "window.unproven", {"window": "w"})
    assert capfd.readouterr() == ("", "")
