"""Files that hold a secret: only their owner may read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.config.secrets import secret_file
from archiver.config.settings import load
from archiver.errors import ConfigError

OWNER, GROUP, OTHERS = 0o400, 0o040, 0o004


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "secret"
    made.write_text("s3cret\n")
    return made


@pytest.mark.parametrize("readers", [GROUP, OTHERS, GROUP | OTHERS])
@pytest.mark.parametrize("more", [0, 0o200, 0o033, 0o300])
def test_a_secret_file_that_anybody_else_may_read_is_refused_without_its_secret(
    path: Path, readers: int, more: int
) -> None:
    path.chmod(OWNER | readers | more)
    with pytest.raises(ConfigError, match="can be read by others") as caught:
        secret_file(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint == f"Run: chmod 600 {path}"
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_secret_file_that_only_its_owner_may_read_is_taken(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert secret_file(path) == "s3cret"


@pytest.mark.parametrize("way", ["file:secret", "systemd:secret", "ARCHIVER_CLIENT_SECRET_FILE"])
def test_every_way_to_name_a_secret_file_refuses_one_that_others_may_read(path: Path, way: str) -> None:
    settings = path.parent / "archiver.toml"
    settings.write_text(f'client_secret = "{way}"' if ":" in way else "")
    environment = {"CREDENTIALS_DIRECTORY": str(path.parent)} | ({} if ":" in way else {way: str(path)})
    for mode in (0o604,) if way.startswith("systemd") else (0o640, 0o604):
        path.chmod(mode)
        with pytest.raises(ConfigError, match="can be read by others"):
            load({}, environment, settings, []).secret("client_secret").reveal()
    path.chmod(0o440 if way.startswith("systemd") else 0o600)  # as systemd shows an ACL for the service's user
    assert load({}, environment, settings, []).secret("client_secret").reveal() == "s3cret"


@pytest.mark.parametrize("way", ["env:NOT_SET", "file:not-there", "systemd:not-there"])
def test_a_secret_that_is_not_there_is_missed_only_where_it_is_needed(tmp_path: Path, way: str) -> None:
    written = tmp_path / "archiver.toml"
    written.write_text(f'archive = "kept"\nclient_secret = "{way}"')
    settings = load({}, {}, written, [])
    assert settings.archive == Path("kept")
    with pytest.raises(ConfigError):
        settings.secret("client_secret").reveal()
