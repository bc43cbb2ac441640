"""Exports in every format: the same conversations in each, whole, again the same bytes, and never silently short."""

from __future__ import annotations

import csv
import email
import io
import json
import random
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas
import pytest
from click.testing import CliRunner

from archiver.app import Archive
from archiver.archive import identity_of, make_archive
from archiver.cli.root import root
from archiver.config import find_settings
from archiver.errors import ArchiverError, ConfigError
from archiver.export import CasePackage, Folder, Item, items
from archiver.export import export as write
from archiver.export.csv_files import CsvFiles
from archiver.index import read_version
from tests.conftest import ACCOUNT, NOW, record
from tests.golden.filled import FULL_ID, filled_archive
from tests.pages import kept

FORMATS = ("csv", "html", "parquet", "rsmf", "vcon", "case")
HOSTILE = (
    "=1+1", "+1", "-1", "@x", " =1", "\u00a0=1", "\t=1", "\r=1", "<script>alert(1)</script>", '"><img src=http://x.example/>',
    "a,b;c\td", 'quo"ted', "line\nbreak\r\nand", "\u202eevil", "nul\x00", "emoji 👩‍👩‍👧", "{{7*7}}",
)  # fmt: skip


@dataclass
class Ran:
    """What a command printed; an error as people read it."""

    stdout: str
    stderr: str


def run(folder: Path, *words: str, code: int = 0) -> Ran:
    done = CliRunner().invoke(root, ["--archive", str(folder), "--progress", "none", *words])
    error = done.exception if isinstance(done.exception, ArchiverError) else None
    assert (error.exit_code if error else done.exit_code) == code, (done.output, done.exception)
    return Ran(done.stdout, done.stderr + (f"{error.message}. {error.hint}" if error else ""))


def export(folder: Path, format_: str, output: Path, *query: str, code: int = 0, options: tuple[str, ...] = ()) -> Path:
    run(folder, *options, "export", *query, "--format", format_, "--output", str(output), code=code)
    return output


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with odd conversations of every kind, one of which can't be read."""
    folder = tmp_path_factory.mktemp("exported") / "archive"
    filled_archive(folder).close()
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of 900 conversations in four months."""
    raws = [
        record(f"c{number:03}", NOW - timedelta(hours=3 * number), f"hello {number}", "bye") for number in range(900)
    ]
    return kept(tmp_path_factory.mktemp("many") / "archive", *raws)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    customer = [{"participantId": "cust", "firstName": "=cmd()", "lastName": "<b>"}]
    raws = [
        record("plain", NOW, *HOSTILE, "HALF", consumerParticipants=customer).replace(b"HALF", rb"\ud83d half"),
        record("../../etc/passwd", NOW - timedelta(days=1), "a way out"),
        record("x" * 300, NOW - timedelta(days=2), "a long id"),
        record("far", NOW - timedelta(days=3), "far", info={"startTimeL": 253_402_214_400_000, "endTimeL": 10**17}),
    ]
    return kept(tmp_path_factory.mktemp("hostile") / "archive", *raws)


# ── what each format holds, read back ──


def rsmf_manifest(path: Path) -> tuple[Any, dict[str, Any]]:
    """A file's mail and its manifest."""
    mail = email.message_from_bytes(path.read_bytes())
    (attachment,) = [part for part in mail.walk() if part.get_filename()]
    with zipfile.ZipFile(io.BytesIO(attachment.get_payload(decode=True))) as archive:
        assert archive.namelist() == ["rsmf_manifest.json"]
        return mail, json.loads(archive.read("rsmf_manifest.json"))


def rows(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    assert content.startswith("\ufeff".encode())  # by which Excel knows UTF-8
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def table(path: Path) -> pandas.DataFrame:
    return pandas.read_parquet(path)


def ids_in(format_: str, output: Path) -> list[str]:
    """The conversations that an export holds."""
    if format_ == "ndjson":
        lines = [json.loads(line) for line in output.read_bytes().splitlines()]
        return [line["conversation_id"] for line in lines if line["schema"] == "archiver.transcript/1"]
    if format_ == "csv":
        return [row["conversation_id"] for row in rows(output / "conversations.csv")]
    if format_ == "html":
        pages = [path.read_text(encoding="utf-8") for path in (output / "conversations").glob("*.html")]
        return [re.findall(r"<h1>Conversation (.*?)</h1>", page)[0] for page in pages]
    if format_ == "parquet":
        return list(table(output / "conversations")["conversation_id"])
    if format_ == "rsmf":
        return list(
            dict.fromkeys(rsmf_manifest(path)[1]["conversations"][0]["id"] for path in sorted(output.glob("*.rsmf")))
        )
    if format_ == "vcon":
        found = [json.loads(path.read_bytes()) for path in output.glob("*.vcon.json")]
        return [item["subject"].removeprefix("LivePerson conversation ") for item in found]
    lines = [json.loads(line) for line in (output / "records.ndjson").read_bytes().splitlines()]
    return [line["conversation_id"] for line in lines if not line["unreadable"]]


@pytest.mark.parametrize("query", ["", "refund", "hello OR refund", "zzzzz"])
def test_every_format_holds_the_same_conversations(filled: Path, tmp_path: Path, query: str) -> None:
    code = 3  # one record can't be read, which is said whatever is asked
    found = {}
    for format_ in ("ndjson", *FORMATS):
        output = export(filled, format_, tmp_path / format_, *([query] if query else []), code=code)
        found[format_] = sorted(ids_in(format_, output))
        assert len(set(found[format_])) == len(found[format_])
    assert [format_ for format_, ids in found.items() if ids != found["ndjson"]] == []
    assert bool(found["ndjson"]) is (query != "zzzzz")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_record_that_can_not_be_read_is_listed_with_its_bytes(filled: Path, tmp_path: Path, format_: str) -> None:
    done = run(filled, "export", "--format", format_, "--output", str(tmp_path / "x"), code=3)
    assert "Not readable, in unreadable.ndjson: refused" in done.stderr
    assert "2 records without a readable id are in no export" in done.stderr
    (line,) = (tmp_path / "x" / "unreadable.ndjson").read_bytes().splitlines()
    assert json.loads(line)["schema"] == "archiver.unreadable/1"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_second_export_gives_the_same_bytes(many: Path, tmp_path: Path, format_: str) -> None:
    first = export(many, format_, tmp_path / "first", "hello")
    time.sleep(1.1)  # so that a clock would show
    second = export(many, format_, tmp_path / "second", "hello")
    assert content(first) == content(second)


@pytest.mark.parametrize("format_", FORMATS)
def test_nothing_that_exists_is_overwritten_unless_it_is_asked_for(many: Path, tmp_path: Path, format_: str) -> None:
    output = export(many, format_, tmp_path / "out", "hello 7")
    (output / "old").write_text("of the export before")
    before = content(output)
    words = ("export", "hello 17", "--format", format_, "--output", str(output))
    assert "exists" in run(many, *words, code=2).stderr
    assert content(output) == before
    run(many, *words, "--force")
    assert "old" not in content(output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("name", ["out", "out.part", "archive"])
def test_what_no_export_has_made_stays_even_with_force(many: Path, tmp_path: Path, name: str) -> None:
    mine = tmp_path / name
    if name == "archive":
        shutil.copytree(many, mine)
    else:
        mine.mkdir()
        (mine / "mine").write_text("precious")
    before = content(mine)
    output = tmp_path / ("archive" if name == "archive" else "out")
    for archive in (many, mine) if name == "archive" else (many,):
        words = ("export", "--format", "csv", "--output", str(output), "--force")
        assert "holds other things" in run(archive, *words, code=2).stderr
    kept = content(mine)
    assert {path for path in before if before[path] != kept.get(path)} <= {"audit.sqlite3", "audit.head"}


@pytest.mark.parametrize("words", [("export", "hello"), ("customer", "nobody", "--html")])
def test_no_output_takes_the_place_of_an_archive(many: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    shutil.copytree(many, tmp_path / "archive")
    file = tmp_path / "archive" / "archive.sqlite3"
    option = () if words[-1] == "--html" else ("--output",)
    assert "belongs to an archive" in run(many, *words, *option, str(file), "--force", code=2).stderr
    assert identity_of(tmp_path / "archive")


def test_two_exports_do_not_write_one_folder(many: Path, tmp_path: Path) -> None:
    first = Folder(tmp_path / "out", "key", is_replaced=False)
    first.open()
    words = ("export", "--format", "csv", "--output", str(tmp_path / "out"))
    assert "another export writes" in run(many, *words, code=2).stderr
    assert "another export writes" in run(many, *words, "--force", code=2).stderr
    first.close()
    run(many, *words, "--force")
    assert len(ids_in("csv", tmp_path / "out")) == 900


def test_an_export_goes_on_with_the_same_conversations_only(many: Path, tmp_path: Path) -> None:
    def items_of(skipped: int) -> list[Item]:
        with make_archive(many, ACCOUNT) as archive:
            records = map(archive.vault.current, archive.vault.ids_by_start())
            found = list(items(records, lambda record: read_version(archive.vault, record).transcript))
        return [item for number, item in enumerate(found) if number != skipped]

    def go(found: Iterable[Item]) -> int:
        folder = Folder(tmp_path / "out", "key", is_replaced=False)
        folder.open()
        try:
            return write(found, CsvFiles(folder), folder, advance=lambda: None).count
        finally:
            folder.close()

    def ended(found: list[Item]) -> Iterator[Item]:
        yield from found[:450]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(ended(items_of(skipped=3)))
    with pytest.raises(ConfigError, match="other conversations"):
        go(items_of(skipped=-1))
    assert go(items_of(skipped=3)) == 899
    assert len(set(ids_in("csv", tmp_path / "out"))) == 899


def test_no_text_breaks_the_mail_that_holds_it(tmp_path: Path) -> None:
    texts = ("--archiver-1--", "--archiver-1", "From here", "\x00\x1b", "\n.\n")
    folder = kept(tmp_path / "archive", record("q-0001", NOW, *texts), record("q", NOW - timedelta(hours=30), "a", "b"))
    output = export(folder, "rsmf", tmp_path / "x")
    for path in output.glob("*.rsmf"):
        mail, manifest = rsmf_manifest(path)
        assert manifest["events"]
        assert len(list(mail.walk())) == 3


@pytest.mark.parametrize("format_", FORMATS)
def test_an_export_that_was_killed_goes_on_and_gives_the_same_bytes(many: Path, tmp_path: Path, format_: str) -> None:
    whole = content(export(many, format_, tmp_path / "whole"))
    command = [sys.executable, "-m", "archiver", "--archive", str(many), "--progress", "none", "export"]
    command += ["--format", format_, "--output", str(tmp_path / "out")]
    journal = tmp_path / "out.part" / ".export.json"
    for _ in range(2):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            before = journal.read_bytes() if journal.exists() else None
            while process.poll() is None and (not journal.exists() or journal.read_bytes() == before):
                time.sleep(0.002)
            process.kill()
        if (tmp_path / "out.part").exists():
            (tmp_path / "out.part" / "stray.txt").write_text("no export has written this")
    if not (tmp_path / "out").exists():
        assert json.loads(journal.read_bytes())["done"] >= 200
        run(many, "export", "--format", format_, "--output", str(tmp_path / "out"))
    assert content(tmp_path / "out") == whole
    assert not (tmp_path / "out.part").exists()


ENDS = (
    (Folder, "finish_or_drop"), (Folder, "finish"), (Folder, "names"), (Folder, "digest"), (Folder, "complete"),
    (CasePackage, "end"), (CasePackage, "_write_manifest"),
)  # fmt: skip


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("part", "name"), ENDS, ids=[name for _, name in ENDS])
def test_an_export_that_was_ended_while_it_ended_goes_on_and_gives_the_same_bytes(
    many: Path, tmp_path: Path, format_: str, part: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = content(export(many, format_, tmp_path / "whole"))
    done, ends = getattr(part, name), OSError("ended here")

    def ended(self: Any, *given: Any) -> Any:
        done(self, *given)
        raise ends

    monkeypatch.setattr(part, name, ended)
    CliRunner().invoke(root, ["--archive", str(many), "export", "--format", format_, "--output", str(tmp_path / "out")])
    monkeypatch.undo()
    if not (tmp_path / "out").exists():
        run(many, "export", "--format", format_, "--output", str(tmp_path / "out"))
    assert content(tmp_path / "out") == whole


def test_what_another_export_has_left_is_not_gone_on_with(many: Path, tmp_path: Path) -> None:
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part" / ".export.json").write_text('{"key": "other", "done": 5, "seen": "", "sizes": {}}')
    (tmp_path / "out.part" / "export.json").write_text('{"made_by": "archiver.export"}')
    words = ("export", "hello", "--format", "csv", "--output", str(tmp_path / "out"))
    assert "begun by another export" in run(many, *words, code=2).stderr
    run(many, *words, "--force")
    assert len(ids_in("csv", tmp_path / "out")) == 900


@pytest.mark.parametrize(
    "words",
    [("--format", "html", "--scope", "message"), ("--format", "csv", "--raw"), ("--format", "rsmf", "--output", "-")],
)
def test_what_a_format_can_not_do_is_said(many: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    output = () if "--output" in words else ("--output", str(tmp_path / "x"))
    assert run(many, "export", "hello", *words, *output, code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_audited_before_and_after(many: Path, tmp_path: Path) -> None:
    export(many, "case", tmp_path / "x", "hello 17")
    with Archive(find_settings({"archive": many})) as archive:
        events = list(archive.file.audit.events())[-2:]
    assert [event["event"]["action"] for event in events] == ["export", "export"]
    assert (events[0]["archive"]["query"], events[1]["archive"]["hits_total"]) == ("hello 17", 1)
    (line,) = (tmp_path / "x" / "records.ndjson").read_text().splitlines()
    entry = json.loads(line)["entry"]
    exported = f"{entry['seq']} {entry['conversation_id']}\n"
    assert events[1]["archive"]["records_sha256"] == sha256(exported.encode()).hexdigest()
    assert events[1]["archive"]["manifest_sha256"] in (tmp_path / "x" / "manifest.sha256").read_text()


# ── CSV ──


def test_no_cell_is_a_formula_and_every_text_comes_back(hostile: Path, tmp_path: Path) -> None:
    output = export(hostile, "csv", tmp_path / "x")
    cells = [
        cell
        for name in ("conversations.csv", "messages.csv", "sdes.csv")
        for row in rows(output / name)
        for cell in row.values()
    ]
    assert [cell for cell in cells if cell and cell.lstrip(" \u00a0\t\r\n")[:1] in ("=", "+", "-", "@")] == []
    texts = [row["text"] for row in rows(output / "messages.csv") if row["conversation_id"] == "plain"]
    assert texts[:4] == ["'=1+1", "'+1", "'-1", "'@x"]
    assert len(texts) == len(HOSTILE) + 1
    assert 'quo"ted' in texts


def test_the_rows_of_messages_are_those_of_the_transcripts_with_earlier_texts(filled: Path, tmp_path: Path) -> None:
    output = export(filled, "csv", tmp_path / "x", code=3)
    found = rows(output / "messages.csv")
    waiting = [
        (row["number"], row["text"], bool(row["read_until"])) for row in found if row["conversation_id"] == "waiting"
    ]
    assert waiting == [("1", "** LP deleted data **", False), ("1", "my card is 4111", True), ("2", "thank you", False)]
    conversations = {row["conversation_id"]: row for row in rows(output / "conversations.csv")}
    assert conversations[FULL_ID]["customer"] == "Łukasz"
    present = [row for row in found if not row["read_until"]]
    for id_, row in conversations.items():
        assert int(row["messages"]) == sum(item["conversation_id"] == id_ for item in present)
    assert {row["path"] for row in rows(output / "sdes.csv")} >= {"customerInfo.customerId", "personalInfo.name"}


def test_messages_that_match_are_a_csv_file_of_their_own(filled: Path, tmp_path: Path) -> None:
    run(
        filled, "export", "refund", "--scope", "message", "--format", "csv", "--output", str(tmp_path / "m.csv"), code=3
    )
    found = rows(tmp_path / "m.csv")
    counted = json.loads(run(filled, "search", "refund", "--scope", "message", "--json").stdout)["total"]
    assert (len(found), {row["conversation_id"] for row in found} >= {FULL_ID}) == (counted, True)
    run(filled, "export", "zzzz", "--scope", "message", "--format", "csv", "--output", str(tmp_path / "n.csv"), code=3)
    assert rows(tmp_path / "n.csv") == []


# ── HTML ──


def test_a_page_holds_everything_escaped_and_needs_nothing_from_elsewhere(hostile: Path, tmp_path: Path) -> None:
    output = export(hostile, "html", tmp_path / "x")
    for path in output.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(script|img|iframe|link|base)", text)
        assert not re.search(r"<[^>]*(?:src|href)=[\"']?(?:https?:|//|javascript:)", text)
        assert "default-src 'none'" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in (output / "conversations" / "plain.html").read_text()
    assert sorted(path.name for path in output.iterdir()) == ["conversations", "export.json", "index.html"]
    assert len(list((output / "conversations").iterdir())) == 4


def test_a_page_has_numbers_marks_both_zones_notes_and_earlier_texts(filled: Path, tmp_path: Path) -> None:
    output = export(filled, "html", tmp_path / "x", "refund OR 4111", code=3, options=("--tz", "America/New_York"))
    page = (output / "conversations" / f"{FULL_ID}.html").read_text()
    assert "2026-01-01 10:00:05 UTC (2026-01-01 05:00:05 America/New_York)" in page
    assert "#2 Łukasz (customer)" in page
    assert "<mark>Refund</mark> für Straße 5" in page
    assert "private note" in page
    assert "earlier text of #1" in (output / "conversations" / "waiting.html").read_text()


# ── Parquet ──


def test_parquet_is_typed_and_partitioned_by_month(filled: Path, many: Path, tmp_path: Path) -> None:
    output = export(filled, "parquet", tmp_path / "x", code=3)
    conversations, messages = table(output / "conversations"), table(output / "messages")
    full = conversations[conversations["conversation_id"] == FULL_ID].iloc[0]
    assert str(conversations["start"].dtype) == "datetime64[ms, UTC]"
    assert (full["mcs"], full["csat"], bool(full["is_partial"])) == (61, 4.0, False)
    assert full["start"] == datetime.fromisoformat("2026-01-01T10:00:00+00:00")
    assert {row["text"] for _, row in messages.iterrows()} >= {"my card is 4111", "thank you"}
    months = sorted(path.name for path in (export(many, "parquet", tmp_path / "y") / "messages").iterdir())
    assert months == ["month=2026-02", "month=2026-03", "month=2026-04", "month=2026-05", "month=2026-06"]


def test_parquet_of_nothing_is_tables_without_rows(filled: Path, many: Path, tmp_path: Path) -> None:
    nothing = export(filled, "parquet", tmp_path / "nothing", "zzzzz", code=3)
    for name, column in (("conversations", "csat"), ("messages", "text"), ("sdes", "value")):
        assert (len(table(nothing / name)), column in table(nothing / name)) == (0, True)
    assert len(table(export(many, "parquet", tmp_path / "some") / "sdes")) == 0  # of conversations without SDEs


# ── RSMF: the rules of Relativity's validator ──


def faults_of_rsmf(path: Path) -> Iterator[str]:
    mail, manifest = rsmf_manifest(path)
    participants = {item["id"] for item in manifest["participants"]}
    events = manifest["events"]
    (conversation,) = manifest["conversations"]
    times = [datetime.fromisoformat(event["timestamp"]) for event in events]
    checks = {
        "versions agree": mail["X-RSMF-Version"] == manifest["version"] == "2.0.0",
        "events are counted": int(mail["X-RSMF-EventCount"]) == len(events),
        "no more than 10,000 events": 0 < len(events) <= 10_000,
        "no more than a day": len({event["timestamp"][:10] for event in events}) == 1,
        "begin and end": (mail["X-RSMF-BeginDate"], mail["X-RSMF-EndDate"])
        == (events[0]["timestamp"], events[-1]["timestamp"]),
        "in order": times == sorted(times),
        "date is the begin": email.utils.parsedate_to_datetime(mail["Date"]) == times[0].replace(microsecond=0),
        "the custodian is a member": conversation["custodian"] in conversation["participants"],
        "known members": set(conversation["participants"]) <= participants,
        "known speakers": {event["participant"] for event in events} <= participants,
        "everybody takes part": participants
        == {*conversation["participants"], *(event["participant"] for event in events)},
        "of this conversation": {event["conversation"] for event in events} == {conversation["id"]},
        "ids once": len({item["id"] for item in manifest["participants"]}) == len(manifest["participants"]),
        "no empty arrays": "[]" not in json.dumps(manifest),
        "custom values are texts": all(item["value"] for item in conversation["custom"]),
        "a text for plain searches": any(part.get_content_type() == "text/plain" for part in mail.walk()),
    }
    present = set(conversation["participants"])
    for event in events:
        if event["type"] == "join":
            present.add(event["participant"])
        elif event["participant"] not in present:
            checks[f"{event['participant']} speaks as a member"] = False
        if event["type"] == "leave":
            present.remove(event["participant"])
        for edit in event.get("edits", ()):
            checks["edits come later"] = edit["timestamp"] >= event["timestamp"]
    yield from (f"{path.name}: {name}" for name, holds in checks.items() if not holds)


@pytest.mark.parametrize("archive", ["filled", "hostile"])
def test_rsmf_keeps_the_rules_of_its_validator(archive: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(archive)
    output = export(folder, "rsmf", tmp_path / "x", code=3 if archive == "filled" else 0)
    files = sorted(output.glob("*.rsmf"))
    assert [fault for path in files for fault in faults_of_rsmf(path)] == []
    assert len(files) >= 4


def test_rsmf_has_joins_edits_notes_and_a_file_for_each_day(filled: Path, tmp_path: Path) -> None:
    raws = record("long", NOW - timedelta(days=2), "first"), record("x", NOW, "other")
    days = json.loads(raws[0])
    later = days["messageRecords"][0] | {"messageId": "m2", "timeL": days["messageRecords"][0]["timeL"] + 86_400_000}
    days["messageRecords"].append(later)
    folder = kept(tmp_path / "archive", json.dumps(days).encode(), raws[1])
    names = sorted(path.name for path in export(folder, "rsmf", tmp_path / "y").glob("*.rsmf"))
    assert names == ["long+0001.rsmf", "long+0002.rsmf", "x.rsmf"]
    output = export(filled, "rsmf", tmp_path / "x", code=3)
    events = rsmf_manifest(output / f"{FULL_ID}.rsmf")[1]["events"]
    assert [event["type"] for event in events].count("join") == 1
    assert any({"name": "kind", "value": "private note"} in event.get("custom", ()) for event in events)
    edited = rsmf_manifest(output / "waiting.rsmf")[1]["events"]
    assert edited[0]["edits"][0]["previous"] == "my card is 4111"


# ── vCon ──


@pytest.mark.parametrize("archive", ["filled", "hostile"])
def test_vcon_refers_to_parties_and_dialogs_that_are_there(
    archive: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    output = export(request.getfixturevalue(archive), "vcon", tmp_path / "x", code=3 if archive == "filled" else 0)
    found = [json.loads(path.read_bytes()) for path in output.glob("*.vcon.json")]
    assert len({item["uuid"] for item in found}) == len(found) >= 4
    for item in found:
        parties, dialogs = len(item["parties"]), len(item["dialog"])
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", item["uuid"])
        for part in (*item["dialog"], *item["attachments"]):
            assert datetime.fromisoformat(part["start"]).tzinfo is not None
        assert all(set(part["parties"]) <= set(range(parties)) for part in item["dialog"])
        assert all(part["party"] < max(parties, 1) and part["dialog"] < dialogs for part in item["attachments"])
        assert all(set(part["dialog"]) <= set(range(dialogs)) and part["vendor"] for part in item["analysis"])
    full = next((item for item in found if item["subject"].endswith(FULL_ID)), None)
    if full:
        bodies = [part["body"] for part in full["dialog"]]
        assert "Refund für Straße 5, please 🙏" in bodies
        assert "Looks like fraud?" not in bodies  # a private note, in which the customer took no part
        assert "Looks like fraud?" in [part["body"] for part in full["attachments"]]


# ── case packages ──


@pytest.fixture(scope="module")
def case(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(filled, "case", tmp_path_factory.mktemp("case") / "case", "refund OR hello", code=3)


def checked(folder: Path) -> tuple[int, str]:
    """What the package's own program says, without anything installed."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", folder / "verify.py"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_package_checks_itself_by_a_short_program_of_the_standard_library(case: Path) -> None:
    code, said = checked(case)
    assert (code, "are as the manifest says" in said) == (0, True), said
    program = (case / "verify.py").read_text()
    assert len(program.splitlines()) < 100
    assert set(re.findall(r"^(?:from|import) (\w+)", program, re.MULTILINE)) == {
        "__future__", "collections", "hashlib", "json", "pathlib", "sys", "typing",
    }  # fmt: skip


def test_a_flipped_byte_an_added_and_a_missing_file_are_found_in_every_file(case: Path, tmp_path: Path) -> None:
    dice = random.Random(7)
    for path in sorted(path for path in case.rglob("*") if path.is_file()):
        copy = tmp_path / "copy"
        shutil.copytree(case, copy)
        spoilt = copy / path.relative_to(case)
        raw = bytearray(spoilt.read_bytes())
        if raw:
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        spoilt.write_bytes(raw or b"x")
        assert subprocess.run(
            [sys.executable, case / "verify.py", copy], capture_output=True, check=False
        ).returncode in (1, 2), path
        spoilt.unlink()
        assert subprocess.run(
            [sys.executable, case / "verify.py", copy], capture_output=True, check=False
        ).returncode in (1, 2), path
        shutil.rmtree(copy)
    shutil.copytree(case, tmp_path / "copy")
    (tmp_path / "copy" / "records" / "planted.json").write_text("{}")
    code, said = checked(tmp_path / "copy")
    assert (code, "records/planted.json was added" in said) == (1, True)


def test_a_record_that_was_changed_with_its_digest_is_found_by_its_commitment(case: Path, tmp_path: Path) -> None:
    import hashlib

    shutil.copytree(case, tmp_path / "copy")
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    name = next(name for name in manifest["files"] if name.startswith("records/"))
    changed = (tmp_path / "copy" / name).read_bytes().replace(b"e", b"a", 1)
    (tmp_path / "copy" / name).write_bytes(changed)
    manifest["files"][name]["sha256"] = hashlib.sha256(changed).hexdigest()
    text = json.dumps(manifest)
    (tmp_path / "copy" / "manifest.json").write_text(text)
    (tmp_path / "copy" / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())
    code, said = checked(tmp_path / "copy")
    assert (code, "is not the record of vault entry" in said) == (1, True), said


@pytest.mark.parametrize("is_dropped", [True, False])
def test_a_record_that_was_dropped_or_forged_with_its_line_in_the_manifest_is_found(
    case: Path, tmp_path: Path, is_dropped: bool
) -> None:
    import hashlib

    copy = tmp_path / "copy"
    shutil.copytree(case, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    name = next(name for name in manifest["files"] if name.startswith("records/"))
    if is_dropped:
        (copy / name).unlink()
        del manifest["files"][name]
    else:
        (copy / "records" / "forged.json").write_text("{}")
        manifest["files"]["records/forged.json"] = {"bytes": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}
    manifest["counts"]["files"] = len(manifest["files"])
    text = json.dumps(manifest)
    (copy / "manifest.json").write_text(text)
    (copy / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())
    code, said = checked(copy)
    assert (code, "is not in both the manifest and records.ndjson" in said) == (1, True), said


def test_a_manifest_says_the_question_what_it_is_worth_and_who_answered(case: Path, filled: Path) -> None:
    manifest = json.loads((case / "manifest.json").read_text())
    assert manifest["question"]["query"] == "refund OR hello"
    assert "refund" in manifest["question"]["understood"]
    assert manifest["worth"]["coverage"]["state"] in ("proven", "partly", "not")
    with Archive(find_settings({"archive": filled})) as archive:
        assert manifest["archive"]["head"] == archive.file.vault.noted_head()
        for line in (case / "records.ndjson").read_bytes().splitlines():
            stated = json.loads(line)
            assert archive.file.vault.link_at(stated["entry"]["seq"]) == stated["link"]
    attachments = [json.loads(line) for line in (case / "attachments-not-archived.ndjson").read_bytes().splitlines()]
    assert [item["conversation_id"] for item in attachments] == [FULL_ID]
