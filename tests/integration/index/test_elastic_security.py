"""Credentials, certificates, and what each API key may not do: on a node that wants credentials."""

from __future__ import annotations

import base64
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from archiver.archive.file import ArchiveFile
from archiver.config.secrets import Secret
from archiver.config.settings import StoreAddress, load
from archiver.errors import ConfigError, StoreDenied, StoreUnavailable
from archiver.index.build import catch_up, rebuild
from archiver.index.elastic.server import Server, connect
from archiver.index.elastic.store import ElasticStore
from archiver.index.results import Sort
from archiver.progress import Silent
from archiver.query.ast import Everything, Scope
from tests.conftest import NOW, TOP, record
from tests.faults import Reply, proxy
from tests.integration.index.test_elastic_faults import assert_whole, keep
from tests.nodes import PASSWORD, USER, Node

SETUP = TOP / "setup" / "setup.sh"
PREFIX = "guarded"


def set_up(node: Node, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "ES_URL": node.url, "ELASTIC_USER": USER, "ELASTIC_PASSWORD": PASSWORD, "KEYS": str(folder), "PREFIX": PREFIX,
        "PATH": "/usr/bin:/bin", "KIBANA_PASSWORD": "only-for-tests",
    }  # fmt: skip
    return subprocess.run(["bash", str(SETUP)], env=environment, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def keys(secure_elasticsearch: Node, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The API keys as the setup script makes them."""
    folder = tmp_path_factory.mktemp("keys")
    for attempt in range(3):
        ran = set_up(secure_elasticsearch, folder)
        assert ran.stdout.count("is there already") == (0, 5, 4)[attempt]
        if attempt == 1:
            (folder / "read").write_text("bm9ib2R5Om5vdGhpbmc=")  # of a cluster that is gone
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    return {path.name: path.read_text() for path in folder.iterdir()}


def server(node: Node, key: str) -> Server:
    return connect(StoreAddress(node.url, api_key=Secret(key)))


def store(node: Node, key: str) -> ElasticStore:
    return ElasticStore(server(node, key), PREFIX, "archive")


@pytest.fixture
def indexed(archive: ArchiveFile, secure_elasticsearch: Node, keys: dict[str, str]) -> Iterator[ArchiveFile]:
    """An archive with its indices: prepared by the key that manages, filled by the one that harvests."""
    manager = store(secure_elasticsearch, keys["manage"])
    manager.prepare()
    keep(archive, *(record(f"c{number}", NOW, "hello") for number in range(20)))
    catch_up(archive, store(secure_elasticsearch, keys["harvest"]), Silent())
    yield archive
    manager.drop()


def test_the_harvest_key_does_all_that_harvesting_needs(
    indexed: ArchiveFile, secure_elasticsearch: Node, keys: dict[str, str]
) -> None:
    harvesting = store(secure_elasticsearch, keys["harvest"])
    keep(indexed, *(record(f"c{number}", NOW, "changed") for number in range(0, 20, 2)))
    catch_up(indexed, harvesting, Silent())
    assert_whole(harvesting, indexed)
    assert harvesting.status().conversations == 20


def test_a_key_gets_the_rights_that_the_script_names_now(
    indexed: ArchiveFile, secure_elasticsearch: Node, tmp_path: Path
) -> None:
    set_up(secure_elasticsearch, tmp_path)
    key = (tmp_path / "read").read_text()
    id_, administrator = base64.b64decode(key).decode().partition(":")[0], (USER, PASSWORD)
    lesser = {"role_descriptors": {"read": {"cluster": ["monitor"]}}}
    url = f"{secure_elasticsearch.url}/_security/api_key/{id_}"
    assert httpx.put(url, json=lesser, auth=administrator).json() == {"updated": True}
    with pytest.raises(StoreDenied):
        store(secure_elasticsearch, key).count()
    set_up(secure_elasticsearch, tmp_path)
    assert store(secure_elasticsearch, key).count() == 20


def denied(node: Node, key: str, method: str, path: str, body: object = None) -> None:
    with pytest.raises(StoreDenied):
        server(node, key).ask(method, path, body)


def test_the_harvest_key_may_neither_delete_nor_manage_nor_leave_its_indices(
    indexed: ArchiveFile, secure_elasticsearch: Node, keys: dict[str, str]
) -> None:
    node, key = secure_elasticsearch, keys["harvest"]
    denied(node, key, "DELETE", f"/{PREFIX}-state-v1/_doc/position")
    denied(node, key, "DELETE", f"/{PREFIX}-messages-v1-2026.06")
    denied(node, key, "PUT", f"/{PREFIX}-messages/_settings", {"index.refresh_interval": "5s"})
    denied(node, key, "PUT", "/_index_template/other", {"index_patterns": ["other-*"]})
    denied(node, key, "POST", "/other/_doc", {"text": "x"})
    denied(node, key, "POST", "/_security/api_key", {"name": "more"})
    with pytest.raises(StoreDenied):
        rebuild(indexed, store(node, key), Silent())


def test_the_read_key_searches_and_may_write_nothing(
    indexed: ArchiveFile, secure_elasticsearch: Node, keys: dict[str, str]
) -> None:
    node, key = secure_elasticsearch, keys["read"]
    reading = store(node, key)
    assert reading.search(Everything(), scope=Scope.CONVERSATION, sort=Sort.NEWEST, limit=5).total == 20
    assert reading.position().seq == indexed.vault.head()
    assert reading.refused() == ()
    denied(node, key, "POST", f"/{PREFIX}-state-v1/_doc", {"kind": "x"})
    denied(node, key, "DELETE", f"/{PREFIX}-state-v1/_doc/position")
    denied(node, key, "DELETE", f"/{PREFIX}-messages-v1-2026.06")
    denied(node, key, "GET", "/other/_search")
    keep(indexed, record("c99", NOW, "newer"))
    with pytest.raises(StoreDenied):
        catch_up(indexed, store(node, key), Silent())


def test_the_erase_key_removes_documents_and_may_add_none(
    indexed: ArchiveFile, secure_elasticsearch: Node, keys: dict[str, str]
) -> None:
    node, key = secure_elasticsearch, keys["erase"]
    document = f"/{PREFIX}-metadata-v1-2026.06/_doc/12345678:c3"
    erasing = server(node, key)
    assert erasing.ask("GET", document)["_source"]["conversation_id"] == "c3"
    denied(node, key, "PUT", document, {"conversation_id": "c3"})
    denied(node, key, "DELETE", f"/{PREFIX}-metadata-v1-2026.06")
    assert erasing.ask("DELETE", document)["result"] == "deleted"


def test_no_wrong_or_withdrawn_credentials_get_in(secure_elasticsearch: Node, keys: dict[str, str]) -> None:
    for address in (
        StoreAddress(secure_elasticsearch.url),
        StoreAddress(secure_elasticsearch.url, api_key=Secret("bm9ib2R5Om5vdGhpbmc=")),
        StoreAddress(secure_elasticsearch.url, user=USER, password=Secret("wrong")),
    ):
        with pytest.raises(StoreDenied, match="refuses our credentials") as told:
            ElasticStore(connect(address), PREFIX, "archive").position()
        assert "nobody" not in str(told.value)
        assert "wrong" not in str(told.value)


def test_a_user_and_password_may_stand_in_settings_or_url(secure_elasticsearch: Node) -> None:
    host = secure_elasticsearch.url.removeprefix("http://")
    for environment in (
        {"ARCHIVER_STORE": f"http://{USER}:{PASSWORD}@{host}"},
        {"ARCHIVER_STORE": f"http://{host}", "ARCHIVER_STORE_USER": USER, "ARCHIVER_STORE_PASSWORD": PASSWORD},
    ):
        address = load({}, environment, None, ()).store
        assert PASSWORD not in repr(address)
        assert ElasticStore(connect(address), "nothing", "archive").position().seq == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    crt, key = folder / "ca.crt", folder / "ca.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(crt)]
    subprocess.run(command, check=True, capture_output=True)
    return crt, key


def test_a_certificate_must_be_of_an_authority_that_is_trusted(
    secure_elasticsearch: Node, certificate: tuple[Path, Path], keys: dict[str, str]
) -> None:
    crt, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    with proxy(secure_elasticsearch.url, lambda exchange: None, context) as plain:
        url = plain.replace("http:", "https:")
        login = {"user": USER, "password": Secret(PASSWORD)}
        with pytest.raises(ConfigError, match="not trusted"):
            ElasticStore(connect(StoreAddress(url, **login)), "nothing", "archive").position()
        assert ElasticStore(connect(StoreAddress(url, ca=crt, **login)), "nothing", "archive").position().seq == 0


@pytest.mark.parametrize(
    "url", ["http://elasticsearch.example:9200", "http://10.0.0.1:9200", "https://", "https://host:port"]
)
def test_an_address_that_cannot_be_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError):
        connect(StoreAddress(url))


def test_a_server_that_is_not_elasticsearch_is_told(secure_elasticsearch: Node) -> None:
    other = Reply(200, {}, b"{}")
    with (
        proxy(secure_elasticsearch.url, lambda exchange: other) as url,
        pytest.raises(ConfigError, match="not Elasticsearch"),
    ):
        ElasticStore(connect(StoreAddress(url)), "nothing", "archive").position()


def test_a_client_that_is_too_new_for_the_server_is_told_with_the_cure(secure_elasticsearch: Node) -> None:
    """As an Elasticsearch 8 answers a client of version 9."""
    body = (
        b'{"error":{"root_cause":[{"type":"media_type_header_exception","reason":"Invalid media-type value on headers'
        b' [Accept]"}],"type":"media_type_header_exception","reason":"x"},"status":400}'
    )
    headers = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}
    answer = Reply(400, headers, body)
    with proxy(secure_elasticsearch.url, lambda exchange: answer) as url, pytest.raises(ConfigError) as told:
        ElasticStore(connect(StoreAddress(url)), "nothing", "archive").position()
    assert "pip install 'elasticsearch" in str(told.value.hint)


def test_nobody_there_is_told(secure_elasticsearch: Node) -> None:
    lonely = connect(StoreAddress("http://127.0.0.1:9"), sleep=lambda seconds: None)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        ElasticStore(lonely, "nothing", "archive").position()
