"""What is printed and written: in any encoding, never over another file, and never with a secret."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from archiver.archive.opening import make_archive
from archiver.cli.root import COMMANDS
from archiver.liveperson.answers import read_record
from archiver.received import Conversation
from tests.conftest import ACCOUNT, NOW, record

PROGRAM = [sys.executable, "-m", "archiver", "--progress", "none"]
TEXT = "refund \U0001f600 日本 Grüße hid\u200bden"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive with a text of many scripts, and a record that holds bytes of another encoding."""
    latin = record("latin", NOW, "refund Gr\xfc\xdfe").replace("\xfc\xdf".encode(), b"\xfc\xdf")
    read = [read_record(raw) for raw in (record("c1", NOW, TEXT), latin)]
    with make_archive(tmp_path / "archive", ACCOUNT) as archive:
        archive.keep([item for item in read if isinstance(item, Conversation)], (), NOW)
    return tmp_path / "archive"


def started(folder: Path, *words: str | bytes, **changes: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "ARCHIVER_ARCHIVE": str(folder), **changes}
    return subprocess.Popen(
        [*PROGRAM, *words], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def run(folder: Path, *words: str | bytes, said: bytes = b"", **changes: str) -> tuple[int, bytes, bytes]:
    with started(folder, *words, **changes) as process:
        out, err = process.communicate(said, timeout=120)
    assert b"Traceback" not in err, err
    return process.returncode, out, err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8", "ascii:strict", "cp1252:strict"])
def test_people_see_what_an_encoding_lacks_as_escapes(folder: Path, encoding: str) -> None:
    code, out, err = run(folder, "show", "c1", PYTHONIOENCODING=encoding)
    assert code == 0, err
    shown = out.decode(encoding.partition(":")[0])
    expected = TEXT.replace("\u200b", "\\u200b").encode(encoding.partition(":")[0], "backslashreplace")
    assert expected.decode(encoding.partition(":")[0]) in shown
    for words in (["search", "refund"], ["search", "日本"], ["status"], ["--help"], ["search", "(日本"]):
        code, out, err = run(folder, *words, PYTHONIOENCODING=encoding)
        assert code in (0, 2)
        (out + err).decode(encoding.partition(":")[0])


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
def test_programs_get_utf8_whatever_the_encoding_is(folder: Path, encoding: str) -> None:
    for words in (["search", "日本", "--json"], ["export", "id:c1", "--output", "-"], ["show", "c1", "--json"]):
        code, out, _ = run(folder, *words, PYTHONIOENCODING=encoding)
        assert code == 0
        assert TEXT in json.dumps(json.loads(out.decode("utf-8")), ensure_ascii=False)
    code, _, err = run(folder, "search", "(日本", "--json", PYTHONIOENCODING=encoding)
    assert (code, json.loads(err.decode("utf-8"))["error"]["position"]) == (2, 0)


def test_a_raw_record_that_is_no_utf8_leaves_every_line_readable(folder: Path) -> None:
    code, out, _ = run(folder, "export", "--raw", "--output", "-")
    lines = {line["conversation_id"]: line for line in map(json.loads, out.decode("utf-8").splitlines())}
    assert code == 0
    assert lines["c1"]["raw"]["info"]["conversationId"] == "c1"
    raw = codecs.decode(lines["latin"]["raw_base64"].encode(), "base64")
    assert b"Gr\xfc\xdfe" in raw
    assert "raw" not in lines["latin"]
    code, out, _ = run(folder, "show", "latin", "--raw", "--json")
    assert codecs.decode(json.loads(out)["raw_base64"].encode(), "base64") == raw
    assert run(folder, "show", "latin", "--raw")[1] == raw


@pytest.mark.parametrize("command", COMMANDS)
def test_an_argument_of_another_encoding_is_refused_in_words(folder: Path, command: str) -> None:
    for words in ([command, b"\xff\xfe"], [b"--archive", b"\xff", command], [command, b"--json", b"\xff"]):
        code, out, err = run(folder, *words)
        assert (code, out) == (2, b"")
        assert b"UTF-8" in err
        assert b"\xff" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "--head", "9" * 5000 + ":" + "0" * 64],
        ["verify", "--head", "\u0663:" + "0" * 64],
        ["harvest", "--follow", "--listen", "a:\u00b2"],
        ["harvest", "--follow", "--listen", "a:99999"],
        ["--bogus\x1b[2J", "status"],
        ["harvest", "--every", "30", "--follow"],
    ],
)
def test_an_argument_that_cannot_be_is_refused_in_words(folder: Path, words: list[str]) -> None:
    code, _, err = run(folder, *words)
    assert code == 2
    assert b"\x1b" not in err


def test_a_variable_of_another_encoding_is_refused_in_words(folder: Path) -> None:
    code, _, err = run(folder, "status", ARCHIVER_ACCOUNT=os.fsdecode(b"\xff"))
    assert code == 2
    assert b"ARCHIVER_ACCOUNT is not UTF-8" in err


@pytest.mark.parametrize("said", [codecs.BOM_UTF16_LE + "a\r\n".encode("utf-16-le"), codecs.BOM_UTF8 + b"a\n", b"a\n"])
def test_ids_are_read_with_the_marks_that_other_programs_write(folder: Path, said: bytes) -> None:
    code, _, err = run(folder, "fetch", "-", said=said, ARCHIVER_ACCOUNT=ACCOUNT)
    assert (code, b"ARCHIVER_CLIENT_ID" in err) == (2, True)  # the ids were read; there are no credentials


def test_ids_of_another_encoding_are_refused_in_words(folder: Path) -> None:
    code, _, err = run(folder, "fetch", "-", said=b"\xfc\n")
    assert (code, b"UTF-8" in err) == (2, True)


def test_an_export_replaces_a_file_only_when_it_is_told_to(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.ndjson"
    target.write_text("mine")
    code, _, err = run(folder, "export", "--output", str(target))
    assert (code, b"--force" in err, target.read_text()) == (2, True, "mine")
    assert run(folder, "export", "--output", str(target), "--force")[0] == 0
    assert len(target.read_bytes().splitlines()) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "x.ndjson"]


def test_a_file_that_a_killed_export_left_is_neither_used_nor_overwritten(folder: Path, tmp_path: Path) -> None:
    left = tmp_path / "x.ndjson.part"
    left.write_text("half")
    code, _, err = run(folder, "export", "--output", str(tmp_path / "x.ndjson"))
    assert (code, b"--force" in err, left.read_text()) == (2, True, "half")
    assert not (tmp_path / "x.ndjson").exists()
    assert run(folder, "export", "--output", str(tmp_path / "x.ndjson"), "--force")[0] == 0
    assert not left.exists()


@pytest.mark.parametrize("words", [["status"], ["export", "--output", "-"], ["search", "x", "--json"]])
def test_a_closed_standard_output_is_an_error(folder: Path, words: list[str]) -> None:
    line = " ".join([*map(str, PROGRAM), *words, ">&-"])
    environment = {**os.environ, "ARCHIVER_ARCHIVE": str(folder)}
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, check=False)
    assert (done.returncode, b"no standard output" in done.stderr) == (6, True)


def test_a_query_with_a_fault_makes_no_file(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "export", "(", "--output", str(tmp_path / "x"))[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize("name", ["", ".", "missing/x", "loop"])
def test_an_output_that_can_be_no_file_is_refused_in_words(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    code, _, err = run(folder, "export", "--output", str(tmp_path / name) if name else "")
    assert (code, b"--output" in err) == (2, True)


def test_a_misspelt_variable_is_named_by_every_command_and_listed(folder: Path) -> None:
    code, out, err = run(folder, "status", ARCHIVER_STOER="s3cret")
    assert (code, b"ARCHIVER_STORE" in err) == (0, True)
    assert b"ARCHIVER_STOER" in run(folder, "config", "show", "--json", ARCHIVER_STOER="s3cret")[1]
    assert b"ARCHIVER_STOER" in run(folder, "doctor", "--offline", ARCHIVER_STOER="x", ARCHIVER_ACCOUNT=ACCOUNT,
                                    ARCHIVER_CLIENT_ID="a", ARCHIVER_CLIENT_SECRET="b")[1]  # fmt: skip
    assert b"s3cret" not in out + err


MARK = "s3cret"
PLACE = "127.0.0.1:1"  # where nothing answers
EVERY_COMMAND = [
    ["doctor"], ["doctor", "--json"], ["harvest", "--from", "1d"], ["-vv", "harvest", "--from", "1d"], ["fetch", "c1"],
    ["--log-format", "json", "fetch", "c1"], ["status"], ["status", "--json"], ["search", "refund"],
    ["search", "x", "--json"], ["store", "status"], ["store", "prepare"], ["store", "drop", "--yes"], ["verify"],
    ["reindex"], ["kibana", "install"], ["kibana", "export"], ["config", "show"], ["config", "show", "--json"],
    ["export", "refund", "--output", "-"], ["coverage"], ["erasures"], ["show", "c1"],
]  # fmt: skip


def secret_urls(host: str) -> Iterator[Mapping[str, str]]:
    """Environments with a secret in every place where people put one: well-formed, and misspelt in several ways."""
    for url in (
        f"https://me:{MARK}@{host}/{MARK[:0]}?token={MARK}#{MARK}", f"https://{MARK}@{host}", f"me:{MARK}@{host}",
        f"https://me:{MARK}@{host}:port", f"http://me:{MARK}@example.com", f"https://me:x/{MARK}@{host}",
    ):  # fmt: skip
        keys = ("ARCHIVER_DOMAIN_URL", "ARCHIVER_STORE", "ARCHIVER_KIBANA_URL", "ARCHIVER_TRANSCRIPT_URL")
        yield dict.fromkeys(keys, url)
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), f"http://me:{MARK}@{host}")
    yield {**proxies, "ARCHIVER_KIBANA_URL": "https://kibana.invalid"}
    yield {**proxies, "HTTPS_PROXY": f"htp://me:{MARK}@{host}", "https_proxy": f"htp://me:{MARK}@{host}"}
    yield {**proxies, "HTTPS_PROXY": f"http://me:{MARK}@{host}:p", "https_proxy": f"http://me:{MARK}@{host}:p"}


def printed_within(seconds: float, folder: Path, words: list[str], changes: Mapping[str, str]) -> bytes:
    """What a command prints, which is ended if it goes on waiting for a server."""
    with started(folder, *words, **changes) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            out, err = process.communicate()
    return out + err


@pytest.mark.parametrize("number", range(9))
def test_no_command_prints_a_secret_of_an_address(folder: Path, number: int) -> None:
    secrets = {f"ARCHIVER_{name}": MARK for name in ("CLIENT_SECRET", "STORE_PASSWORD", "KIBANA_PASSWORD")}
    common = {"ARCHIVER_ACCOUNT": ACCOUNT, "ARCHIVER_CLIENT_ID": "x", "ARCHIVER_STORE_USER": "me", **secrets}
    changes = {**common, **list(secret_urls(PLACE))[number]}
    commands = EVERY_COMMAND if number in (0, 6) else EVERY_COMMAND[:1] + EVERY_COMMAND[15:19] + EVERY_COMMAND[8:11]
    with ThreadPoolExecutor(6) as pool:  # most of them wait for a server that does not answer
        printed = pool.map(lambda words: printed_within(15, folder, words, changes), commands)
        for command, text in zip(commands, printed, strict=True):
            assert MARK.encode() not in text, (command, text)
            assert b"Traceback" not in text, (command, text)
