"""A small archive in which nearly every field of an output says something, always the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import WindowReading, WindowState
from archiver.archive.opening import make_archive
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.received import Conversation, Unreadable
from archiver.windows import retention
from tests.conftest import ACCOUNT, NOW, record

HERE = Path(__file__).parent
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FULL_ID = "5a0c3a52-7f3b-4b62-9f5e-0a4b6d1f0001"
OLDEST = retention(NOW).start  # what started before it, LivePerson does not keep any more
REPLACED = NOW - 9 * DAY

PHONE = record(
    "phone", OLDEST + 6 * HOUR, "a refund, please", "of course",
    info={
        "browser": "FIREFOX", "operatingSystem": "LINUX", "latestAgentGroupId": 9, "latestAgentGroupName": "Night",
        "latestAgentId": "301", "latestAgentFullName": "Ana Núñez", "isPartial": True,
    },
    consumerParticipants=[
        {"participantId": "cust", "firstName": "Łukasz", "consumerName": "Luke", "phone": "+48 22 1"},
    ],
    conversationSurveys=[{"surveyData": [{"questionType": "fcr", "question": "Solved?", "answer": "1"}]}],
)  # fmt: skip
KEPT = [record(f"kept{hour}", OLDEST + hour * HOUR, "hello") for hour in (30, 31)]
OPEN = record("open", NOW - HOUR, "is anybody there?", info={"status": "OPEN", "endTimeL": -1})


def filled_archive(folder: Path) -> ArchiveFile:
    """The archive. Closing is the caller's."""
    archive = make_archive(folder, ACCOUNT)
    raws = [(HERE / f"{name}.raw.json").read_bytes() for name in ("full", "odd", "bare")]
    _keep(archive, NOW - 10 * DAY, *raws, PHONE, *KEPT, OPEN)
    _take_back(archive)
    refused = Conversation("refused", None, False, False, b"{}", None, 0, -1)
    unreadable = [Unreadable(raw, "no info.conversationId") for raw in (b"[]", b"[1]")]
    archive.keep([refused], unreadable, NOW)
    _read_windows(archive)
    return archive


def _keep(archive: ArchiveFile, now: datetime, *raws: bytes) -> None:
    read = [read_record(raw) for raw in raws]
    archive.keep([item for item in read if isinstance(item, Conversation)], (), now)


def _take_back(archive: ArchiveFile) -> None:
    """LivePerson masks one text, which is followed, and deletes two: one is decided, the other waits."""
    for id_ in ("masked", "decided", "waiting"):
        _keep(archive, REPLACED, record(id_, REPLACED, "my card is 4111", "thank you"))
    _keep(archive, REPLACED + HOUR, record("masked", REPLACED, "my card is ****", "thank you"))
    for id_ in ("decided", "waiting"):
        _keep(archive, REPLACED + HOUR, record(id_, REPLACED, "** LP deleted data **", "thank you"))
    first = archive.erasures.listed()[0]
    archive.decide(first.seq, approve=True, by="ana", reason="request 88", now=REPLACED + DAY)


def _read_windows(archive: ArchiveFile) -> None:
    """Windows in every state, none longer than a day but one; nothing was read after them."""
    run = archive.begin_run(Window(OLDEST - DAY, OLDEST + 2 * DAY), NOW - HOUR)
    readings = [
        _reading(-24, 0, WindowState.UNPROVEN, 0, 2, "2 were announced and none came"),
        _reading(0, 2, WindowState.SEALED, 0, 0),
        _reading(2, 10, WindowState.SEALED, 1, 1),
        _reading(10, 12, WindowState.SEALED, 0, 0),
        _reading(12, 24, WindowState.PROVISIONAL, 0, 0),
        _reading(24, 36, WindowState.UNPROVEN, 1, 3, "the count changed between pages"),
    ]
    archive.record(readings, run=run, now=NOW - HOUR)
    archive.note_presence(Window(OLDEST + 30 * HOUR, OLDEST + 31 * HOUR), frozenset(), NOW - HOUR)
    archive.finish_run(NOW - HOUR)


def _reading(
    start_h: int, end_h: int, state: WindowState, came: int, announced: int, reason: str | None = None
) -> WindowReading:
    window = Window(OLDEST + start_h * HOUR, OLDEST + end_h * HOUR)
    return WindowReading(window, state, announced, came, came, came, "", reason)
