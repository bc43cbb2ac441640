"""Cases: what belongs to one, what reviewers say, and the package."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive import make_archive
from archiver.liveperson.answers import read_record
from tests.conftest import ACCOUNT, NOW, record
from tests.integration.cli.running import run
from tests.pages import kept


def talk(number: int, text: str) -> bytes:
    return record(f"c{number:02}", NOW - timedelta(days=30, hours=-number), text, "of course")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty conversations: c00 to c09 are about a refund."""
    return kept(tmp_path / "archive", *(talk(number, "refund" if number < 10 else "parcel") for number in range(30)))


def case(folder: Path, *words: str, fails: int = 0) -> str:
    ran = run(folder, "case", *words)
    assert (1 if ran.exception and not isinstance(ran.exception, SystemExit) else ran.exit_code) == fails, ran.output
    return ran.output


def shown(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run(folder, "case", "show", name, "--json").stdout)
    return content


def ids(folder: Path, name: str) -> list[str]:
    return [item["conversation_id"] for item in shown(folder, name)["items"]]


def comes(folder: Path, *raws: bytes) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]


def test_a_case_stays_as_it_is_and_one_that_follows_gets_what_matches_later(folder: Path) -> None:
    case(folder, "new", "frozen", "refund", "--reason", "r")
    case(folder, "new", "living", "refund", "--follow", "--reason", "r")
    comes(folder, talk(40, "refund again"), talk(3, "no longer about that"))
    assert ids(folder, "frozen") == [f"c{number:02}" for number in range(10)]
    assert ids(folder, "living") == [*ids(folder, "frozen"), "c40"]
    assert [item["part"] for item in shown(folder, "living")["items"]] == ["hit"] * 10 + ["later"]


def test_the_same_seed_draws_the_same_sample_of_hits_and_of_the_rest(folder: Path) -> None:
    for name in ("one", "two"):
        case(folder, "new", name, "refund", "--sample", "4", "--seed", "s", "--reason", "r")
        case(folder, "new", f"null-{name}", "refund", "--null", "--margin", "20", "--seed", "s", "--reason", "r")
    assert ids(folder, "one") == ids(folder, "two")
    assert (len(ids(folder, "one")), shown(folder, "one")["population"]) == (4, 10)
    assert ids(folder, "null-one") == ids(folder, "null-two")
    assert all(id_ >= "c10" for id_ in ids(folder, "null-one"))
    assert (len(ids(folder, "null-one")), shown(folder, "null-one")["population"]) == (12, 20)


def test_what_a_query_misses_is_drawn_from_the_conversations_that_it_is_about(folder: Path) -> None:
    since = f"{NOW - timedelta(days=30, hours=-5):%Y-%m-%dT%H:%M}"
    said = case(folder, "new", "m", f"refund started:>={since}", "--null", "--sample", "99", "--reason", "r")
    assert "drawn from 20 that the query does not find" in said
    assert "There are no 99 to draw" in said
    assert ids(folder, "m") == [f"c{number:02}" for number in range(10, 30)]
    case(folder, "new", "facts", f"started:>={since} messages:9", "--null", "--sample", "99", "--reason", "r")
    assert ids(folder, "facts") == [f"c{number:02}" for number in range(5, 30)]  # all have two messages


def test_a_case_is_removed_for_a_reason_which_is_audited(folder: Path) -> None:
    case(folder, "new", "mine", "refund", "--reason", "r")
    assert "Missing option" in case(folder, "remove", "mine", fails=2)
    case(folder, "remove", "mine", "--reason", "a misspelt query")
    assert run(folder, "case", "show", "mine").exception is not None
    assert "a misspelt query" in run(folder, "audit", "list", "--json").stdout
    case(folder, "new", "mine", "parcel", "--reason", "r")
    assert len(ids(folder, "mine")) == 20


def test_a_value_that_the_archive_has_not_is_said_where_a_search_is_kept(folder: Path) -> None:
    assert "Note: no conversation of this archive has skill:nosuch" in case(
        folder, "new", "m", "refund skill:nosuch", "--reason", "r"
    )
    assert "'or' is searched as a word" in run(folder, "saved", "add", "a", "refund or parcel").output
    assert "skill:nosuch" in run(folder, "export", "skill:nosuch", "--changes-since", "0", "--output", "-").stderr


def test_a_sample_without_a_query_is_of_everything(folder: Path) -> None:
    case(folder, "new", "all", "--sample", "100", "--reason", "r")
    assert len(ids(folder, "all")) == shown(folder, "all")["population"] == 30


def test_reviews_are_kept_and_say_how_many_of_all_are_relevant(folder: Path) -> None:
    case(folder, "new", "s", "refund", "--sample", "8", "--seed", "s", "--reason", "r")
    assert "unread" in case(folder, "show", "s", "--unread")
    first, second, *rest = ids(folder, "s")
    case(folder, "mark", "s", first, "--status", "relevant", "--tag", "insider", "--tag", "urgent", "--note", "see 2")
    case(folder, "mark", "s", first, "--untag", "urgent")
    case(folder, "mark", "s", second)
    content = shown(folder, "s")
    assert content["items"][0] | {"reviewer": "", "read_at": ""} == {
        "conversation_id": first, "part": "sample", "status": "relevant", "tags": ["insider"], "note": "see 2",
        "reviewer": "", "read_at": "",
    }  # fmt: skip
    assert content["counts"] == {"all": 8, "unread": 6, "open": 7, "relevant": 1, "irrelevant": 0, "privileged": 0}
    for id_ in (second, *rest):
        case(folder, "mark", "s", id_, "--status", "irrelevant")
    estimate = shown(folder, "s")["estimate"]
    assert (estimate["at_least"], estimate["at_most"], estimate["population"]) == (1, 3, 10)  # seven of ten are not
    case(folder, "export", "s", "--only", "relevant", "--output", str(folder.parent / "package"))
    assert json.loads((folder.parent / "package" / "review.json").read_text())["estimate"] == estimate
    assert first in case(folder, "show", "s", "--tag", "insider")
    assert second not in run(folder, "case", "show", "s", "--status", "relevant").stdout


def test_conversations_are_added_by_their_ids_once(folder: Path) -> None:
    case(folder, "new", "c", "--reason", "r")
    assert "2 conversations added" in case(folder, "add", "c", "c11", "c12")
    assert "0 conversations added" in case(folder, "add", "c", "c12")
    assert case(folder, "add", "c", "c11", "nobody", fails=1) is not None
    assert ids(folder, "c") == ["c11", "c12"]


def test_the_package_of_a_case_checks_itself_and_says_what_reviewers_said(folder: Path, tmp_path: Path) -> None:
    case(folder, "new", "c", "refund", "--reason", "a complaint")
    case(folder, "mark", "c", "c02", "--status", "relevant", "--tag", "=x", "--note", "two\nlines")
    for name in ("one", "two"):
        case(folder, "export", "c", "--output", str(tmp_path / name))
    case(folder, "export", "c", "--only", "relevant", "--output", str(tmp_path / "relevant"))
    package = tmp_path / "one"
    assert subprocess.run([sys.executable, package / "verify.py"], cwd="/", check=False).returncode == 0
    assert {path.stem for path in (package / "records").iterdir()} == set(ids(folder, "c"))
    assert {path.stem for path in (tmp_path / "relevant" / "records").iterdir()} == {"c02"}
    assert json.loads((package / "review.json").read_text()) == shown(folder, "c")
    with (package / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["conversation_id"] == "c02")
    assert (row["status"], row["tags"], row["note"]) == ("relevant", "'=x", "two\nlines")
    question = json.loads((package / "manifest.json").read_text())["question"]
    assert "the case c (a complaint)" in question["understood"]
    assert (package / "manifest.json").read_bytes() == (tmp_path / "two" / "manifest.json").read_bytes()


def test_a_package_says_what_it_was_made_of(folder: Path, tmp_path: Path) -> None:
    case(folder, "new", "missed", "refund", "--null", "--sample", "3", "--seed", "s", "--reason", "r")
    case(folder, "new", "found", "refund", "--reason", "r")
    told = {}
    for name in ("missed", "found"):
        case(folder, "export", name, "--output", str(tmp_path / name))
        told[name] = json.loads((tmp_path / name / "manifest.json").read_text())["question"]
    assert told["missed"]["query"] == ""
    assert "from the 20 conversations that do NOT match refund" in told["missed"]["understood"]
    assert (told["found"]["query"], "what matched refund on" in told["found"]["understood"]) == ("refund", True)


def test_everything_about_a_case_is_audited(folder: Path, tmp_path: Path) -> None:
    case(folder, "new", "c", "refund", "--reason", "a complaint")
    case(folder, "add", "c", "c20")
    case(folder, "mark", "c", "c20", "--status", "irrelevant")
    case(folder, "show", "c")
    case(folder, "export", "c", "--output", str(tmp_path / "package"))
    events = json.loads(run(folder, "audit", "list", "--json").stdout)["items"]
    told = [(event["event"]["action"], event["archive"].get("what")) for event in reversed(events)]
    expected = [("case", "new"), ("case", "add"), ("case", "mark"), ("view", "case"), ("export", "case")]
    assert [pair for pair in told if pair in expected] == expected


def test_later_cases_are_listed_with_what_is_unread(folder: Path) -> None:
    case(folder, "new", "b", "refund", "--reason", "r")
    case(folder, "new", "a", "parcel", "--reason", "r")
    lines = run(folder, "case", "list").stdout.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["a", "20 conversations, 20 unread, 0 relevant"], ["b", "10 conversations, 10 unread, 0 relevant"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("new", "c", "refund"), 2),  # no reason
        (("new", "c", "refund", "--reason", " "), 1),
        (("new", "c", "(refund", "--reason", "r"), 1),
        (("new", "taken", "refund", "--reason", "r"), 1),
        (("new", "c", "--follow", "--reason", "r"), 1),
        (("new", "c", "refund", "--null", "--reason", "r"), 2),
        (("new", "c", "--null", "--sample", "3", "--reason", "r"), 1),
        (("new", "c", "refund", "--seed", "s", "--reason", "r"), 2),
        (("new", "c", "refund", "--sample", "3", "--margin", "5", "--reason", "r"), 2),
        (("new", "c", "refund", "--follow", "--sample", "3", "--reason", "r"), 1),
        (("show", "nobody"), 1),
        (("mark", "taken", "c29"), 1),
        (("mark", "taken", "c01", "--tag", " "), 1),
        (("export", "nobody", "--output", "x"), 1),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_changes(folder: Path, words: tuple[str, ...], code: int) -> None:
    case(folder, "new", "taken", "refund", "--reason", "r")
    before = shown(folder, "taken")
    case(folder, *words, fails=code)
    assert shown(folder, "taken") == before
    assert len(run(folder, "case", "list").stdout.splitlines()) == 1
