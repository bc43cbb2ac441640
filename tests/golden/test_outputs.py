"""Every JSON output, held field by field. After a wanted change: `pytest tests/golden --update`.

The clock stands still, so that times are compared like everything else. Only what `VOLATILE` names is replaced.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archiver import __version__
from archiver.access import system_user
from archiver.app import Archive
from tests import schemas
from tests.conftest import NOW
from tests.golden.desk import CASES, Desk
from tests.golden.filled import filled_archive

Golden = dict[str, list[Any]]
OUTPUTS = Path(__file__).parent / "outputs"

# What is another each time, and the word that stands for it.
VOLATILE = (
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r'"(head|head_link)": "(\d+):[0-9a-f]{64}"', r'"\1": "\2:LINK"'),
    (r'"(@timestamp|expires_at)": "[^"]+"', r'"\1": "TIME"'),
    (r'"index_root": "(\d+):[0-9a-f]{64}"', r'"index_root": "\1:LINK"'),
    (r'"(archiver|transcripts|words)": "[^"]*"', r'"\1": "VERSION"'),
    (r'"id": "[0-9a-f]{32}(-\d+)?"', r'"id": "ARCHIVE\1"'),
    (r'"(sha256|ids_sha256)": "[0-9a-f]{64}"', r'"\1": "SHA-256"'),
    (r'"hash": "[0-9a-f]{64}"', '"hash": "HASH"'),
    (rf'"{re.escape(system_user())}"', '"USER"'),
    (r'"link": "[0-9a-f]{64}"', '"link": "LINK"'),
    (r"fields\d+-tokens\d+-transcript\d+", "INDEX-VERSION"),
    (rf'"version": "{re.escape(__version__)}"', '"version": "VERSION"'),
    (r'"(bytes\w*)": \d{4,}', r'"\1": "SIZE"'),
    (r"\b\d+ ms\b", "N ms"),
    (r"\b\d+ s (ahead of|behind) LivePerson's", "N s behind LivePerson's"),
    (r'"(\w*secret|access_token|password)": "[\w-]{10,}"', r'"\1": "RANDOM"'),
    (r'"anchor_ms": \d+', '"anchor_ms": "NOW"'),
)

# Properties that no golden output fills, with the reason.
NEVER_FILLED = {
    "archiver.case/1": {
        "counts.unreadable": "a query finds no record that can't be read; an export of everything does",
        "worth.behind": "an export brings the index up to date first",
        "worth.coverage.proven_days": "no whole day is proven in this archive",
    },
    "archiver.certificate/1": {
        "examined.proven_days": "no whole day is proven in this archive",
        "not_searched.behind": "a certificate brings the index up to date first",
        "question.behind": "the same",
        "question.coverage.proven_days": "no whole day is proven in this archive",
    },
    "archiver.search/2": {
        "behind": "a search brings the index up to date first",
        "complete": "the archive of these tests holds a record that no index can hold",
        "items[].unreadable": "only when this program fails at a record that it indexed before",
    },
    "archiver.histogram/1": {
        "behind": "a search brings the index up to date first",
        "elsewhere": "each conversation here has a time; others are in the tests of counting",
    },
    "archiver.message/1": {
        "is_deleted": "LivePerson keeps the place of every message here; others are in the tests of exports",
    },
    "archiver.terms/1": {
        "behind": "a search brings the index up to date first",
        "coverage.proven_days": "no whole day is proven in this archive",
    },
    "archiver.transcript/1": {
        "metadata.agents[].email": "LivePerson says this of customers only",
        "metadata.agents[].phone": "LivePerson says this of customers only",
        "metadata.consumers[].login": "LivePerson says this of agents only",
        "metadata.consumers[].group": "LivePerson says this of agents only",
    },
    "archiver.upgrade/1": {
        "compressed": "a dictionary is trained from more records than this archive has; see the tests of upgrades",
        "is_trained": "likewise",
    },
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    filled_archive(tmp_path / "archive").close()
    monkeypatch.setattr("archiver.cli.context.Archive", partial(Archive, clock=lambda: NOW))
    monkeypatch.setattr("archiver.doctor.shutil.disk_usage", lambda path: SimpleNamespace(free=9 * 10**11))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, monkeypatch)


def steady(value: Any, folder: Path) -> str:
    """An output as text, with fixed words for what is another each time."""
    text = json.dumps(value, indent=2, ensure_ascii=False).replace(str(folder), "FOLDER") + "\n"
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return text


@pytest.mark.parametrize("case", CASES)
def test_an_output_is_what_it_always_was(case: str, desk: Desk, request: pytest.FixtureRequest) -> None:
    made = steady(schemas.checked(CASES[case](desk)), desk.folder)
    expected = OUTPUTS / f"{case}.json"
    if request.config.getoption("--update"):
        expected.write_text(made, encoding="utf-8")
    assert made == expected.read_text(encoding="utf-8")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden outputs by the names of their schemas."""
    if request.config.getoption("--update"):
        pytest.skip("they are written anew")
    found: Golden = {name: [] for name in schemas.NAMES}
    for case in CASES:
        output = json.loads((OUTPUTS / f"{case}.json").read_text(encoding="utf-8"))
        found[schemas.name_of(output)].append(output)
    return found


def test_there_is_a_golden_output_of_each_schema_and_no_other_file(golden: Golden) -> None:
    assert [name for name, outputs in golden.items() if not outputs] == []
    assert {path.stem for path in OUTPUTS.glob("*.json")} == set(CASES)


@pytest.mark.parametrize("name", schemas.NAMES)
def test_every_property_says_something_in_a_golden_output(name: str, golden: Golden) -> None:
    """So that one that is gone, blanked or inverted is noticed, and a schema can only grow."""
    said = {path for output in golden[name] for path, value in schemas.values(name, output) if value}
    assert schemas.properties(name).keys() - said == NEVER_FILLED.get(name, {}).keys()


@pytest.mark.parametrize("name", schemas.NAMES)
def test_what_is_not_always_there_is_missing_in_a_golden_output(name: str, golden: Golden) -> None:
    """Else the schema would have to require it."""
    said = [pair for output in golden[name] for pair in schemas.values(name, output)]
    assert schemas.optional(name) == {path for path, value in said if value is schemas.ABSENT}
