"""What is said on the command line about who may see what."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import NOW, record
from tests.integration.cli.running import run
from tests.pages import kept


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("Billing", "Billing EU", "Sales")
    raws = [record(f"c{at}", NOW, "hello", info={"latestSkillName": name}) for at, name in enumerate(names)]
    return kept(tmp_path / "archive", *raws)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('skill:="Billing"', "true of 1 conversation now"), ("skill:Billing", "true of 2 conversations now"),
        ("skill:Biling", "true of no conversation now"),
    ],
)  # fmt: skip
def test_of_how_many_conversations_a_rule_is_true_is_said_when_it_is_granted(
    folder: Path, rule: str, said: str
) -> None:
    granted = run(folder, "access", "add", "ed", "--role", "reader", "--rule", rule)
    assert (granted.exit_code, said in granted.stderr) == (0, True)
    assert len(granted.stdout.split()) == 1  # the token


def test_a_grant_needs_no_index(folder: Path) -> None:
    run(folder, "search", "hello")
    for index in {path.parent for path in folder.rglob("meta.json")}:
        shutil.rmtree(index)
        index.write_text("no folder")
    granted = run(folder, "access", "add", "ed", "--role", "reader", "--rule", "skill:Sales")
    assert (granted.exit_code, "can't be counted now" in granted.stderr) == (0, True)
    assert "only skill:Sales" in run(folder, "access", "list").stdout
