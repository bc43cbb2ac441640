"""The conformance corpus: records, queries and what each query finds, for any engine to be run against.

`python -m tests.conformance` writes `tests/conformance.json` anew. What a query finds is read by `tests.scan`, which
shares no code with the program. The file holds `now`, to which relative dates refer; `conversations`, each a list of
the raw records that LivePerson showed one after another; and `queries`, each with what it finds in either scope: ids of
conversations, and pairs of the ids of a conversation and a message.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.archives import Versions, queries, raw_records
from tests.conftest import NOW
from tests.scan import Scan

FILE = Path(__file__).with_suffix(".json")
CONVERSATIONS, QUERIES = 40, 500


def made(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """So many different values of a strategy, always the same ones."""
    found: dict[str, Any] = {}

    @settings(
        max_examples=4 * count, derandomize=True, database=None, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(value: Any) -> None:
        found.setdefault(repr(value), value)

    collect()
    return list(found.values())[:count]


def conversations() -> list[Versions]:
    """Conversations with up to three versions each."""
    choices = [made(st.lists(raw_records(at), min_size=1 + at % 3, max_size=3), 40) for at in range(CONVERSATIONS)]
    return [max(choice, key=lambda versions: len(repr(versions))) for choice in choices]


def corpus() -> dict[str, Any]:
    """The content of the file."""
    versions = conversations()
    scans = [Scan(each) for each in versions]
    return {
        "now": NOW.isoformat(),
        "conversations": [[json.loads(raw) for raw in each] for each in versions],
        "queries": [_answered(text, tree, scans) for text, tree in made(queries(3), QUERIES)],
    }


def _answered(text: str, tree: Any, scans: list[Scan]) -> dict[str, Any]:
    found = {
        scope: sorted(set().union(*(scan.ids(tree, scope) for scan in scans))) for scope in ("conversation", "message")
    }
    return {"query": text, "conversations": [id_ for id_, _ in found["conversation"]], "messages": found["message"]}


def main() -> None:
    """Writes the file."""
    made_anew = corpus()
    lines = [f'"now": {json.dumps(made_anew["now"])}']
    for name in ("conversations", "queries"):
        items = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in made_anew[name])
        lines.append(f'"{name}": [\n{items}\n]')
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
