"""The feed of changes: whoever follows it has the archive, whatever happens between two looks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.archive import ArchiveFile, make_archive
from archiver.export import Feed
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.query import parse
from tests.conftest import ACCOUNT, NOW, TOP, record
from tests.golden.filled import filled_archive
from tests.integration.cli.running import run
from tests.pages import kept


def keep(archive: ArchiveFile, *raws: bytes) -> None:
    archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_everything_that_happens_is_told_once_with_what_it_is(archive: ArchiveFile) -> None:
    keep(archive, record("a", NOW, "hello"), record("b", NOW, "my card"))
    keep(archive, record("a", NOW, "hello", "again"), record("b", NOW, "** LP deleted data **"))
    archive.note_presence(Window(NOW.replace(hour=0), NOW.replace(hour=23)), {"b"}, NOW)
    told = [(change["conversation_id"], change["kind"]) for change in Feed(archive).since(0)]
    assert told == [("a", "new"), ("b", "new"), ("a", "changed"), ("b", "changed"), ("b", "erased"), ("a", "vanished")]
    seqs = [change["seq"] for change in Feed(archive).since(0)]
    assert seqs == sorted(set(seqs))
    assert [change["seq"] for change in Feed(archive).since(seqs[2])] == seqs[3:]
    assert list(Feed(archive).since(archive.vault.head())) == []


@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=12))
def test_whoever_follows_has_what_the_archive_has(
    steps: list[tuple[str, int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with make_archive(tmp_path_factory.mktemp("follow") / "archive", ACCOUNT) as archive:
        mine: dict[str, Any] = {}
        seq = 0
        for id_, number, looks in [*steps, ("a", 0, True)]:
            keep(archive, record(id_, NOW, *(f"text {at}" for at in range(number + 1))))
            if looks:
                for change in Feed(archive).since(seq):
                    mine[change["conversation_id"]] = change["conversation"]
                    seq = change["seq"]
        theirs = {item["conversation_id"]: item["conversation"] for item in Feed(archive).since(0)}
        assert mine == theirs


def test_with_a_query_it_is_told_when_a_conversation_comes_and_when_it_goes(archive: ArchiveFile) -> None:
    expression = parse("skill:Billing", now=NOW).expression
    for skill in ("Sales", "Billing", "Billing", "Sales", "Sales"):
        keep(archive, record("a", NOW, "hello", info={"latestSkillName": skill, "csat": archive.vault.head() % 5 + 1}))
    told = [change["seq"] for change in Feed(archive, expression).since(1)]
    assert 4 in told  # it was Billing's until then
    assert 5 not in told


def test_with_a_query_it_is_told_what_was_masked_though_the_text_is_gone(archive: ArchiveFile) -> None:
    expression = parse("refund", now=NOW).expression
    keep(archive, record("a", NOW, "my refund", "4111"), record("b", NOW, "a parcel"))
    head = archive.vault.head()
    keep(archive, record("a", NOW, "my ******", "4111"))
    told = [(change["conversation_id"], change["kind"]) for change in Feed(archive, expression).since(head)]
    assert told == [("a", "changed"), ("a", "masked")]


def test_a_record_that_can_not_be_read_is_told_with_its_bytes(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    told = lines(run(tmp_path / "archive", "export", "--changes-since", "0", "--output", "-").stdout)
    (unreadable,) = [change for change in told if change["conversation"]["schema"] == "archiver.unreadable/1"]
    assert unreadable["conversation_id"] == "refused"
    assert {change["kind"] for change in told} >= {"new", "changed", "masked", "erased", "decided"}


def test_a_feed_that_goes_on_tells_within_seconds_what_is_kept(tmp_path: Path) -> None:
    folder = kept(tmp_path / "archive", record("a", NOW, "hello"))
    command = [sys.executable, "-m", "archiver", "--archive", str(folder), "export", "--changes-since", "0", "--follow"]
    with subprocess.Popen(
        [*command, "--output", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["conversation_id"] == "a"
        with make_archive(folder, ACCOUNT) as archive:
            keep(archive, record("b", NOW, "bye"))
        assert json.loads(process.stdout.readline())["conversation_id"] == "b"
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, "2 changes written" in said) == (0, True)


@pytest.mark.parametrize(
    "words",
    [("--follow",), ("--changes-since", "-1"), ("--changes-since", "0", "--format", "csv"),
     ("--changes-since", "0", "--scope", "message"), ("--changes-since", "0", "--follow", "--output", "x.ndjson")],
)  # fmt: skip
def test_what_is_no_feed_is_said(tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_archive(tmp_path / "archive", ACCOUNT).close()
    output = () if "--output" in words else ("--output", "-")
    assert run(tmp_path / "archive", "export", *words, *output).exit_code != 0


def test_a_seq_that_the_archive_has_not_is_refused(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    for more in ((), ("--follow",)):
        done = run(tmp_path / "archive", "export", "--changes-since", "999999", *more, "--output", "-")
        assert "the vault ends at entry" in str(done.exception)


def test_the_recipes_of_the_manual_run_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled_archive(tmp_path / "archive").close()
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "archive", "export", "refund OR hello", "--changes-since", "0", "--output", "changes.ndjson")
    run(tmp_path / "archive", "export", "--format", "parquet", "--output", "parquet")
    manual = (TOP / "docs" / "export.md").read_text()
    recipes = [part.split("```")[0] for part in manual.split("```python\n")[1:]]
    assert ["dlt" in recipe for recipe in recipes] == [False, False, True]
    for recipe in recipes[:2]:
        exec(compile(recipe, "docs/export.md", "exec"), {})
    said = capsys.readouterr().out
    assert "conversations," in said
    assert "Billing" in said


def test_dlt_loads_what_changed_by_the_recipe_of_the_manual(tmp_path: Path) -> None:
    with filled_archive(tmp_path / "archive") as archive:
        count = archive.vault.conversations()
    recipe = next(
        part for part in (TOP / "docs" / "export.md").read_text().split("```python\n") if "import dlt" in part
    )
    environment = {
        **os.environ, "ARCHIVER_ARCHIVE": str(tmp_path / "archive"), "DLT_DATA_DIR": str(tmp_path / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip

    def load() -> list[tuple[str, str]]:
        command = [sys.executable, "-c", recipe.split("```")[0]]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        with duckdb.connect(str(tmp_path / "archive.duckdb")) as tables:
            return tables.sql("SELECT conversation_id, kind FROM liveperson.conversations").fetchall()

    assert len(load()) == count
    with make_archive(tmp_path / "archive", ACCOUNT) as archive:
        keep(archive, record("new", NOW, "hello"), record("kept30", NOW, "changed"))
    loaded = dict(load())
    assert (len(loaded), loaded["new"], loaded["kept30"]) == (count + 1, "new", "changed")
