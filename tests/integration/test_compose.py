"""The compose file, loaded by the loader of Docker Compose itself; no container is started."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from archiver.config.options import OPTIONS
from tests.conftest import TOP

EXAMPLE = (TOP / ".env.example").read_text()


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("go"):
        pytest.skip("Docker Compose's loader is built with Go, which is not here")
    program = tmp_path_factory.mktemp("loader") / "load"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=TOP / "tests/compose", check=True)
    return program


def load(loader: Path, env: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [loader, TOP / "docker-compose.yml", env], capture_output=True, text=True, check=False, env={"PATH": "/bin"}
    )


@pytest.fixture(scope="module")
def project(loader: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    env = tmp_path_factory.mktemp("env") / ".env"
    env.write_text(re.sub(r"^(\w+)=$", r"\1=filled", EXAMPLE, flags=re.MULTILINE))
    loaded = load(loader, env)
    assert loaded.returncode == 0, loaded.stderr
    found: dict[str, Any] = json.loads(loaded.stdout)
    return found


def test_an_env_file_that_is_not_filled_in_is_refused(loader: Path) -> None:
    loaded = load(loader, TOP / ".env.example")
    assert loaded.returncode == 1
    assert "set it in .env" in loaded.stderr


def test_every_port_is_on_loopback(project: dict[str, Any]) -> None:
    ports = [port for service in project["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 2
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_the_archive_runs_with_few_rights_and_keys_from_files(project: dict[str, Any]) -> None:
    for name in ("archiver", "prepare"):
        service = project["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "ARCHIVER_STORE_API_KEY" not in service["environment"]
    assert project["services"]["archiver"]["environment"]["ARCHIVER_STORE_API_KEY_FILE"] == "/keys/harvest"


def test_every_setting_that_is_passed_exists(project: dict[str, Any]) -> None:
    known = {option.variable for option in OPTIONS.values()}
    for service in ("archiver", "prepare"):
        passed = project["services"][service]["environment"]
        assert {name.removesuffix("_FILE") for name in passed if name.startswith("ARCHIVER_")} <= known


def test_what_must_run_long_is_watched_and_limited(project: dict[str, Any]) -> None:
    for name in ("elasticsearch", "kibana", "archiver"):
        service = project["services"][name]
        assert service["restart"] == "unless-stopped"
        assert int(service["mem_limit"]) > 0
    for name in ("elasticsearch", "kibana"):
        assert project["services"][name]["healthcheck"]["test"]
