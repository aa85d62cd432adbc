"""The gateway answers for its own names only, however the header is spelled."""

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedgate.access.hosts import HostPolicy, parse_authority
from fedgate.core.errors import ClientError, Forbidden, Misdirected

LOOPBACK = HostPolicy(True, None, ())
NAMED = HostPolicy(
    True, "https://gw.example.com/base", ("box.local", "api.internal:8443", "[fd00::1]", "web.internal:443")
)
OPEN = HostPolicy(False, None, ())
PUBLIC = HostPolicy(False, "https://gw.example.com", ())

OURS = [
    "localhost",
    "localhost:8080",
    "LOCALHOST:1",
    "Localhost.",
    "localhost.:80",
    "127.0.0.1",
    "127.0.0.1:65535",
    "127.255.255.254:80",
    "127.0.0.1.",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]",
]
NOT_OURS = [
    "",
    " ",
    "evil.com",
    "evil.com:8080",
    "localhost@evil.com",
    "user:pass@localhost",
    "localhost:80@evil.com",
    "localhost.evil.com",
    "evil.localhost",
    "notlocalhost",
    "127.0.0.1.nip.io",
    "127.0.0.1.evil.com:80",
    "127.evil.com",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.1",
    "127.0.0.01",
    "127.0.0.256",
    "0.0.0.0",
    "0",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::1%lo]",
    "[::1",
    "::1",
    "[127.0.0.1]",
    "localhost..",
    ".localhost",
    ".",
    "localhost:",
    "localhost:x",
    "localhost:65536",
    "localhost:123456",
    "localhost:+80",
    "localhost:８０",
    "localhost:80:80",
    "localhost,evil.com",
    "localhost evil.com",
    "localhost\t",
    "localhost\x00",
    "localhost/",
    "localhost#",
    "localhost?x",
    "localhost\\evil.com",
    "http://localhost",
    "ⓛocalhost",
    "locaſhost",
    "localhost%2eevil.com",
    "a" * 5000,
]


def accepts(policy: HostPolicy, host: str | None, origin: str | None = None) -> bool:
    try:
        policy.check(host, origin)
    except (Misdirected, Forbidden):
        return False
    return True


@pytest.mark.parametrize("host", OURS)
def test_on_loopback_every_loopback_name_is_ours_with_any_port(host: str) -> None:
    LOOPBACK.check(host, None)


@pytest.mark.parametrize("host", NOT_OURS)
def test_on_loopback_nothing_else_is(host: str) -> None:
    with pytest.raises(Misdirected):
        LOOPBACK.check(host, None)


def test_a_request_without_a_host_is_refused_where_names_matter() -> None:
    with pytest.raises(Misdirected):
        LOOPBACK.check(None, None)
    OPEN.check(None, None)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("gw.example.com", True),
        ("GW.example.com:443", True),
        ("gw.example.com.:8080", True),
        ("box.local:9", True),
        ("box.local", True),
        ("api.internal:8443", True),
        ("api.internal", False),
        ("api.internal:8444", False),
        ("web.internal:443", True),
        ("web.internal", True),
        ("web.internal:8443", False),
        ("[FD00:0::1]:1", True),
        ("[fd00::2]", False),
        ("example.com", False),
        ("gw.example.com.evil.com", False),
        ("localhost:3000", True),
    ],
)
def test_configured_names_are_ours_too_and_their_port_if_it_was_given(host: str, ours: bool) -> None:
    assert accepts(NAMED, host) is ours


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://localhost:6274", True),
        ("https://127.0.0.1", True),
        ("http://[::1]:3000", True),
        ("HTTP://LOCALHOST", True),
        ("null", False),
        ("", False),
        ("http://evil.com", False),
        ("http://localhost.evil.com", False),
        ("http://localhost@evil.com", False),
        ("http://localhost/", False),
        ("http://localhost http://evil.com", False),
        ("localhost", False),
        ("//localhost", False),
        ("file://localhost", False),
        ("chrome-extension://localhost", False),
        ("http://2130706433", False),
        ("http://" + "a" * 5000, False),
    ],
)
def test_on_loopback_a_page_must_be_of_a_loopback_name(origin: str, ours: bool) -> None:
    assert accepts(LOOPBACK, "127.0.0.1:8080", origin) is ours


def test_the_refusal_of_a_page_is_403_and_of_a_host_421() -> None:
    with pytest.raises(Forbidden) as page:
        LOOPBACK.check("localhost", "http://evil.com")
    with pytest.raises(Misdirected) as host:
        LOOPBACK.check("evil.com", "http://evil.com")
    assert (page.value.status, host.value.status) == (403, 421)
    assert page.value.message == "Pages of evil.com may not call this gateway: add the name to gateway.allowed_hosts."
    assert host.value.message == (
        "This gateway does not answer for the host evil.com: "
        "set gateway.public_url or add the name to gateway.allowed_hosts."
    )


@pytest.mark.parametrize("origin", ["null", "http://evil.com"])
def test_the_same_refusal_comes_again_from_memory(origin: str) -> None:
    for _ in range(3):
        with pytest.raises(Forbidden):
            LOOPBACK.check("localhost", origin)


@pytest.mark.parametrize(
    ("host", "origin", "ours"),
    [
        ("anything.example:80", None, True),
        ("10.0.0.5:8080", None, True),
        ("10.0.0.5:8080", "http://10.0.0.5:8080", True),
        ("gw.lan", "https://GW.lan.", True),
        ("10.0.0.5:8080", "http://evil.com", False),
        ("10.0.0.5:8080", "null", False),
        (None, "http://evil.com", False),
        ("10.0.0.5:8080", "http://localhost:6274", True),
        ("local host", None, False),
    ],
)
def test_an_open_listener_takes_any_host_and_pages_of_the_same_one(
    host: str | None, origin: str | None, ours: bool
) -> None:
    assert accepts(OPEN, host, origin) is ours


@pytest.mark.parametrize(
    ("host", "origin", "ours"),
    [
        ("gw.example.com", "https://gw.example.com", True),
        ("localhost:8080", None, True),
        ("10.0.0.5:8080", None, False),
        ("gw.example.com", "https://evil.com", False),
        ("evil.com", "https://evil.com", False),
    ],
)
def test_a_listener_with_a_public_name_answers_for_that_one(host: str, origin: str | None, ours: bool) -> None:
    assert accepts(PUBLIC, host, origin) is ours


def test_a_public_name_in_any_script_is_compared_as_browsers_send_it() -> None:
    HostPolicy(True, "https://bücher.example", ()).check("xn--bcher-kva.example", None)


def test_a_public_url_may_name_an_ipv6_address() -> None:
    HostPolicy(True, "http://[fd00::5]:8080", ()).check("[fd00::5]:8080", None)


@pytest.mark.parametrize(
    "entry", ["", "https://x.example", "a b", "x.example:99999", "*.example.com", "127.1", "é" * 80]
)
def test_an_entry_that_is_no_host_is_refused_with_what_to_write(entry: str) -> None:
    with pytest.raises(ValueError, match="write a name or address"):
        HostPolicy(True, None, (entry,))


WORDS = "localhost LOCAL HOST 127.0.0.1 127. 0 1 0x7f . .. : 80 [ ] ::1 @ evil.com nip.io / \\ # ? % %00 K ı 。 - _ ,"
pieces = st.sampled_from([*WORDS.split(), " ", "\t", "\r\n"])
hosts = st.one_of(
    st.lists(pieces, max_size=6).map("".join),
    st.text(max_size=40),
    st.from_regex(r"\A[a-z0-9.:@\[\]-]{1,30}\Z"),
)


def is_loopback(name: str | None) -> bool:
    """The oracle: the standard library's reading of a URL's host."""
    name = (name or "").removesuffix(".")
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.ip_address("::1")


@given(hosts)
@example("localhost@evil.com")
def test_whatever_is_accepted_on_loopback_is_a_loopback_name_for_others_too(host: str) -> None:
    if accepts(LOOPBACK, host):
        assert is_loopback(urlsplit(f"http://{host}/").hostname)


@given(hosts)
def test_whatever_page_is_accepted_on_loopback_is_one_for_others_too(rest: str) -> None:
    if accepts(LOOPBACK, "localhost", f"http://{rest}"):
        assert is_loopback(urlsplit(f"http://{rest}/").hostname)


@given(hosts)
def test_reading_a_name_never_fails_and_its_own_spelling_reads_the_same(host: str) -> None:
    read = parse_authority(host)
    if read is not None:
        again = parse_authority(f"[{read.host}]" if ":" in read.host else read.host)
        assert again is not None
        assert again.host == read.host


def test_every_refusal_is_a_client_error() -> None:
    for host in NOT_OURS:
        with pytest.raises(ClientError):
            NAMED.check(host, None)
