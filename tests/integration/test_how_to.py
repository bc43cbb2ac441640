"""The how-to pages: their commands run as they stand, on a simulated account, and do what the page says."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.simulator import Scenario, simulate
from tests.conftest import TOP
from tests.schemas import checked

PAGES = TOP / "docs" / "how-to"
LONGEST_S = 240


def commands_of(page: str) -> str:
    text = (PAGES / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return "\n".join(textwrap.dedent(block) for _, block in blocks)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with simulate(Scenario()) as account:
        settings = {f"ARCHIVER_{name.upper()}": str(value) for name, value in account.settings.items()}
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        yield {**os.environ, **settings, "PATH": programs, "ARCHIVER_ARCHIVE": str(tmp_path / "archive"),
               "XDG_CONFIG_HOME": str(tmp_path)}  # fmt: skip


def do(page: str, folder: Path, environment: dict[str, str]) -> str:
    """Runs all commands of a page; what they print. Any that fails, fails the test."""
    command = ["bash", "-euo", "pipefail", "-c", commands_of(page)]
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )  # fmt: skip
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr


def test_every_how_to_is_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [page.name for page in PAGES.iterdir() if f'do("{page.name}"' not in source] == []


def test_that_nothing_was_said_is_proven(tmp_path: Path, environment: dict[str, str]) -> None:
    said = do("prove-absence.md", tmp_path, environment)
    certificate = json.loads((tmp_path / "absence.json").read_text())
    checked(certificate)
    assert (certificate["heading"], certificate["found"]["conversations"]) == ("PROVEN", 0)
    assert "PROVEN" in (tmp_path / "absence.html").read_text()
    assert "5 all, 5 unread" in said


def test_an_access_request_is_answered(tmp_path: Path, environment: dict[str, str]) -> None:
    do("answer-access-request.md", tmp_path, environment)
    answer = json.loads((tmp_path / "answer.json").read_text())
    checked(answer)
    (person,) = answer["customers"]
    page, words = ((tmp_path / name).read_text() for name in ("answer.html", "his-words.html"))
    assert person["conversations"]
    assert [item["conversation_id"] in page for item in person["conversations"]] == [True] * len(
        person["conversations"]
    )
    assert len(words) < len(page)


def test_a_warehouse_is_fed_and_kept_up_to_date(tmp_path: Path, environment: dict[str, str]) -> None:
    said = do("feed-warehouse.md", tmp_path, environment)
    assert said.count("240 conversations\n") >= 2  # loaded twice
    assert "Restaurants" in said
    tables = sqlite3.connect(tmp_path / "warehouse.db")
    assert tables.execute("SELECT count(*), count(DISTINCT id) FROM conversations").fetchone() == (240, 240)
    tables.close()


def test_what_a_customer_says_is_told(tmp_path: Path, environment: dict[str, str]) -> None:
    said = do("be-told.md", tmp_path, environment)
    alerts = [json.loads(line) for line in (tmp_path / "lawyers.ndjson").read_text().splitlines()]
    assert all("lawyer" in match["text"].lower() for alert in alerts for match in alert["matches"])
    assert "Traceback" not in (tmp_path / "service.log").read_text() + said
