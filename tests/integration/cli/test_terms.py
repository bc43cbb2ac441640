"""A list of terms is counted as a search of each would be, and the fields of the language are listed."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from archiver.archive.opening import make_archive
from archiver.liveperson.answers import read_record
from archiver.query.fields import MEANING
from archiver.received import Conversation
from tests import schemas
from tests.conftest import ACCOUNT, NOW, record
from tests.integration.cli.running import run

TERMS = ["refund", "card*", '"double charge" w/5 card', "-refund", "=cmd", "mcs:<40", "(open", "refund from:agent"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    texts = {
        "c1": ("a refund please", "no refund", "my card"),
        "c2": ("a double charge on my card",),
        "c3": ("=cmd it",),
    }
    with make_archive(made, ACCOUNT) as archive:
        for id_, said in texts.items():
            conversation = read_record(record(id_, NOW, *said, info={"mcs": 30}))
            assert isinstance(conversation, Conversation)
            archive.keep([conversation], (), NOW)
    return made


def test_each_term_has_the_counts_of_a_search_and_a_wrong_one_its_error(folder: Path) -> None:
    done = run(folder, "terms", "-", "--json", given="\n".join(["# a list", *TERMS, "", TERMS[0]]))
    assert done.exit_code == 3
    counts = {item["query"]: item for item in json.loads(done.stdout)["terms"]}
    assert list(counts) == TERMS
    assert "never closed" in counts.pop("(open")["error"]
    for query, item in counts.items():
        for scope, count in (("conversation", item["conversations"]), ("message", item["messages"])):
            found = json.loads(run(folder, "search", query, "--scope", scope, "--json").stdout)
            assert count == found["total"], (query, scope)
    refund = counts["refund"]
    assert (refund["by_customer"], refund["by_agent"], refund["by_bot"], refund["notes"]) == (1, 1, 0, 0)
    assert counts["refund from:agent"]["by_customer"] is None


def test_unique_conversations_are_those_that_no_other_line_finds(folder: Path) -> None:
    counts = json.loads(run(folder, "terms", "-", "--json", given="refund\ncard*\ncmd").stdout)["terms"]
    assert [(item["conversations"], item["unique"]) for item in counts] == [(1, 0), (2, 1), (1, 1)]


def test_a_spreadsheet_takes_no_query_for_a_formula(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(folder, "terms", "-", given="=cmd\n-refund").stdout)))
    assert [row["query"] for row in rows] == ["'=cmd", "'-refund"]
    assert [row["conversations"] for row in rows] == ["1", "2"]


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe\x00"])
def test_a_list_that_holds_no_query_is_an_error(folder: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "terms").write_bytes(content)
    done = run(folder, "terms", str(tmp_path / "terms"))
    assert "quer" in str(done.exception)


def test_fields_are_listed_with_the_values_of_this_archive(folder: Path) -> None:
    shown = run(folder, "fields").stdout
    assert "Restaurants (3)" in shown
    assert all(f"{name}:" in shown for name in MEANING)
    assert run(folder, "fields", "skill:").stdout.startswith("skill:")
    assert "Did you mean skill" in run(folder, "fields", "skil").output


def test_a_report_for_a_browser_has_a_row_for_each_term_says_what_it_is_worth_and_runs_nothing(folder: Path) -> None:
    given = "refund\n<script>alert(1)</script>\n(open\nsubmarine"
    page = run(folder, "terms", "-", "--html", given=given).stdout
    rows = re.findall(r"<tr>(<td.*)</tr>", page)
    assert [len(re.findall("<td", row)) for row in rows] == [10] * 4
    assert rows[0].startswith("<td>refund</td><td>2</td><td>1</td>")
    assert "<script" not in page
    assert "&lt;script&gt;" in rows[1]
    assert "never closed" in rows[2]
    assert "days proven complete" in page
    assert not re.search(r"(src|href)=", page)


def test_a_list_of_terms_says_how_much_of_the_archive_s_span_is_proven(folder: Path) -> None:
    answer = schemas.checked(run(folder, "terms", "-", "--json", given="refund").stdout)
    assert (answer["coverage"]["state"], answer["coverage"]["proven_days"]) == ("not", 0)
    assert "proven complete" in run(folder, "terms", "-", given="refund").stderr
