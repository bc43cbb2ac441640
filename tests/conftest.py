"""What tests share: a clock that stands still, raw records, an archive, a simulated account."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings

from archiver.archive.connection import FILE
from archiver.archive.file import ArchiveFile
from archiver.archive.opening import make_archive
from archiver.config.secrets import Secret
from archiver.jsontext import encode
from archiver.liveperson.account import Account, connect
from archiver.liveperson.auth import ClientCredentials, Credentials
from archiver.liveperson.calls import CallSettings
from archiver.liveperson.client import Client
from archiver.model import to_ms
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from tests import nodes
from tests.nodes import Node

TOP = Path(__file__).parents[1]  # of the source tree
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
ACCOUNT = "12345678"

TIMES = int(os.environ.get("ARCHIVER_TEST_TIMES", "1"))  # as many examples as usual: `python -m tests.reliability`


def examples(count: int) -> int:
    """How many examples of a property are tried."""
    return count * TIMES


settings.register_profile("quick", deadline=None, max_examples=examples(60))
settings.load_profile("quick")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ARCHIVER_") and not name.startswith("ARCHIVER_TEST_"):
            monkeypatch.delenv(name)


def record(conversation_id: str, start: datetime, *texts: str, **changes: Any) -> bytes:
    """A raw conversation: customer and agent in turn. `info` adds to its info; other names add sections."""
    info = {
        "conversationId": conversation_id, "brandId": ACCOUNT, "status": "CLOSE", "startTimeL": to_ms(start),
        "endTimeL": to_ms(start) + 600_000, "latestSkillName": "Restaurants", "latestSkillId": 7, "isPartial": False,
        **changes.pop("info", {}),
    }  # fmt: skip
    messages = [
        {
            "type": "TEXT_PLAIN", "messageData": {"msg": {"text": text}}, "messageId": f"{conversation_id}:{at}",
            "seq": at, "dialogId": conversation_id, "participantId": "cust" if at % 2 == 0 else "agent1",
            "timeL": to_ms(start) + at * 1000, "sentBy": "Consumer" if at % 2 == 0 else "Agent", "audience": "ALL",
        }
        for at, text in enumerate(texts)
    ]  # fmt: skip
    return encode({"info": info, "messageRecords": messages, **changes})


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveFile]:
    with make_archive(tmp_path / "archive", ACCOUNT) as made:
        yield made


def sql(archive: ArchiveFile, statement: str, *values: object) -> list[Any]:
    """The rows of a statement, run on the archive's file as anybody else may run it."""
    with closing(sqlite3.connect(archive.folder / FILE, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


@pytest.fixture
def world() -> World:
    return World(ACCOUNT, lambda: NOW)


@pytest.fixture
def simulator(world: World) -> Simulator:
    return Simulator(world)


Connect = Callable[..., Client]


def connected(
    respond: Callable[[httpx.Request], httpx.Response], simulator: Simulator, credentials: Credentials | None = None
) -> Client:
    """A contact center whose network is a function, and which never really waits."""
    credentials = credentials or ClientCredentials(simulator.tokens.client_id, Secret(simulator.tokens.client_secret))
    account = Account(simulator.world.account, "https://api.simulator.test", credentials)
    settings = CallSettings(sleep=lambda seconds: None)
    return connect(account, settings=settings, transport=httpx.MockTransport(respond), clock=simulator.world.clock)


def pytest_configure(config: pytest.Config) -> None:
    """Where the tests run in a shell's background, Ctrl-C is ignored, and so it would be in all that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Tests that start a server or a process, kill one, or try hundreds of generated histories.
_SLOW_MODULES = {
    "test_answers",
    "test_completeness",
    "test_crashes",
    "test_doctor",
    "test_garbage",
    "test_guard",
    "test_installation",
    "test_histories",
    "test_network",
    "test_python",
}
_SLOW_FOLDERS = {"browser", "cli", "service", "simulator", "web"}
_SLOW_FIXTURES = {"elasticsearch", "secure_elasticsearch", "witnesses"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as `quick` what needs neither server nor process, so that a change can be tested in seconds."""
    for item in items:
        if not _is_slow(item):
            item.add_marker("quick")


def _is_slow(item: pytest.Item) -> bool:
    needs_server = not _SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) or "elastic" in item.nodeid
    in_slow_folder = item.path.parent.parent.name == "integration" and item.path.parent.name in _SLOW_FOLDERS
    return needs_server or in_slow_folder or item.path.stem in _SLOW_MODULES


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the golden documents anew")


_not_exercised: list[str] = []


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[Node]:
    """A real node without security, shared by all tests. They use prefixes of their own."""
    url = os.environ.get("ARCHIVER_TEST_ES_URL")
    if url:
        node = Node(url.rstrip("/"))
        assert node.is_healthy(), f"ARCHIVER_TEST_ES_URL is set, and nothing healthy answers on {url}"
        yield node
    else:
        yield from started_node(is_secure=False)


@pytest.fixture(scope="session")
def secure_elasticsearch() -> Iterator[Node]:
    """A real node that wants credentials."""
    yield from started_node(is_secure=True)


def started_node(*, is_secure: bool) -> Iterator[Node]:
    try:
        node = nodes.start(is_secure=is_secure)
    except nodes.NotAvailable as error:
        _not_exercised.append(str(error))
        if os.environ.get("ARCHIVER_TEST_REQUIRE_ES"):
            pytest.fail(f"Elasticsearch is required and can't be started: {error}")
        pytest.skip(f"no Elasticsearch: {error}")
    try:
        yield node
    finally:
        node.remove()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _not_exercised:
        terminalreporter.section("ELASTICSEARCH WAS NOT EXERCISED", sep="!", red=True, bold=True)
        terminalreporter.line("Tests of the Elasticsearch store were skipped. Why:")
        for reason in _not_exercised:
            terminalreporter.line(f"  {reason}")
        terminalreporter.line("Set ARCHIVER_TEST_ES_URL, or install Docker, or mvn with a JDK 21 or newer.")
