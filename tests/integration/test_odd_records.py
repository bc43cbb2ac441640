"""Records as nobody documents them: every command goes on, whatever one of them holds."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.archive.opening import make_archive
from archiver.cli.root import root
from archiver.errors import ArchiverError, NotFound, RecordError
from archiver.liveperson.answers import read_page
from tests.conftest import ACCOUNT, NOW, examples, record

ODD_VALUES = (
    b"null", b"-1", b'"NA"', b"true", b"[]", b"{}", b'[[{"a":[]}]]', b'{"x":{"x":{"x":1}}}', b"1e400", b"NaN",
    b"9" * 500, b"-" + b"9" * 5_000, b"0.1e-999", b"253402300799000", b"-62135596800000", b'"2026-03-01T10:00+05:30"',
    b'"0001-01-01 00:00:00.000+0000"', b'"9999-12-31 23:59:59.999-1200"', rb'"\ud83d"', rb'"\udc00\ud83d"',
    b'"\xff\xc3("', b'"a\tb\x00\x01\x7f"', rb'"\u0000\u202e\ufeff"', b"[" * 300 + b"]" * 300,
    b"[" * 5_000 + b"]" * 5_000,
    b'"<![x <a href=\'y"', b'"<!--<p"', b'["one",2,{"text":"three"}]', b'"[{\\"noteContent\\": 5}]"', b'""', b'" "',
)  # fmt: skip
ANY_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())
SECTIONS = (
    "campaign", "monitoring", "messageStatuses", "messageScores", "agentParticipants", "agentParticipantsLeave",
    "consumerParticipants", "transfers", "interactions", "dialogs", "skillChanges", "conversationSurveys", "summary",
    "coBrowseSessions", "sdes", "unAuthSdes", "responseTime", "intents", "uniqueIntents", "latestAgentSurvey",
    "previouslySubmittedAgentSurveys", "pageView", "messageRecords", "info", "surprise",
)  # fmt: skip
INFO = (
    "startTime",
    "startTimeL",
    "endTimeL",
    "duration",
    "latestSkillName",
    "latestAgentFullName",
    "csat",
    "mcs",
    "status",
)
MESSAGE = (
    "type",
    "messageData",
    "messageId",
    "seq",
    "time",
    "timeL",
    "participantId",
    "sentBy",
    "audience",
    "dialogId",
)


def members(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, bytes]]:
    return st.dictionaries(st.sampled_from(names), st.sampled_from(ODD_VALUES) | ANY_VALUES, max_size=4)


def joined(values: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in values.items()) + b"}"


@st.composite
def odd_records(draw: st.DrawFn) -> bytes:
    """A record whose conversation is known, and nothing else of it is as documented."""
    info = {"conversationId": b'"odd"', "startTimeL": b"1767225600000", **draw(members(INFO))}
    message = {"type": b'"TEXT_HTML"', "messageData": b'{"msg":{"text":"<p>odd words"}}', **draw(members(MESSAGE))}
    sections = {"info": joined(info), "messageRecords": b"[%s]" % joined(message), **draw(members(SECTIONS))}
    raw = joined(sections)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(max_size=3)) + raw[at + draw(st.integers(0, 2)) :]
    return raw


def run(folder: Path, *words: str) -> Result:
    done = CliRunner().invoke(root, ["--archive", str(folder), "--progress", "none", *words])
    assert isinstance(done.exception, SystemExit | ArchiverError | None), (words, done.exception)
    return done


def found(result: Result) -> set[str]:
    return {item["conversation_id"] for item in json.loads(result.stdout)["items"]}


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(odd_records(), min_size=1, max_size=4))
def test_whatever_records_hold_every_command_goes_on_and_the_others_are_found_shown_exported_and_verified(
    odd: list[bytes],
) -> None:
    good = [record(f"good{at}", NOW, "hello words") for at in range(2)]
    frame = b'{"_metadata":{"count":9},"conversationHistoryRecords":[%s]}'
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path) / "archive"
        with make_archive(folder, ACCOUNT) as archive:
            for raw in odd:
                page = read_page(frame % b",".join((good[0], raw, good[1])))
                assert {"good0", "good1"} <= {item.id for item in page.conversations}
                archive.keep(page.conversations, page.unreadable, NOW)
        _check(folder)


def _check(folder: Path) -> None:
    for scope in ("conversation", "message"):
        assert {"good0", "good1"} <= found(run(folder, "search", "words", "--json", "--all", "--scope", scope))
    everything = found(run(folder, "search", "messages:>=0", "--json", "--all"))
    assert isinstance(run(folder, "show", "odd").exception, SystemExit | RecordError | NotFound | None)
    exported = run(folder, "export", "--output", "-", "--raw")
    lines = [json.loads(line) for line in exported.stdout_bytes.split(b"\n") if line]
    assert {line["conversation_id"] for line in lines} >= everything | {"good0", "good1"}
    verified = json.loads(run(folder, "verify", "--json").stdout)
    assert [finding for finding in verified["findings"] if "is refused" not in finding["message"]] == []
    for words in (("status",), ("coverage",), ("reindex",), ("store", "status"), ("erasures",), ("search", "words")):
        assert run(folder, *words).exit_code in (0, 3)


def test_the_names_are_those_of_the_records() -> None:
    """So that the records of this test stay odd in the places that the program reads."""
    known: dict[str, Any] = json.loads(record("c", NOW, "x"))
    assert {"info", "messageRecords"} <= known.keys()
