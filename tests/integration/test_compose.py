"""The compose file, loaded by the loader of Docker Compose itself, and its commands run as processes. No container is
started.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from archiver.config.options import OPTIONS
from archiver.config.secrets import Secret
from archiver.config.settings import StoreAddress
from archiver.index.elastic.server import connect
from tests.conftest import TOP
from tests.nodes import PASSWORD, USER, Node, free_port, install_tool
from tests.services import get, health, simulated, until

EXAMPLE = (TOP / ".env.example").read_text()
Project = dict[str, Any]
LONG_RUNNING, ONE_SHOT = ("elasticsearch", "kibana", "archiver"), ("secrets", "setup", "prepare", "dashboards")
ELASTIC_UID, ARCHIVER_UID = 1000, 10001


def built(package: str, folder: Path) -> Path:
    if not shutil.which("go"):
        pytest.skip("Docker Compose's loader is built with Go, which is not here")
    program = folder / "program"
    subprocess.run(["go", "build", "-o", str(program), package], cwd=TOP / "tests/compose", check=True)
    return program


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(".", tmp_path_factory.mktemp("loader"))


def load(loader: Path, env: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [loader, TOP / "docker-compose.yml", env], capture_output=True, text=True, check=False, env={"PATH": "/bin"}
    )


@pytest.fixture(scope="module")
def project(loader: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    env = tmp_path_factory.mktemp("env") / ".env"
    env.write_text(re.sub(r"^(\w+)=$", r"\1=filled", EXAMPLE, flags=re.MULTILINE))
    loaded = load(loader, env)
    assert loaded.returncode == 0, loaded.stderr
    found: Project = json.loads(loaded.stdout)
    return found


def test_an_env_file_that_is_not_filled_in_is_refused(loader: Path) -> None:
    loaded = load(loader, TOP / ".env.example")
    assert loaded.returncode == 1
    assert "set it in .env" in loaded.stderr


def mounts(project: Project, service: str) -> dict[str, dict[str, Any]]:
    """The mounts of a service, by the names of their volumes."""
    return {item["source"]: item for item in project["services"][service].get("volumes", ())}


def test_every_port_is_on_loopback_and_health_has_one(project: Project) -> None:
    ports = {name: service.get("ports", ()) for name, service in project["services"].items()}
    assert {name: [port["target"] for port in found] for name, found in ports.items() if found} == {
        "elasticsearch": [9200], "kibana": [5601], "archiver": [8765]
    }  # fmt: skip
    assert {port["host_ip"] for found in ports.values() for port in found} == {"127.0.0.1"}


def test_the_harvest_waits_for_neither_the_index_nor_kibana(project: Project) -> None:
    """So that neither an unhealthy Kibana nor a changed mapping stops it."""
    assert set(project["services"]["archiver"]["depends_on"]) == {"setup"}
    assert set(project["services"]["prepare"]["depends_on"]) == {"setup"}
    assert set(project["services"]["dashboards"]["depends_on"]) == {"kibana"}


def test_no_secret_is_in_a_setting_or_a_command(project: Project) -> None:
    for name, service in project["services"].items():
        for variable, value in (service.get("environment") or {}).items():
            is_secret = re.search("PASSWORD|SECRET|KEY", variable) and variable not in ("SECRETS", "KEYS", "KEYS_OWNER")
            is_file = variable.endswith("_FILE") or variable in ("SERVER_SSL_KEY", "xpack.security.http.ssl.key")
            assert is_file or not is_secret, (name, variable)
            assert not is_secret or str(value).startswith(("/", "config/", "certificates/")), (name, variable)


def test_each_service_sees_its_own_secrets_only_and_can_change_none(project: Project) -> None:
    seen = {
        "elasticsearch": {"certificate-elasticsearch", "secret-elasticsearch"},
        "kibana": {"certificate-kibana", "secret-kibana"},
        "archiver": {"ca", "key-harvest", "secret-liveperson"},
        "prepare": {"ca", "key-manage"},
        "dashboards": {"ca", "key-kibana"},
    }
    for name, expected in seen.items():
        found = mounts(project, name)
        private = {source for source in found if re.match("ca$|key|secret|certificate|authority", source)}
        assert private == expected
        assert all(found[source].get("read_only") for source in private), name
    holders = [name for name in project["services"] if "authority" in mounts(project, name)]
    assert holders == ["secrets"]  # the authority's key


def test_the_archive_runs_with_few_rights(project: Project) -> None:
    for name in ("archiver", "prepare", "dashboards"):
        service = project["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert project["services"]["archiver"]["hostname"] == "archiver"


def test_every_setting_that_is_passed_exists(project: Project) -> None:
    known = {option.variable for option in OPTIONS.values()}
    for service in ("archiver", "prepare", "dashboards"):
        passed = project["services"][service]["environment"]
        assert {name.removesuffix("_FILE") for name in passed if name.startswith("ARCHIVER_")} <= known


def test_what_must_run_long_is_watched_and_limited_and_all_logs_are_bounded(project: Project) -> None:
    assert set(project["services"]) == {*LONG_RUNNING, *ONE_SHOT}
    for name in LONG_RUNNING:
        service = project["services"][name]
        assert service["restart"] == "unless-stopped"
        assert int(service["mem_limit"]) > 0
        assert service["healthcheck"]["test"]
    for service in project["services"].values():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


def test_every_image_has_a_version(project: Project) -> None:
    images = {service["image"] for service in project["services"].values()} - {"archiver:local"}
    lines = (TOP / "Dockerfile").read_text().splitlines()
    images |= {line.split()[1] for line in lines if line.startswith("FROM")}
    assert len(images) == 3
    assert [image for image in images if not re.search(r":\d+\.\d+\.\d+(-|$)", image)] == []
    assert re.search(r"pip install .*uv==\d", "\n".join(lines))


def test_only_what_the_image_needs_is_sent_to_its_build() -> None:
    """Patterns of .dockerignore: everything is left out, then what the Dockerfile copies is taken in."""
    first, *others = [line for line in (TOP / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert first == "*"
    taken = {line.removeprefix("!") for line in others if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.+)$", (TOP / "Dockerfile").read_text(), re.MULTILINE)
    assert taken == {source for line in copies for source in line.split()[:-1]}
    assert all((TOP / name).exists() for name in taken)


# ── the commands, as processes ──


def script(name: str, **environment: str) -> None:
    command = ["bash", str(TOP / "setup" / name)]
    environment = {"PATH": os.environ["PATH"], **environment}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def folder_of_secrets(place: Path) -> Path:
    for name in ("elasticsearch", "kibana", "liveperson"):
        (place / "secrets" / name).mkdir(parents=True)
    (place / "client_secret").write_text("first")
    return place / "secrets"


@pytest.mark.skipif(os.geteuid() != 0, reason="the script gives files to the users of the images, as root")
def test_secrets_are_made_once_and_each_is_its_user_s_alone(tmp_path: Path) -> None:
    secrets = folder_of_secrets(tmp_path)
    script("secrets.sh", SECRETS=str(secrets), CLIENT_SECRET=str(tmp_path / "client_secret"))
    made = {path.name: path for path in secrets.rglob("*") if path.is_file()}
    assert len(made) == 6
    for name, path in made.items():
        owner = ARCHIVER_UID if name == "client_secret" else ELASTIC_UID
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (owner, 0o400)
        assert name == "client_secret" or re.fullmatch("[0-9a-f]{64}", path.read_text())
    before = {name: path.read_text() for name, path in made.items()}
    assert len(set(before.values())) == 6
    (tmp_path / "client_secret").write_text("second")
    script("secrets.sh", SECRETS=str(secrets), CLIENT_SECRET=str(tmp_path / "client_secret"))
    assert {name: path.read_text() for name, path in made.items()} == {**before, "client_secret": "second"}
    program = tmp_path / "kibana"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\n")
    program.chmod(0o755)
    script("kibana.sh", SECRETS=str(secrets / "kibana"), KIBANA=str(program))
    lines = (tmp_path / "environment").read_text().splitlines()
    assert f"ELASTICSEARCH_PASSWORD={before['kibana_password']}" in lines
    assert sum(f"={before[name]}" in line for line in lines for name in before if "key" in name) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="the script gives files to root, as root")
def test_certificates_are_made_once_by_elasticsearch_s_own_tool(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    install_tool("certutil", "modules/x-pack-core,modules/x-pack-security,lib/tools/security-cli", tools)
    place = tmp_path / "certificates"
    for name in ("ca", "elasticsearch", "kibana"):
        (place / name).mkdir(parents=True)
    found = []
    for _ in range(2):
        script("certificates.sh", CERTIFICATES=str(place), PATH=f"{tools}:{os.environ['PATH']}")
        made = {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}
        assert set(made) == {
            "ca.key", "ca/ca.crt", "elasticsearch/ca.crt", "elasticsearch/elasticsearch.crt",
            "elasticsearch/elasticsearch.key", "kibana/ca.crt", "kibana/kibana.crt", "kibana/kibana.key",
        }  # fmt: skip
        found.append(made)
    assert found[0] == found[1]
    for name in ("elasticsearch", "kibana"):
        command = ["openssl", "verify", "-CAfile", place / "ca/ca.crt", "-verify_hostname", "localhost"]
        subprocess.run([*command, place / name / f"{name}.crt"], check=True, capture_output=True)


@contextmanager
def https_server(program: Path, status: int, certificate: Path) -> Iterator[str]:
    command = [str(program), str(status), str(certificate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("")


@pytest.mark.parametrize(("status", "is_healthy"), [(302, True), (200, False), (503, False)])
@pytest.mark.parametrize("protocol", ["--http2", "--http1.1"])
def test_kibana_is_healthy_once_it_redirects_by_whatever_protocol(
    project: Project, tmp_path: Path, status: int, is_healthy: bool, protocol: str
) -> None:
    kind, test = project["services"]["kibana"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    (tmp_path / "config/certificates").mkdir(parents=True)
    program = built("./h2", tmp_path)
    with https_server(program, status, tmp_path / "config/certificates/ca.crt") as address:
        words = test.replace("$$", "$").replace("localhost:5601", f"localhost:{address.rpartition(':')[2]}")
        words = words.replace("curl ", f"curl {protocol} ")
        ran = subprocess.run(["sh", "-c", words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode == 0) is is_healthy, ran.stderr


@dataclass
class Composed:
    """Runs commands of the compose file as processes here: with its settings, but other places and a free port."""

    project: Project
    folder: Path
    account: dict[str, str]
    store: str
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, service: str) -> subprocess.Popen[bytes]:
        given = {"5m": "1s", "0.0.0.0:8765": f"0.0.0.0:{self.port}"}
        command = [given.get(word, word) for word in self.project["services"][service]["command"]]
        return subprocess.Popen([sys.executable, "-m", "archiver", *command], env=self._environment(service))

    def said(self, service: str, *words: str) -> str:
        """What another command in the container of a service prints."""
        program = [sys.executable, "-m", "archiver", *words]
        environment = self._environment(service)
        return subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    def _environment(self, service: str) -> dict[str, str]:
        given = {name: str(value) for name, value in self.project["services"][service]["environment"].items() if value}
        key = next(source for source in mounts(self.project, service) if source.startswith("key-"))
        places = {"/keys": f"{self.folder}/keys/{key.removeprefix('key-')}", "/secrets": str(self.folder)}
        for inside, outside in {**places, "/data": str(self.folder)}.items():
            given = {name: value.replace(inside, outside) for name, value in given.items()}
        shown = {name: value for name, value in self.account.items() if not name.endswith("SECRET")}
        here = {"ARCHIVER_STORE": self.store, "ARCHIVER_STORE_PREFIX": "composed", "ARCHIVER_STORE_CA": ""}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **given, **shown, **here}

    @contextmanager
    def running(self, service: str) -> Iterator[None]:
        process = self.start(service)
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0


@pytest.fixture
def composed(project: Project, secure_elasticsearch: Node, tmp_path: Path) -> Iterator[Composed]:
    """With the keys that the setup script makes."""
    for name in ("manage", "harvest"):
        (tmp_path / "keys" / name).mkdir(parents=True)
    (tmp_path / "password").write_text(PASSWORD)
    script(
        "setup.sh", ES_URL=secure_elasticsearch.url, ELASTIC_USER=USER, KEYS=str(tmp_path / "keys"), PREFIX="composed",
        ELASTIC_PASSWORD_FILE=str(tmp_path / "password"),
    )  # fmt: skip
    with simulated() as account:
        (tmp_path / "client_secret").write_text(account["ARCHIVER_CLIENT_SECRET"])
        (tmp_path / "client_secret").chmod(0o400)
        yield Composed(project, tmp_path, account, secure_elasticsearch.url)


def is_up(url: str) -> bool:
    try:
        return bool(get(url))
    except OSError:
        return False


def test_the_commands_do_their_work_with_the_keys_they_are_given_also_after_a_change_of_the_mapping(
    composed: Composed, project: Project
) -> None:
    assert composed.start("prepare").wait(60) == 0
    with composed.running("archiver"):
        until(lambda: is_up(composed.url) and get(f"{composed.url}/readyz")[0] == 200)
        _, _, _, check = project["services"]["archiver"]["healthcheck"]["test"]
        words = [sys.executable, "-c", check.replace("8765", str(composed.port))]
        assert subprocess.run(words, check=False).returncode == 0
        assert 'archiver_index_up{account="' in get(f"{composed.url}/metrics")[1]
        token = composed.said("archiver", "access", "add", "mara", "--role", "compliance")
        asked = urllib.request.Request(f"{composed.url}/api/v1/search", headers={"Authorization": f"Bearer {token}"})

        def found() -> bool:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return bool(json.load(answer)["total"])

        until(found)  # the harvest's own thread indexes, a few seconds later
        assert get(f"{composed.url}/api/v1/search")[0] == 401
    pretend_older_mapping(composed.store)
    with composed.running("archiver"):
        until(lambda: is_up(composed.url) and health(composed.url)[1]["index"]["error"] is not None)
        before = health(composed.url)[1]["up_to_date_at"]
        until(lambda: health(composed.url)[1]["up_to_date_at"] > before)  # it harvests nevertheless
        assert composed.start("prepare").wait(120) == 0
    with composed.running("archiver"):
        until(lambda: is_up(composed.url) and get(f"{composed.url}/readyz")[0] == 200)


def pretend_older_mapping(url: str) -> None:
    """As if another version of the program had made the index."""
    server = connect(StoreAddress(url, user=USER, password=Secret(PASSWORD)))
    path = "/composed-state-v1/_doc/position"
    position = server.ask("GET", path)
    server.ask("PUT", path, {**position["_source"], "shape": "older"}, {
        "version": position["_version"], "version_type": "external_gte"
    })  # fmt: skip
    server.close()
