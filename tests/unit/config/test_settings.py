from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from archiver import errors
from archiver.config.options import OPTIONS
from archiver.config.secrets import Secret
from archiver.config.settings import load, profiles
from archiver.config.variables import known_variables
from archiver.errors import ArchiverError, ConfigError


def write(folder: Path, text: str, name: str = "archiver.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_flag_beats_the_environment_which_beats_files_which_beat_defaults(tmp_path: Path) -> None:
    near = write(tmp_path, 'account = "1"\nauth = "oauth2"\narchive = "near"', "near.toml")
    far = write(tmp_path, 'account = "2"\nstore = "far:"', "far.toml")
    settings = load({"archive": "flag"}, {"ARCHIVER_AUTH": "login"}, near, [far])
    found = {key: (str(item.value), item.origin) for key, item in settings.all.items() if item.value}
    assert found["archive"] == ("flag", "--archive")
    assert found["auth"] == ("login", "ARCHIVER_AUTH")
    assert found["account"] == ("1", str(near))
    assert found["store"] == ("far:", str(far))
    assert found["domain_url"][1] == "default"


TWO_BRANDS = """
rate = 1
[profiles.one]
account = "111"
client_id = "for one"
[profiles.two]
account = "222"
archive = "/data/{account}"
rate = 3
"""


def test_a_profile_has_its_own_settings_before_those_for_all(tmp_path: Path) -> None:
    path = write(tmp_path, TWO_BRANDS)
    one, two = (load({}, {}, path, [], name) for name in ("one", "two"))
    assert (one.account, one.rate, one.archive, one.store.prefix) == ("111", 1, Path("archive-one"), "archiver_one")
    assert (two.account, two.rate, two.archive, two.store.prefix) == ("222", 3, Path("/data/222"), "archiver_two")
    assert two.optional("client_id") is None
    assert profiles(path, []) == ["one", "two"]
    assert load({}, {"ARCHIVER_ARCHIVE": "there"}, path, [], "two").archive == Path("there")


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        (TWO_BRANDS, "on"), ("", "one"), ("profiles = 1", None), ("[profiles]\none = 1", None),
        ("[profiles.one]\nacount = '1'", None), ("[profiles.'A B']", None),
    ],
)  # fmt: skip
def test_a_profile_that_is_none_or_wrong_is_refused(tmp_path: Path, text: str, profile: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, {}, write(tmp_path, text), [], profile)
    assert caught.value.hint


def test_a_place_named_by_the_profile_needs_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a profile"):
        _ = load({}, {}, write(tmp_path, 'archive = "{profile}"'), []).archive


def test_an_unknown_setting_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, {}, write(tmp_path, 'acount = "1"'), [])
    assert "account" in str(caught.value.hint)


def test_a_secret_is_a_reference_in_a_file_and_never_shown(tmp_path: Path) -> None:
    token = tmp_path / "secret"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    for reference, environment in (
        ("file:secret", {}),
        ("env:MINE", {"MINE": "s3cret"}),
        ("systemd:secret", {"CREDENTIALS_DIRECTORY": str(tmp_path)}),
    ):
        settings = load({}, environment, write(tmp_path, f'client_secret = "{reference}"'), [])
        assert settings.secret("client_secret").reveal() == "s3cret"
        assert "s3cret" not in repr(settings)
    assert load({}, {"ARCHIVER_CLIENT_SECRET_FILE": str(token)}, None, []).secret("client_secret").reveal() == "s3cret"


def test_a_secret_itself_in_a_file_is_refused_without_repeating_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, {}, write(tmp_path, 'client_secret = "s3cret"'), [])
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "text", ["account = ", "account = true", "[account]\nx = 1", "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "archiver.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load({}, {}, path, [])
    assert str(path) in str(caught.value)


def test_what_is_missing_is_named_with_its_variable() -> None:
    settings = load({}, {}, None, [])
    with pytest.raises(ConfigError) as caught:
        settings.text("account")
    assert "ARCHIVER_ACCOUNT" in str(caught.value.hint)


def test_a_way_to_log_in_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        _ = load({}, {"ARCHIVER_AUTH": "oauth"}, None, []).auth
    assert "oauth2" in str(caught.value.hint)


def test_every_setting_has_a_meaning_and_a_variable() -> None:
    assert all(option.meaning and option.variable == f"ARCHIVER_{key.upper()}" for key, option in OPTIONS.items())


def test_secrets_are_masked_wherever_they_are_printed() -> None:
    assert f"{Secret('x')} {Secret('x')!r} {[Secret('x')]}" == "******** ******** [********]"


def test_the_tree_of_errors_is_as_it_is_drawn() -> None:
    drawn = {line.split()[-3]: line.split()[-2:] for line in str(errors.__doc__).splitlines() if line[-1:].isdigit()}
    classes = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ArchiverError)
    }
    assert {name: [kind.code, str(kind.exit_code)] for name, kind in classes.items()} == drawn
    codes = [kind.code for kind in classes.values()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_a_settings_file_may_begin_with_a_byte_order_mark(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / "archiver.toml"
    path.write_bytes(mark + 'archive = "Grüße"'.encode("utf-8" if mark == codecs.BOM_UTF8 else "utf-16-le"))
    assert load({}, {}, path, []).archive == Path("Grüße")


def test_a_usual_file_in_a_folder_that_may_not_be_looked_into_is_passed_over() -> None:
    class Closed(type(Path())):  # type: ignore[misc]
        def is_file(self) -> bool:
            raise PermissionError(13, "Permission denied", str(self))

    assert load({}, {}, None, [Closed("/home/somebody/archiver.toml")]).all["account"].origin == "default"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ARCHIVER_ACOUNT", "ARCHIVER_ACCOUNT"), ("ARCHIVER_CLIENT_SECRET_FIL", "ARCHIVER_CLIENT_SECRET_FILE"),
        ("Archiver_Store", "ARCHIVER_STORE"), ("ARCHIVER_CONFIGS", "ARCHIVER_CONFIG"),
        ("ARCHIVER_QQQQQQQQQQ", "Variables:"),
    ],
)  # fmt: skip
def test_a_misspelt_variable_is_named_with_the_nearest_one_but_not_its_value(name: str, near: str) -> None:
    (notice,) = load({}, {name: "s3cret", "ARCHIVER_ACCOUNT": "1", "ARCHIVERS": "x"}, None, []).notices
    assert f"variable {name} is not read" in notice
    assert near in notice
    assert "s3cret" not in notice


def test_variables_that_are_read_or_that_others_set_are_not_named(tmp_path: Path) -> None:
    path = write(tmp_path, 'client_secret = "env:ARCHIVER_MINE"')
    environment = dict.fromkeys((*known_variables(),), "") | {
        "ARCHIVER_MINE": "x", "ARCHIVER_SERVICE_HOST": "10.0.0.1", "ARCHIVER_PORT_9464_TCP_ADDR": "10.0.0.1",
        "ARCHIVER_PORT": "tcp://10.0.0.1:9464",
    }  # fmt: skip
    assert load({}, environment, path, []).notices == ()


def test_a_home_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load({"archive": "~nobody-of-that-name/archive"}, {}, None, [])
    with pytest.raises(ConfigError, match="no home"):
        _ = settings.archive


@pytest.mark.parametrize("server", ["store", "kibana"])
def test_a_user_and_password_in_a_url_are_taken_out_of_it(server: str) -> None:
    key = {"store": "store", "kibana": "kibana_url"}[server]
    settings = load({key: "https://me:s%40cret@host:9"}, {}, None, [])
    store = settings.store
    url, user, password = settings.kibana if server == "kibana" else (store.url, store.user, store.password)
    assert (url, user, password.reveal() if password else None) == ("https://host:9", "me", "s@cret")
