"""Which addresses of servers are used."""

from __future__ import annotations

import pytest

from archiver.config.urls import server_url
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
