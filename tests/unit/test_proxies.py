"""Which requests go through the environment's proxy."""

from __future__ import annotations

import ssl

import httpx
import pytest

from archiver.errors import ConfigError
from archiver.proxies import EnvironmentTransport, proxies_of

PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("no_proxy", "direct", "through"),
    [
        ("", (), ("https://a.test", "https://127.0.0.1")),
        ("*", ("https://a.test", "https://[::1]"), ()),
        ("a.test", ("https://a.test", "https://b.a.test:8443", "https://A.TEST."), ("https://aa.test", "https://test")),
        (".a.test, *.b.test", ("https://x.a.test", "https://x.b.test", "https://b.test"), ("https://c.test",)),
        ("a.test:8443", ("https://a.test:8443",), ("https://a.test",)),
        ("a.test:443", ("https://a.test",), ("https://a.test:8443",)),
        ("10.0.0.0/8", ("https://10.1.2.3:9200",), ("https://11.0.0.1", "https://10.test")),
        ("10.1.2.3/8", ("https://10.9.9.9",), ("https://11.0.0.1",)),
        ("127.0.0.1,fd00::/8", ("https://[fd12::3]", "https://127.0.0.1"), ("https://[fe80::1]", "https://127.0.0.2")),
        ("[fd00::]/8 [::1]", ("https://[fd12::3]", "https://[::1]:9200"), ("https://[::2]",)),
        ("[::1]:9200", ("https://[::1]:9200",), ("https://[::1]",)),
        ("::1", ("https://[::1]",), ("https://[::2]",)),
        ("https://a.test/", ("https://a.test",), ("https://b.test",)),
        ("localhost", ("https://localhost:1",), ("https://localhost.test",)),
    ],
)
def test_no_proxy_holds_names_addresses_and_ranges_with_ports(
    no_proxy: str, direct: tuple[str, ...], through: tuple[str, ...]
) -> None:
    proxies = proxies_of({"https": PROXY, "no": no_proxy})
    found = {url: proxies.of(*parts(url)) for url in (*direct, *through)}
    assert found == {**dict.fromkeys(direct), **dict.fromkeys(through, PROXY)}


def parts(url: str) -> tuple[str, str, int | None]:
    read = httpx.URL(url)
    return read.scheme, read.host, read.port or 443


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "fd00::/999", "[::1", "a.test/x"])
def test_a_range_that_is_none_is_named(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        proxies_of({"https": PROXY, "no": f"a.test,{entry}"})
    assert "NO_PROXY" in str(caught.value)
    assert entry in str(caught.value)


def test_each_scheme_has_its_proxy_and_all_proxy_is_for_the_others() -> None:
    proxies = proxies_of({"https": "one.test:1", "all": "http://two.test:2"})
    assert proxies.of("https", "a", 443) == "http://one.test:1"
    assert proxies.of("http", "a", 80) == "http://two.test:2"
    assert proxies_of({}).of("https", "a", 443) is None


@pytest.mark.parametrize("url", ["http://me:s3cret@host:port", "ftp://me:s3cret@host"])
def test_an_unusable_proxy_is_named_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        EnvironmentTransport(ssl.create_default_context(), proxies_of({"https": url}))
    assert "HTTPS_PROXY" in str(caught.value)
    assert "s3c" not in f"{caught.value} {caught.value.hint}"
