import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.http_values import HttpLimits, Target, Timeouts, later


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path", "authority"),
    [
        ("http://example.com", "http", "example.com", 80, "/", "example.com"),
        ("https://Example.COM/v1?x=y", "https", "example.com", 443, "/v1?x=y", "example.com"),
        ("HTTPS://h:8443/a/b/", "https", "h", 8443, "/a/b/", "h:8443"),
        ("http://h:443/", "http", "h", 443, "/", "h:443"),
        ("http://127.0.0.1:9001/mcp#part", "http", "127.0.0.1", 9001, "/mcp", "127.0.0.1:9001"),
        ("http://[::1]:9/x", "http", "::1", 9, "/x", "[::1]:9"),
        ("https://[2001:DB8::0:1]/", "https", "2001:db8::1", 443, "/", "[2001:db8::1]"),
        ("http://my_host?k=v", "http", "my_host", 80, "/?k=v", "my_host"),
    ],
)
def test_an_absolute_url_is_taken_apart(url: str, scheme: str, host: str, port: int, path: str, authority: str) -> None:
    target = Target.parse(url)
    assert (target.scheme, target.host, target.port, target.path) == (scheme, host, port, path)
    assert target.authority == authority
    assert target.origin == f"{scheme}://{authority}"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://h/", "http:// or https://, not 'ftp'"),
        ("/only/a/path", "http:// or https://, not 'nothing'"),
        ("localhost:8080/x", "http:// or https://"),
        ("http://", "no host"),
        ("http:///path", "no host"),
        ("http://u:p@h/", "user name or password"),
        ("http://u@h/", "user name or password"),
        ("http://h:0/", "port"),
        ("http://h:65536/", "port"),
        ("http://h:x/", "port"),
        ("http://a b/", "percent-encode"),
        ("http://h/a b", "percent-encode"),
        (" http://h/", "percent-encode"),
        ("http://h/\r\nx: y", "percent-encode"),
        ("http://h/\x00", "percent-encode"),
        ("http://bücher.example/", "xn--"),
        ("http://h/ü", "percent-encode"),
        ("", "visible ASCII"),
        ("http://a..b/", "not a host name"),
        ("http://-a/", "not a host name"),
        ("http://" + "a" * 64 + "/", "not a host name"),
        ("http://h\\@evil/", "user name"),
        ("http://h\\x/", "not a host name"),
        ("http://[::1/", "cannot be read"),
        ("http://[::g]/", "cannot be read|not an IPv6"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://h/" + "a" * 9000, "longer than"),
    ],
)
def test_a_bad_url_is_refused_with_a_sentence(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Target.parse(url)


@given(st.text(max_size=40))
def test_any_text_is_a_target_or_a_value_error(text: str) -> None:
    for url in (text, "http://" + text, "https://h:" + text, "http://h/" + text):
        try:
            target = Target.parse(url)
        except ValueError:
            continue
        assert target.path.startswith("/")
        assert target.path.isascii()
        assert not set(target.path + target.authority) & set(" \r\n\x00\t")
        assert "@" not in target.authority


def test_a_target_shown_hides_its_path_and_query() -> None:
    target = Target.parse("https://h/v1/secret?key=secret")
    assert "secret" not in repr(target) + str(target)


@pytest.mark.parametrize(
    ("base", "path", "joined"),
    [
        ("http://h", "/chat", "/chat"),
        ("http://h/v1", "/chat", "/v1/chat"),
        ("http://h/v1/", "chat", "/v1/chat"),
        ("http://h/v1?k=1", "/chat?x=2", "/v1/chat?x=2&k=1"),
        ("http://h/v1?k=1", "/chat", "/v1/chat?k=1"),
    ],
)
def test_a_path_is_joined_below_the_targets_own(base: str, path: str, joined: str) -> None:
    assert Target.parse(base).join(path) == joined


def test_the_authority_for_connect_always_has_a_port() -> None:
    assert Target.parse("https://h/").host_and_port == "h:443"
    assert Target.parse("https://[::1]/").host_and_port == "[::1]:443"


def test_targets_of_one_url_are_equal_and_hash_alike() -> None:
    assert Target.parse("http://h/x") == Target.parse("http://H:80/x")
    assert len({Target.parse("http://h/x"), Target.parse("http://h/x")}) == 1


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan")])
def test_a_timeout_must_be_positive(wrong: float) -> None:
    with pytest.raises(ValueError, match="idle must be greater than zero"):
        Timeouts(idle=wrong)


def test_a_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="waiters must be greater than zero"):
        HttpLimits(waiters=0)


def test_no_seconds_means_never() -> None:
    assert later(10.0, 2.5) == 12.5
    assert later(10.0, None) == float("inf")
