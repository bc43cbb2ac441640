"""Raw record in, documents out. After an intended change raise `transcript.VERSION` and run with `--update`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from archiver.jsontext import decode, pretty
from archiver.model import Transcript
from archiver.query.fields import KEYWORDS, NUMBERS, passages
from archiver.transcript.projection import VERSION, project

HERE = Path(__file__).parent
CASES = sorted(path.name.removesuffix(".raw.json") for path in HERE.glob("*.raw.json"))
RECORDED = HERE / "version.json"


def searchable(transcript: Transcript) -> object:
    return {
        "passages": [[passage.zone, passage.path, passage.text] for passage in passages(transcript)],
        "keywords": {name: sorted(read(transcript)) for name, read in KEYWORDS.items()},
        "numbers": {name: read(transcript) for name, read in NUMBERS.items()},
    }


def documents(case: str) -> str:
    transcript = project((HERE / f"{case}.raw.json").read_bytes())
    return pretty({"transcript": transcript, "searchable": searchable(transcript)}) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_a_record_becomes_the_documents_it_always_became(case: str, request: pytest.FixtureRequest) -> None:
    expected = HERE / f"{case}.documents.json"
    if request.config.getoption("--update"):
        expected.write_text(documents(case), encoding="utf-8")
    assert documents(case) == expected.read_text(encoding="utf-8")


def test_documents_that_change_come_with_another_version_of_the_projection(request: pytest.FixtureRequest) -> None:
    digest = hashlib.sha256("".join(map(documents, CASES)).encode()).hexdigest()
    recorded = decode(RECORDED.read_bytes())
    changed, version = digest != recorded["sha256"], recorded["version"]
    assert not changed or version != VERSION, "documents changed: raise VERSION in archiver/transcript/projection.py"
    if request.config.getoption("--update"):
        RECORDED.write_text(pretty({"version": VERSION, "sha256": digest}) + "\n", encoding="utf-8")
        return
    assert (version, changed) == (VERSION, False)


def test_there_are_cases() -> None:
    assert len(CASES) >= 3
