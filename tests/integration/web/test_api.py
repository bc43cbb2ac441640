"""The REST interface: its documents, its description, and requests of every kind against that."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from archiver.archive import make_archive
from archiver.liveperson.answers import read_record
from archiver.web.operations import OPERATIONS
from tests import schemas
from tests.conftest import ACCOUNT, NOW, TOP, examples, record
from tests.golden.filled import FULL_ID, filled_archive
from tests.pages import page_of

DOCUMENTS = (
    "search?q=refund&facet=skill&facet=month&context=2", "search?scope=message&limit=1", "messages?q=refund",
    "facets?facet=agent", "histogram?q=refund&interval=month", f"conversations/{FULL_ID}", "coverage?from=30d",
    f"conversations/{FULL_ID}/history", "changes?since=2&limit=3", "status",
)  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("api") / "archive"
    filled_archive(folder).close()
    with page_of(folder) as found:
        yield f"{found}/api/v1"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_each_document_has_its_published_schema(url: str, path: str) -> None:
    answer = httpx.get(f"{url}/{path}")
    assert answer.status_code == 200, answer.text
    schemas.checked(answer.json())


def test_the_record_is_what_liveperson_sent(url: str) -> None:
    answer = httpx.get(f"{url}/conversations/{FULL_ID}/raw")
    assert answer.json()["info"]["conversationId"] == FULL_ID


def test_hits_follow_one_another_until_each_was_given_once(url: str) -> None:
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = httpx.get(f"{url}/search", params={"limit": 2} | ({"after": after} if after else {})).json()
        seen += [item["conversation_id"] for item in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == page["total"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("search?q=skil:x", 400, "query"), ("search?limit=0", 400, "config"), ("search?limit=1001", 400, "config"),
        ("search?limit=١", 400, "config"), ("search?sort=upwards", 400, "config"), ("search?nonsense=1", 400, "config"),
        ("search?after=x", 400, "config"), ("conversations/nobody", 404, "absent"), ("nothing", 404, "absent"),
        ("coverage?from=soon", 400, "config"), ("coverage?from=2026-02&to=2026-01", 400, "config"),
        ("changes?since=-1", 400, "config"), (f"conversations/{FULL_ID}?x=1", 400, "config"),
        ("messages?sort=mcs", 400, "config"), ("search?sort=relevance&after=x", 400, "config"),
    ],
)  # fmt: skip
def test_what_can_not_be_answered_is_a_problem_that_says_what_to_do(
    url: str, path: str, status: int, code: str
) -> None:
    answer = httpx.get(f"{url}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    content = answer.json()
    assert (content["status"], content["code"]) == (status, code)
    assert content["detail"]
    assert content["hint"]


def test_a_conversation_has_an_etag_that_changes_with_every_version(tmp_path: Path) -> None:
    def keep(text: str) -> None:
        with make_archive(tmp_path / "archive", ACCOUNT) as archive:
            archive.keep([read_record(record("c", NOW - timedelta(days=1), text))], (), NOW)  # type: ignore[list-item]

    keep("hello")
    with page_of(tmp_path / "archive") as url:
        address = f"{url}/api/v1/conversations/c"
        tag = httpx.get(address).headers["etag"]
        unchanged = httpx.get(address, headers={"If-None-Match": tag})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        keep("hello again")
        changed = httpx.get(address, headers={"If-None-Match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag


def test_another_system_can_follow_every_change(tmp_path: Path) -> None:
    folder, seen = tmp_path / "archive", list[str]()
    with make_archive(folder, ACCOUNT) as archive, page_of(folder) as url:
        since = 0
        for number in range(5):
            raws = [record(f"c{number}-{part}", NOW, "hello") for part in range(3)]
            archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]
            for _ in range(3):
                page = httpx.get(f"{url}/api/v1/changes?since={since}&limit=2").json()
                seen += [item["conversation_id"] for item in page["items"]]
                since = page["next"]
    assert seen == [f"c{number}-{part}" for number in range(5) for part in range(3)]


def test_requests_of_every_kind_are_answered_as_the_description_says(url: str) -> None:
    description = schemathesis.openapi.from_url(f"{url}/openapi.json")
    description.config.base_url = url
    checks = [not_a_server_error, status_code_conformance, content_type_conformance]
    operations = [result.ok() for result in description.get_all_operations()]
    assert len(operations) == len(OPERATIONS)
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
        def ask(case: schemathesis.Case) -> None:
            answer = case.call_and_validate(checks=checks)
            if answer.status_code == 200 and "/raw" not in case.operation.path:
                schemas.checked(answer.json())  # schemathesis does not know prefixItems

        ask()


def test_the_examples_of_the_documentation_run(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (TOP / "docs" / "api.md").read_text(encoding="utf-8")
    here = url.removesuffix("/api/v1")
    (program,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    exec(compile(program.replace("http://127.0.0.1:8765", here), "docs/api.md", "exec"), {})
    assert "refund" in capsys.readouterr().out
    (commands,) = re.findall(r"```sh\n(.+?)```", text, re.DOTALL)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("http://127.0.0.1:8765", here)], cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "archiver.changes/1" in done.stdout
    described = text.split("## Operations")[1]
    assert [item.path for item in OPERATIONS if f"`{item.path}`" not in described] == []
