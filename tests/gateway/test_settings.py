from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fedgate.gateway.settings import GatewaySettings, Listen, parse_listen


def refused(**values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        GatewaySettings.model_validate(values)
    (error,) = caught.value.errors()
    return str(error["msg"])


def test_the_defaults_listen_on_loopback() -> None:
    settings = GatewaySettings()
    assert settings.listen == Listen("127.0.0.1", 8080)
    assert str(settings.listen) == "127.0.0.1:8080"
    assert (settings.max_body, settings.max_concurrent) == (16 * 1024 * 1024, 1024)
    assert (settings.public_url, settings.allowed_hosts) == (None, ())


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.9.9.9:0", "127.9.9.9", 0, True),
        ("localhost:1", "localhost", 1, True),
        ("LOCALHOST:1", "LOCALHOST", 1, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[0:0:0:0:0:0:0:1]:8080", "::1", 8080, True),
        ("[::ffff:127.0.0.1]:1", "::ffff:7f00:1", 1, True),
        ("[::]:8080", "::", 8080, False),
        ("[::ffff:10.0.0.1]:1", "::ffff:a00:1", 1, False),
        (":8080", "0.0.0.0", 8080, False),
        ("0.0.0.0:65535", "0.0.0.0", 65535, False),
        ("10.0.0.1:80", "10.0.0.1", 80, False),
        ("gw.example.com:80", "gw.example.com", 80, False),
        ("localhost.example.com:80", "localhost.example.com", 80, False),
    ],
)
def test_an_address_is_host_and_port_and_knows_whether_it_is_loopback(
    text: str, host: str, port: int, loopback: bool
) -> None:
    listen = GatewaySettings.model_validate({"listen": text}).listen
    assert (same(listen.host), listen.port, listen.is_loopback) == (same(host), port, loopback)


def same(host: str) -> str:
    """Python 3.13 spells IPv4-mapped addresses in another way."""
    return ip_address(host).exploded if ":" in host else host


@pytest.mark.parametrize(
    "value",
    ["", "8080", 8080, "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:8080", "[::1]", "[]:1",
     "[127.0.0.1]:1", "a b:1", "a/b:1", "http://x:80", "256.0.0.1:80", "127.1:80", "unix:/x.sock", None, {"host": "x"}],
)  # fmt: skip
def test_what_is_no_address_is_refused(value: object) -> None:
    if value is not None:
        assert refused(listen=value) == "must be an address"
    else:
        assert GatewaySettings.model_validate({"listen": None}).listen == Listen("127.0.0.1", 8080)


@given(st.text(max_size=30))
def test_any_text_is_an_address_that_reads_back_or_a_value_error(text: str) -> None:
    try:
        listen = parse_listen(text)
    except ValueError:
        return
    assert parse_listen(str(listen)) == listen


def test_a_public_url_loses_its_last_slash_and_has_no_query() -> None:
    assert GatewaySettings(public_url="https://gw.example.com/").public_url == "https://gw.example.com"
    assert refused(public_url="https://gw.example.com/?a=b") == "must not carry a query"
    assert refused(public_url="gw.example.com") == "must be an http or https URL"


def test_allowed_hosts_are_host_names_with_or_without_port() -> None:
    hosts = ["GW.example.com", "a:8080", "[::1]", "[::1]:80", "10.0.0.1"]
    assert GatewaySettings.model_validate({"allowed_hosts": hosts}).allowed_hosts == tuple(
        host.lower() for host in hosts
    )


@pytest.mark.parametrize("host", ["", "*", "*.example.com", "https://a", "a/b", "a:99999", "::1", "a b", "a\n"])
def test_other_allowed_hosts_are_refused(host: str) -> None:
    assert refused(allowed_hosts=[host]) == "must be a host name, with a port if only that port is meant"


@pytest.mark.parametrize("number", [0, -1, 1_000_001])
def test_the_number_of_requests_has_bounds(number: int) -> None:
    assert "than or equal to" in refused(max_concurrent=number)
