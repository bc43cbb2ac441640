"""Raw record in, documents out. After a wanted change: `pytest tests/golden --update`."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.jsontext import pretty
from archiver.model import Transcript
from archiver.query.fields import KEYWORDS, NUMBERS, passages
from archiver.transcript.projection import project

HERE = Path(__file__).parent
CASES = sorted(path.name.removesuffix(".raw.json") for path in HERE.glob("*.raw.json"))


def searchable(transcript: Transcript) -> object:
    return {
        "passages": [[passage.zone, passage.path, passage.text] for passage in passages(transcript)],
        "facts": {name: sorted(read(transcript)) for name, read in KEYWORDS.items()},
        "numbers": {name: read(transcript) for name, read in NUMBERS.items()},
    }


@pytest.mark.parametrize("case", CASES)
def test_a_record_becomes_the_documents_it_always_became(case: str, request: pytest.FixtureRequest) -> None:
    transcript = project((HERE / f"{case}.raw.json").read_bytes())
    made = pretty({"transcript": transcript, "searchable": searchable(transcript)}) + "\n"
    expected = HERE / f"{case}.documents.json"
    if request.config.getoption("--update"):
        expected.write_text(made, encoding="utf-8")
    assert made == expected.read_text(encoding="utf-8")


def test_there_are_cases() -> None:
    assert len(CASES) >= 3
