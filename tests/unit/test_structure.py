"""What the package's layout promises, where the import rules of pyproject.toml can't see it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TOP

PACKAGE = TOP / "archiver"
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
PURE = [path for path in MODULES if (ast.get_docstring(TREES[path]) or "").split("\n\n")[0].endswith("Pure.")]
IMPURE_MODULES = {
    "asyncio", "glob", "http", "httpx", "io", "logging", "multiprocessing", "os", "pathlib", "platform", "random",
    "secrets", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
    "uuid",
}  # fmt: skip
IMPURE_CALLS = {"now", "today", "utcnow", "open", "print", "input"}


def name_of(path: Path) -> str:
    return str(path.relative_to(TOP))


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every import, also of those for types only."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call):
            called = node.func
            yield called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def test_the_rules_are_many() -> None:
    assert len(PURE) > 15


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_a_module_that_says_it_is_pure_reads_no_clock_file_network_or_dice(path: Path) -> None:
    imported = {module.partition(".")[0] for module, _ in imports(path)}
    assert imported & IMPURE_MODULES == set()
    assert set(calls(path)) & IMPURE_CALLS == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_another_room_is_entered_by_its_door_also_where_a_name_is_needed_for_types_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0]
    past = [
        f"{module}.{name}"
        for module, name in imports(path)
        if module.startswith("archiver.")
        and (parts := module.split("."))[1] in ROOMS - {own}
        and (len(parts) > 2 or (PACKAGE / parts[1] / f"{name}.py").exists())
    ]
    assert past == []
