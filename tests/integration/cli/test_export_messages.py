"""Messages that a query finds, as NDJSON."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import make_archive
from archiver.export import message_lines
from archiver.index import Hit
from archiver.liveperson.answers import read_record
from archiver.model import Former, Metadata, Transcript
from archiver.received import Conversation
from archiver.transcript import project
from archiver.value import replace
from tests import schemas
from tests.conftest import ACCOUNT, NOW, record
from tests.integration.cli.running import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two conversations; of one, LivePerson edited the first message later."""
    made = tmp_path / "archive"
    versions = [
        record("c1", NOW, "the first price", "agreed", "goodbye"), record("c2", NOW - timedelta(days=1), "a price"),
        record("c1", NOW, "the second price", "agreed", "goodbye"),
    ]  # fmt: skip
    with make_archive(made, ACCOUNT) as archive:
        for at, raw in enumerate(versions):
            conversation = read_record(raw)
            assert isinstance(conversation, Conversation)
            archive.keep([conversation], (), NOW + timedelta(hours=at))
    return made


def exported(folder: Path, *query: str) -> list[Any]:
    ran = run(folder, "export", *query, "--scope", "message", "--output", "-")
    assert ran.exit_code == 0, ran.output
    return [schemas.checked(line) for line in ran.stdout.splitlines()]


@pytest.mark.parametrize("query", ["price", "price from:customer", "agreed OR goodbye", "-price", ""])
def test_an_export_holds_the_messages_that_a_search_finds_oldest_first(folder: Path, query: str) -> None:
    found = run(folder, "search", query or "*", "--scope", "message", "--sort", "oldest", "--all", "--json")
    wanted = [(item["conversation_id"], item["message_id"]) for item in json.loads(found.stdout)["items"]]
    assert [(line["conversation_id"], line["message"]["id"]) for line in exported(folder, query)] == wanted


def test_a_line_says_that_the_message_once_read_otherwise(folder: Path) -> None:
    (edited,) = exported(folder, "first")
    assert (edited["number"], edited["message"]["text"]) == (1, "the second price")
    assert [(match["text"], match["until"] is not None) for match in edited["matches"]] == [("the first price", True)]


def test_a_message_that_is_shown_no_more_is_written_as_it_was_last_and_an_unreadable_one_is_noted() -> None:
    transcript = project(record("c1", NOW, "hello", "goodbye"))
    *shown, last = transcript.messages
    left = replace(transcript, messages=tuple(shown), former=(Former(last, NOW),))
    broken = Hit(Transcript(Metadata("c2", "")), (), "m", fault="it can't be read")
    noted: list[Hit] = []
    (line,) = map(schemas.checked, message_lines([Hit(left, (), last.id), broken], note_unreadable=noted.append))
    assert (line["is_deleted"], line["number"], line["message"]["text"]) == (True, None, "goodbye")
    assert noted == [broken]


def test_whole_records_are_not_added_to_messages(folder: Path) -> None:
    ran = run(folder, "export", "price", "--scope", "message", "--raw", "--output", "-")
    assert ran.exit_code == 2
    assert "--scope message" in ran.output
