"""What `archiver search` prints for programs, and that its pages hold each hit once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archiver.archive.opening import make_archive
from archiver.cli.root import root
from archiver.liveperson.answers import read_record
from archiver.received import Conversation
from tests.conftest import ACCOUNT, NOW, record

PEOPLE = [
    {"agentId": "1", "agentFullName": "Ann", "userType": "1"},
    {"agentId": "2", "agentFullName": "Robo", "userType": "2"},
]
COUNT = 23
STARTS = {f"c{number:02d}": NOW - timedelta(hours=number // 5) for number in range(COUNT)}  # five start together


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive where each conversation says "same" in two messages, and one has people and no skill's name."""
    raws = [record(id_, start, "same words", "same again") for id_, start in STARTS.items()]
    raws += [
        record("people", NOW - timedelta(days=40), "special", agentParticipants=PEOPLE, info={"latestSkillName": None}),
        record("nobody", NOW - timedelta(days=40, minutes=1), "special"),
    ]
    with make_archive(tmp_path / "archive", ACCOUNT) as archive:
        read = [item for item in map(read_record, raws) if isinstance(item, Conversation)]
        archive.keep(read, (), NOW)
    return tmp_path / "archive"


def search(folder: Path, *words: str) -> Any:
    ran = CliRunner().invoke(root, ["--archive", str(folder), "search", *words, "--json"])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def at(time: str) -> str:
    return f"2026-05-06T{time}:00.000+00:00"


def test_a_hit_names_its_conversation_its_skill_and_everybody_of_the_brand(folder: Path) -> None:
    found = search(folder, "special")
    keys = ("conversation_id", "message_id", "start", "end", "skill", "agents")
    assert [tuple(item[key] for key in keys) for item in found["items"]] == [
        ("people", None, at("12:00"), at("12:10"), None, ["Ann", "Robo"]),
        ("nobody", None, at("11:59"), at("12:09"), "Restaurants", []),
    ]
    assert (found["schema"], found["scope"], found["total"], found["next"]) == (
        "archiver.search/2", "conversation", 2, None,
    )  # fmt: skip
    match = {"where": "said", "message_id": "people:0", "role": "customer", "text": "special", "marks": [[0, 7]]}
    more = {"number": 1, "sender": "Customer", "kind": "message", "is_earlier": False, "until": None, "path": None}
    assert found["items"][0]["matches"] == [match | more | {"sent_at": at("12:00")}]


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize(("scope", "of_each"), [("conversation", 1), ("message", 2)])
@pytest.mark.parametrize("limit", [1, 4, 23, 100])
def test_pages_joined_by_their_cursors_give_every_hit_once_and_in_order(
    folder: Path, sort: str, scope: str, of_each: int, limit: int
) -> None:
    words = ("same", "--sort", sort, "--scope", scope)
    whole = search(folder, *words, "--all")["items"]
    joined: list[Any] = []
    cursor: list[str] = []
    for _ in range(COUNT * of_each):
        page = search(folder, *words, "--limit", str(limit), *cursor)
        assert page["total"] == COUNT * of_each
        assert 0 < len(page["items"]) <= limit
        joined += page["items"]
        if page["next"] is None:
            break
        assert len(page["items"]) == limit
        cursor = ["--after", page["next"]]
    assert joined == whole
    hits = [(item["conversation_id"], item["message_id"]) for item in joined]
    assert len(hits) == len(set(hits)) == COUNT * of_each
    times = [STARTS[id_] for id_, _ in hits]
    assert times == sorted(times, reverse=sort == "newest")


def test_months_skills_agents_and_bots_are_counted_apart(folder: Path) -> None:
    facets = [word for name in ("month", "skill", "agent", "bot") for word in ("--facet", name)]
    assert search(folder, "*", *facets)["facets"] == {
        "month": [{"value": "2026-05", "count": 2}, {"value": "2026-06", "count": COUNT}],
        "skill": [{"value": "Restaurants", "count": COUNT + 1}, {"value": "7", "count": 1}],
        "agent": [{"value": "Ann", "count": 1}, {"value": None, "count": COUNT + 1}],
        "bot": [{"value": "Robo", "count": 1}, {"value": None, "count": COUNT + 1}],
    }


def test_people_see_three_matches_of_a_hit_how_many_more_there_are_and_how_many_hits(tmp_path: Path) -> None:
    raws = [record("many", NOW, *[f"same {number}" for number in range(5)]), record("three", NOW, *["same"] * 3)]
    with make_archive(tmp_path / "archive", ACCOUNT) as archive:
        archive.keep([item for item in map(read_record, raws) if isinstance(item, Conversation)], (), NOW)
    asked = ["--archive", str(tmp_path / "archive"), "search", "same"]
    ran = CliRunner().invoke(root, asked)
    assert ran.stdout.count("»same«") == 6
    assert ran.stdout.count("+2 more") == ran.stdout.count("more") == 1
    assert "2 of 2 conversations" in ran.stderr
    assert "--all for more" not in ran.stderr
    fewer = CliRunner().invoke(root, [*asked, "--limit", "1"])
    assert "1 of 2 conversations (--limit or --all for more)" in fewer.stderr
