"""What a user installs: the wheel, the mappings, the documents that come with the program."""

from __future__ import annotations

import configparser
import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner

from archiver.archive import open_archive
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import WindowReading, WindowState
from archiver.archive.training import train
from archiver.cli.root import COMMANDS, GROUPS, root
from archiver.config.options import OPTIONS
from archiver.errors import ConfigError
from archiver.liveperson.answers import read_record
from archiver.model import CELL, Message, Metadata, Sde, Window
from archiver.query.fields import MEANING
from archiver.resources import mapping, mappings_folder
from archiver.value import names
from tests.conftest import NOW, TOP, record, sql


def test_a_wheel_holds_the_mappings_the_schemas_and_every_module(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=TOP,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    assert {f"archiver/mappings/{name}.json" for name in ("messages", "sdes", "metadata", "kibana/panels")} <= names
    assert {f"archiver/schemas/{path.name}" for path in (TOP / "docs/schemas").iterdir()} <= names
    assert {str(path.relative_to(TOP)) for path in (TOP / "archiver").rglob("*.py")} <= names


def test_an_installation_from_the_source_tree_finds_the_mappings() -> None:
    assert (mappings_folder() / "messages.json").is_file()


@pytest.mark.parametrize(("name", "kind"), [("messages", Message), ("sdes", Sde), ("metadata", Metadata)])
def test_a_mapping_has_a_field_for_everything_a_document_holds(name: str, kind: type) -> None:
    fields = {field for part in ("common", name) for field in mapping(part)["template"]["mappings"]["properties"]}
    as_other_fields = {"parts"}  # said, card, file and link texts and their words
    assert set(names(kind)) - as_other_fields <= fields


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_stands_in_a_group(name: str) -> None:
    result = CliRunner().invoke(root, [name, "--help"], standalone_mode=False)
    assert "Examples:" in result.output
    assert f"archiver {name}" in result.output
    assert sum(name in names for names in GROUPS.values()) == 1
    command = root.get_command(None, name)  # type: ignore[arg-type]
    assert command.get_short_help_str(200) == COMMANDS[name][1]


def test_every_setting_and_field_is_documented() -> None:
    settings = (TOP / "docs/settings.md").read_text(encoding="utf-8")
    language = (TOP / "docs/query-language.md").read_text(encoding="utf-8")
    assert [option.variable for option in OPTIONS.values() if f"`{option.variable}`" not in settings] == []
    assert [name for name in MEANING if f"`{name}:" not in language] == []


def test_every_query_in_the_documentation_is_one() -> None:
    from archiver.query.parser import parse

    language = (TOP / "docs/query-language.md").read_text(encoding="utf-8")
    asked = re.findall(r"^    archiver search '(.+?)'", language, re.MULTILINE)
    assert len(asked) >= 5
    for text in asked:
        parse(text, now=NOW)


@pytest.mark.parametrize("has_dictionary", [False, True])
def test_a_stranger_can_verify_a_vault_with_the_document_alone(archive: ArchiveFile, has_dictionary: bool) -> None:
    if has_dictionary:
        content = train(
            record(f"c{number}", NOW, consumerParticipants=[{"participantId": str(number)}]) for number in range(200)
        )
        for copy in (1, 2):
            sql(archive, "INSERT INTO dictionary VALUES (?, ?, ?)", copy, sha256(content or b"").digest(), content)
        archive = open_archive(archive.folder)
    raws = [record(f"c{number}", NOW, f"straße {number}") for number in range(5)]
    masked = record("c3", NOW, "str*** 3")
    window = Window(NOW - CELL, NOW + CELL)
    ids = sha256("\n".join(f"c{number}" for number in range(5)).encode()).hexdigest()
    archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]
    archive.keep([read_record(masked)], (), NOW)  # type: ignore[list-item]
    reading = WindowReading(window, WindowState.SEALED, 5, 5, 5, 5, "", None, ids)
    archive.record([reading], run=None, now=NOW)
    text = (TOP / "docs/vault-format.md").read_text(encoding="utf-8")
    chain, dictionary, bodies, bodiless = re.findall(r"```sql\n(.+?)```", text, re.DOTALL)
    connection = sqlite3.connect(archive.folder / "archive.sqlite3")
    rows = connection.execute(chain).fetchall()
    assert len(rows) == 8
    prev = "00" * 32
    for spelled, named_prev, link in rows:
        assert named_prev == prev
        prev = sha256(b"\x00" + spelled.encode()).hexdigest()
        assert prev == link
    opened, dict_data = [], None
    for content, digest in connection.execute(dictionary):
        assert sha256(content).hexdigest() == digest
        dict_data = zstandard.ZstdCompressionDict(content)
    for salt, body, commitment, size in connection.execute(bodies):
        named = zstandard.get_frame_parameters(body).dict_id
        assert named == (dict_data.dict_id() if dict_data else 0)
        opened.append(zstandard.ZstdDecompressor(dict_data=dict_data).decompress(body))
        assert sha256(salt + sha256(opened[-1]).digest()).hexdigest() == commitment
        assert len(opened[-1]) == size
    assert opened[:5] == [raw for number, raw in enumerate(raws) if number != 3] + [masked]
    event, sealed = (json.loads(body) for body in opened[5:])
    assert [row[0] for row in connection.execute(bodiless)] == event["removed"] == [4]
    assert [json.loads(spelled)["type"] for spelled, _, _ in rows][5:] == [
        "record",
        "upstream_masking",
        "window_sealed",
    ]
    (certified,) = connection.execute("SELECT certificate, expected, seen, inside, ids FROM windows").fetchall()
    assert certified == (8, *(sealed[name] for name in ("expected", "seen", "inside", "ids")))
    told = re.search(r"a list of (.+?)\.", text, re.DOTALL)
    assert told
    columns = ", ".join(re.findall(r"`(\w+)`", told[1]))
    (row,) = connection.execute(f"SELECT {columns} FROM windows")
    (digest,) = connection.execute("SELECT digest FROM windows").fetchone()
    assert sha256(json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest() == digest
    connection.close()
    if has_dictionary:
        archive.close()


def test_the_systemd_unit_runs_a_command_line_that_is_understood() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(TOP / "setup" / "systemd" / "archiver.service")
    program, *words = unit["Service"]["ExecStart"].split()
    assert program.endswith("/archiver")
    assert CliRunner().invoke(root, [*words, "--help"]).exit_code == 0
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["LoadCredential"].startswith("client_secret:")
    assert int(unit["Service"]["WatchdogSec"].removesuffix("min")) >= 1  # it is told every second
    assert unit["Service"]["RestartPreventExitStatus"] == str(ConfigError.exit_code)
