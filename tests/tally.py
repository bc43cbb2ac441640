"""A plugin of pytest that counts what tests inject, for `tests.reliability`: it prints one line at the end."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

_EXAMPLES = re.compile(r"([\d,]+) passing, [\d,]+ failing")
_outcomes: Counter[str] = Counter()
_cases: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed or report.skipped or report.when == "call":
        _outcomes[report.outcome] += 1


def pytest_runtest_teardown(item: Any) -> None:
    """The examples of a property, what a test notes as `injected`, or one case."""
    noted = dict(item.user_properties).get("injected")
    examples = _EXAMPLES.findall(str(getattr(item, "hypothesis_statistics", "")))
    _cases["cases"] += int(noted or sum(int(count.replace(",", "")) for count in examples) or 1)


def pytest_unconfigure() -> None:
    print(f"\ntally {_cases['cases']} {_outcomes['failed']} {_outcomes['skipped']}")
