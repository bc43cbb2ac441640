"""Counts and contexts of what a search finds, on the command line."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import make_archive
from archiver.liveperson.answers import read_record
from archiver.received import Conversation
from tests import schemas
from tests.conftest import ACCOUNT, NOW, record
from tests.integration.cli.running import run

SKILLS = [f"Skill {number:02d}" for number in range(12)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve skills: the first has twelve conversations, the second eleven, and so on; one without any."""
    raws = [
        record(f"{skill}-{number}", NOW - timedelta(days=31 * number), "a refund", "no refund", "why?", "=2+2",
               info={"latestSkillName": skill, "mcs": number})
        for at, skill in enumerate(SKILLS)
        for number in range(12 - at)
    ]  # fmt: skip
    raws.append(record("none", NOW, "a refund", info={"latestSkillName": None, "latestSkillId": None}))
    folder = tmp_path_factory.mktemp("counts") / "archive"
    with make_archive(folder, ACCOUNT) as archive:
        archive.keep([item for item in map(read_record, raws) if isinstance(item, Conversation)], (), NOW)
    return folder


def answer(folder: Path, *words: str) -> Any:
    ran = run(folder, *words, "--json")
    assert ran.exit_code == 0, ran.output
    return schemas.checked(ran.stdout)


def numbers(line: str) -> list[int]:
    return [int(word.replace(",", "")) for word in line.split() if word.replace(",", "").isdigit()]


def test_a_list_says_how_many_have_no_value_and_how_many_values_were_left_out(folder: Path) -> None:
    lines = run(folder, "search", "refund", "--limit", "0", "--facet", "skill", "--values", "2").stdout.splitlines()
    assert [line.strip() for line in lines if line] == [
        "Conversations by skill", "12  Skill 00", "11  Skill 01", "1  (none)", "55  (10 other values: --values)",
        "79  in all",
    ]  # fmt: skip


@pytest.mark.parametrize("scope", ["conversation", "message"])
@pytest.mark.parametrize("facet", ["skill", "month", "week", "status", "csat", "customer"])
def test_the_counts_of_a_facet_add_up_to_the_total_of_the_scope(folder: Path, facet: str, scope: str) -> None:
    found = answer(folder, "search", "refund", "--scope", scope, "--facet", facet, "--values", "3", "--limit", "0")
    assert sum(item["count"] for item in found["facets"][facet]) == found["total"]
    assert found["total"] == {"conversation": 79, "message": 157}[scope]
    assert found["items"] == []


def test_a_table_has_a_row_and_column_for_what_was_left_out_and_adds_up(folder: Path) -> None:
    asked = ("search", "refund", "--limit", "0", "--facet", "month,skill", "--values", "5")
    lines = [line for line in run(folder, *asked).stdout.splitlines() if line][1:]
    assert lines[0].split("  ")[-1].strip() == "in all"
    *rows, last = lines[1:]
    assert sum(numbers(row.split(" ", 1)[1])[-1] for row in rows) == numbers(last)[0] == 79
    for row in rows:
        *cells, whole = numbers(row.split(" ", 1)[1])
        assert sum(cells) == whole
    cells = answer(folder, *asked)["facets"]["month,skill"]
    assert sum(cell["count"] for cell in cells) == 79
    assert len(cells) == 79


def test_csv_has_every_value_and_no_formula(folder: Path) -> None:
    rows = list(csv.reader(io.StringIO(run(folder, "search", "refund", "--facet", "skill", "--csv").stdout)))
    assert rows[0] == ["skill", "conversations"]
    assert dict(rows[1:]) == {skill: str(12 - at) for at, skill in enumerate(SKILLS)} | {"(none)": "1"}
    pairs = list(csv.reader(io.StringIO(run(folder, "search", "refund", "--facet", "skill,month", "--csv").stdout)))
    assert (pairs[0], len(pairs)) == (["skill", "month", "conversations"], 80)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--csv",), "one --facet"), (("--facet", "skill", "--facet", "month", "--csv"), "one --facet"),
        (("--facet", "skil"), "skill"), (("--facet", "a,b,c"), "a table has two"), (("--facet", "skill,mont"), "month"),
        (("--facet", "sde", "--scope", "message"), "no message facet"),
        (("--sort", "csat", "--scope", "message"), "fact about conversations"),
    ],
)  # fmt: skip
def test_what_can_t_be_counted_or_sorted_is_said_before_anything_is_printed(
    folder: Path, words: tuple[str, ...], text: str
) -> None:
    ran = run(folder, "search", "refund", *words)
    assert ran.exit_code != 0
    assert ran.stdout == ""
    assert text in f"{ran.stderr} {ran.exception} {getattr(ran.exception, 'hint', '')}"


def test_a_histogram_draws_what_was_found_with_a_mark_where_nothing_is_proven(folder: Path) -> None:
    lines = run(folder, "histogram", "refund", "--interval", "month").stdout.splitlines()
    assert [line[:7] for line in lines][-2:] == ["2026-05", "2026-06"]
    assert lines[-1].startswith("2026-06 ? 13 ██████████")
    assert sum(int(line.split()[2]) for line in lines) == 79
    found = answer(folder, "histogram", "refund", "--interval", "month")
    assert [bar["count"] for bar in found["bars"]] == [int(line.split()[2]) for line in lines]
    rows = list(csv.reader(io.StringIO(run(folder, "histogram", "refund", "--interval", "month", "--csv").stdout)))
    assert rows[0] == ["month", "from", "to", "conversations", "proven"]
    assert [int(row[3]) for row in rows[1:]] == [bar["count"] for bar in found["bars"]]


def test_a_histogram_of_nothing_says_that_nothing_is_proven(folder: Path) -> None:
    ran = run(folder, "histogram", "submarine")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "0 conversations in all" in ran.stderr
    assert "does not prove" in ran.stderr


def test_the_messages_around_a_match_are_shown_once_and_in_order(folder: Path) -> None:
    ran = run(folder, "search", "why", 'id:"Skill 11-0"', "--context", "2")
    assert [line.split(": ")[-1] for line in ran.stdout.splitlines()[1:]] == ["a refund", "no refund", "»why«?", "=2+2"]
    assert [line[4] for line in ran.stdout.splitlines()[1:]] == [" ", " ", ">", " "]
    (match,) = answer(folder, "search", "why", 'id:"Skill 11-0"', "--context", "1")["items"][0]["matches"]
    assert [message["text"] for message in match["before"]] == ["no refund"]
    assert [message["number"] for message in match["after"]] == [4]


@pytest.mark.parametrize(
    ("sort", "first"), [("mcs", "Skill 00-11"), ("messages", "Skill 11-0"), ("matches", "Skill 11-0")]
)
def test_hits_are_sorted_by_what_was_asked_for_and_pages_follow_one_another(
    folder: Path, sort: str, first: str
) -> None:
    whole = [item["conversation_id"] for item in answer(folder, "search", "refund", "--sort", sort, "--all")["items"]]
    assert (len(whole), whole[0]) == (79, first)
    pages, after = [], ()
    for _ in range(8):
        page = answer(folder, "search", "refund", "--sort", sort, "--limit", "10", *after)
        pages += [item["conversation_id"] for item in page["items"]]
        after = ("--after", page["next"] or "")
    assert pages == whole
    assert json.dumps(page["next"]) == "null"


def test_a_span_of_which_liveperson_keeps_only_the_end_is_not_called_proven(folder: Path) -> None:
    """What it deleted before this archive began belongs to what was asked for."""
    found = answer(folder, "search", "submarine", "after:2024-01", "--limit", "0")
    assert found["span"]["from"].startswith("2024-01-01")
    assert (found["coverage"]["state"], found["coverage"]["days"] > 800) == ("not", True)
    assert {gap["state"] for gap in found["coverage"]["gaps"]} >= {"lost"}
    assert "does not prove" in run(folder, "search", "submarine", "after:2024-01").stderr


def test_as_many_conversations_are_searched_as_can_be_found(folder: Path) -> None:
    found = answer(folder, "search", "*", "--limit", "0")
    assert found["total"] == found["span"]["conversations"] == 79


def test_a_cursor_of_another_order_is_refused(folder: Path) -> None:
    cursor = answer(folder, "search", "refund", "--sort", "mcs", "--limit", "2")["next"]
    ran = run(folder, "search", "refund", "--after", cursor)
    assert ran.exit_code != 0
    assert "sorted by mcs" in f"{ran.stderr} {ran.exception}"


def test_an_export_says_what_a_search_says_of_unknown_values(folder: Path) -> None:
    ran = run(folder, "export", "skill:Skil", "--output", "-")
    assert "did you mean skill" in ran.stderr


@pytest.mark.parametrize("sort", ["newest", "matches", "lowest-mcs", "relevance"])
def test_no_hits_are_given_where_none_are_asked_for(folder: Path, sort: str) -> None:
    found = answer(folder, "search", "refund", "--sort", sort, "--limit", "0")
    assert (found["items"], found["total"], found["next"]) == ([], 79, None)
