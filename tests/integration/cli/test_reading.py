"""How a conversation is read on a terminal: parts of it, marks, earlier texts, versions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.archive.file import ArchiveFile
from archiver.archive.opening import make_archive
from archiver.choices import Policies, Policy
from archiver.cli.root import root
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.received import Conversation
from tests.conftest import ACCOUNT, NOW, record

DAY = timedelta(days=1)
DATED = {
    "sdeType": "CUSTOMER_INFO",
    "customerInfo": {"customerInfo": {"lastPaymentDate": {"year": 2026, "month": 3, "day": 9}, "imei": "undefined"}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One conversation of twenty messages, in whose second version one is edited and one is gone; and another."""
    made = tmp_path / "archive"
    with make_archive(made, ACCOUNT, policies=Policies(masking=Policy.KEEP)) as archive:
        texts = [f"text number {number}" for number in range(1, 21)]
        keep(archive, record("abcd-1", NOW - DAY, *texts, sdes={"events": [DATED]}))
        keep(archive, record("abcd-2", NOW - DAY, "another"))
        texts[1] = "text number 2 with a discount"
        keep(archive, record("abcd-1", NOW - DAY, *texts, sdes={"events": [DATED]}, info={"mcs": 40}))
    return made


def keep(archive: ArchiveFile, raw: bytes) -> None:
    conversation = read_record(raw)
    assert isinstance(conversation, Conversation)
    archive.keep([conversation], (), NOW)


def run(folder: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(root, ["--archive", str(folder), *words])
    assert (done.exit_code if not done.exception or code == 0 else code) == code, done.output
    return done.output + (str(done.exception) if done.exception else "")


def messages(shown: str) -> list[int]:
    return [int(line.split("#")[1].split()[0]) for line in shown.splitlines() if "  #" in line]


def test_messages_have_numbers_and_those_near_one_or_of_one_side_can_be_shown_alone(folder: Path) -> None:
    assert messages(run(folder, "show", "abcd-1")) == list(range(1, 21))
    assert messages(run(folder, "show", "abcd-1", "--around", "17")) == list(range(12, 21))
    assert messages(run(folder, "show", "abcd-1", "--only", "agent")) == list(range(2, 21, 2))
    assert messages(run(folder, "show", "abcd-1", "--only", "notes")) == []


def test_what_a_query_finds_is_marked(folder: Path) -> None:
    assert "text \u00bbnumber 7\u00ab" in run(folder, "show", "abcd-1", "--mark", '"number 7"')


def test_an_earlier_text_stands_below_the_present_one_with_its_time(folder: Path) -> None:
    shown = run(folder, "show", "abcd-1")
    assert f"~ #2 read until {NOW:%Y-%m-%d %H:%M}: text number 2" in shown
    assert "Since then    changed" in shown


def test_versions_and_their_difference_are_shown(folder: Path) -> None:
    assert "discount" not in run(folder, "show", "abcd-1", "--version", "1")
    difference = run(folder, "show", "abcd-1", "--diff", "1", "2")
    assert "edited #2" in difference
    assert "text number 2{+ with a discount+}" in difference
    assert "mcs: - \u2192 40" in difference
    history = run(folder, "history", "abcd-1")
    assert "version 2, the present version" in history
    assert "3 versions" not in history
    assert "no version 9" in run(folder, "show", "abcd-1", "--version", "9", code=1)


def test_the_begin_of_an_id_is_enough_if_it_is_the_only_one(folder: Path) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        keep(archive, record("zzzz-unique", NOW, "alone"))
    assert "alone" in run(folder, "show", "zzzz")
    assert "several conversations begin with abcd" in run(folder, "show", "abcd", code=1)


def test_sdes_have_labels_and_dates_are_dates(folder: Path) -> None:
    shown = run(folder, "show", "abcd-1")
    assert "last payment date: 2026-03-09" in shown
    assert "undefined" not in shown


def test_a_conversation_that_liveperson_lists_no_more_is_named(folder: Path) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        window = Window(NOW - 2 * DAY, NOW)
        assert archive.note_presence(window, {"abcd-1"}, NOW) == ["abcd-2"]
        assert archive.note_presence(window, {"abcd-1"}, NOW) == []
        assert archive.covering(NOW).between(window.start).vanished == ("abcd-2",)
        assert "Since then    vanished" in run(folder, "show", "abcd-2")
        assert "lists the conversation no more" in run(folder, "history", "abcd-2")
        assert archive.note_presence(window, {"abcd-1", "abcd-2"}, NOW) == []
        assert archive.covering(NOW).between(window.start).vanished == ()
