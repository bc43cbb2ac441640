"""Which addresses of servers are used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.config.urls import server_url, shown_url, split_login
from archiver.errors import ConfigError


@pytest.mark.parametrize("port", ["", ":80", ":443", ":9200"])
@pytest.mark.parametrize("host", ["search.example", "localhost.example", "10.0.0.1", "[2001:db8::1]"])
def test_plain_http_to_another_machine_is_refused_at_any_port(host: str, port: str) -> None:
    with pytest.raises(ConfigError, match="must be https"):
        server_url(f"http://{host}{port}", setting="store", example="https://…")
    assert server_url(f"https://{host}{port}", setting="store", example="https://…").is_encrypted


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_plain_http_to_this_machine_is_allowed(host: str) -> None:
    assert not server_url(f"http://{host}:9200", setting="store", example="https://…").is_encrypted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host:9200/path", "https://host:9200/path"),
        ("https://me:s3cret@host", "https://********@host"),
        ("https://me:s3/c?r#e@t@host/p?token=s3cret", "https://********@host/p?********"),
        ("me:s3cret@host:9200", "********@host:9200"),
        ("https://host/?token=s3cret", "https://host/?********"),
        ("https://host/#s3cret", "https://host/#********"),
        ("//s3cret@", "//********@"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "me:s3cret@host", "https://me:s3/cret@host", "https://me:s3cret@host:x", "http://s3cret@host.test",
        "https://me:s3cret@[host", "ftp://h?s3cret", "https:// h?s3cret", "http://h/#s3cret",
    ],
)  # fmt: skip
def test_an_unusable_url_is_refused_without_what_may_be_secret(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        server_url(url, setting="store", example="https://…")
    assert "s3" not in f"{caught.value} {caught.value.hint}"


@given(st.text())
def test_any_text_can_be_split_and_shown(text: str) -> None:
    bare, user, password = split_login(text)
    assert (bare == text) is (password is None)
    assert (user is None) is (password is None)
    assert "@" not in shown_url(text).replace("********@", "")
