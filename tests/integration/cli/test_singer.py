"""The Singer tap: rows that keep their schema, and a loader that has what the archive has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from archiver.archive import make_archive
from archiver.liveperson.answers import read_record
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import filled_archive
from tests.integration.cli.running import run
from tests.pages import kept

Rows = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


class Loader:
    """A target: it takes rows that keep the schema before them, by their keys, and keeps the last state."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.schemas: dict[str, Draft7Validator] = {}
        self.keys: dict[str, list[str]] = {}
        self.state: dict[str, Any] | None = None

    def take(self, output: str) -> None:
        for line in output.splitlines():
            message = json.loads(line)
            name = message.get("stream")
            if message["type"] == "SCHEMA":
                Draft7Validator.check_schema(message["schema"])
                self.schemas[name] = Draft7Validator(message["schema"], format_checker=FormatChecker())
                self.keys[name] = message["key_properties"]
                self.rows.setdefault(name, {})
            elif message["type"] == "RECORD":
                row = message["record"]
                self.schemas[name].validate(row)
                assert set(row) <= set(self.schemas[name].schema["properties"])
                self.rows[name][tuple(row[key] for key in self.keys[name])] = row
            else:
                assert message["type"] == "STATE"
                self.state = message["value"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return kept(tmp_path / "archive", *(record(f"c{n}", NOW - timedelta(days=n), "hello", "bye") for n in range(3)))


def load(folder: Path, loader: Loader, *words: str) -> None:
    if loader.state is not None:
        (folder.parent / "state.json").write_text(json.dumps(loader.state))
        words = (*words, "--state", str(folder.parent / "state.json"))
    done = run(folder, "singer", *words)
    assert done.exit_code == 0, (done.output, done.exception)
    loader.take(done.stdout)


def test_a_loader_has_everything_and_later_what_changed(folder: Path) -> None:
    loader = Loader()
    load(folder, loader)
    assert {name: len(rows) for name, rows in loader.rows.items()} == {"conversations": 3, "messages": 6, "sdes": 0}
    with make_archive(folder, ACCOUNT) as archive:
        later = [record("c1", NOW, "hello", "bye", "again"), record("new", NOW, "me")]
        archive.keep([read_record(raw) for raw in later], (), NOW)  # type: ignore[misc]
    before = loader.state
    whole = {"type": "STATE", "value": before}  # the line as it was written
    (folder.parent / "line.json").write_text(json.dumps(whole))
    told = run(folder, "singer", "--state", str(folder.parent / "line.json")).stdout
    load(folder, loader)
    assert told.count('"RECORD"') == 6  # two conversations with four messages
    assert loader.state != before
    assert (len(loader.rows["conversations"]), len(loader.rows["messages"])) == (4, 8)
    assert loader.rows["conversations"]["c1",]["change"] == "changed"
    done = run(folder, "singer", "--state", str(folder.parent / "state.json"))
    assert done.exit_code == 0
    load(folder, loader)
    fresh = Loader()
    load(folder, fresh)
    assert fresh.rows == loader.rows


def test_odd_records_keep_the_schema_and_what_can_not_be_read_is_a_row_that_says_so(tmp_path: Path) -> None:
    filled_archive(tmp_path / "archive").close()
    loader = Loader()
    load(tmp_path / "archive", loader)
    unreadable = loader.rows["conversations"]["refused",]
    assert unreadable["unreadable"]
    assert loader.rows["sdes"]
    rows = loader.rows["messages"].values()
    counts = {key[0]: row["messages"] for key, row in loader.rows["conversations"].items() if "messages" in row}
    present = [row for row in rows if not row["read_until"]]
    assert {id_: sum(row["conversation_id"] == id_ for row in present) for id_ in counts} == counts


def test_a_catalog_selects_streams_and_discovery_tells_them(folder: Path, tmp_path: Path) -> None:
    found = json.loads(run(folder, "singer", "--discover").stdout)
    assert [stream["tap_stream_id"] for stream in found["streams"]] == ["conversations", "messages", "sdes"]
    found["streams"][0]["metadata"][0]["metadata"]["selected"] = False
    found["streams"][2]["metadata"][0]["metadata"]["selected"] = False
    (tmp_path / "catalog.json").write_text(json.dumps(found))
    loader = Loader()
    load(folder, loader, "--catalog", str(tmp_path / "catalog.json"))
    assert list(loader.rows) == ["messages"]
    load(
        folder,
        loader := Loader(),
        "--catalog",
        str(_written(tmp_path, {"streams": [{"stream": "sdes", "selected": True}]})),
    )
    assert list(loader.rows) == ["sdes"]


def _written(folder: Path, content: object) -> Path:
    path = folder / "given.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_program_tap_archiver_takes_the_archive_and_the_query_of_its_config(folder: Path, tmp_path: Path) -> None:
    config = _written(tmp_path, {"archive": str(folder), "query": "id:c1"})
    program = Path(sys.executable).with_name("tap-archiver")
    done = subprocess.run(
        [program, "--config", config], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("ARCHIVER_")},
    )  # fmt: skip
    loader = Loader()
    loader.take(done.stdout)
    assert list(loader.rows["conversations"]) == [("c1",)]


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--config", "no json"), ("--config", "[1]"), ("--state", {"seq": "many"}), ("--state", {"seq": -1}),
        ("--state", {"seq": 10**9}), ("--catalog", {}), ("--catalog", {"streams": 7}), ("--catalog", {"streams": [7]}),
    ],
)  # fmt: skip
def test_what_no_loader_gives_is_refused(folder: Path, tmp_path: Path, option: str, content: object) -> None:
    done = run(folder, "singer", option, str(_written(tmp_path, content)))
    assert getattr(done.exception, "hint", None), done.output
    assert done.stdout == ""
