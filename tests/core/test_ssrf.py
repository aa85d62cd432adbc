"""URLs that clients can influence reach public addresses only, and the addresses that were checked."""

import asyncio
import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.errors import BadRequest, Overloaded
from fedgate.core.http_values import Target
from fedgate.core.ssrf import (
    MAX_DIALLED,
    MAX_JUDGED,
    MAX_LOOKUPS,
    Guard,
    RefusedUrl,
    SystemResolver,
    carried,
    is_metadata,
    is_public,
)
from tests.core.http_peer import background, until

pytestmark = pytest.mark.anyio

PUBLIC = "93.184.216.34"
PUBLIC_6 = "2606:2800:220:1::1"


class Names:
    """A resolver that answers from a table; what is not in it is resolved as an address, or not at all."""

    def __init__(self, **table: Sequence[str]) -> None:
        self.table = {name.replace("_", "."): addresses for name, addresses in table.items()}
        self.asked: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        if host in self.table:
            return self.table[host]
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError as error:
            raise OSError("no such name") from error


async def refusal(guard: Guard, url: str) -> str:
    with pytest.raises(RefusedUrl) as caught:
        await guard.pin(url)
    assert isinstance(caught.value, BadRequest)
    return caught.value.message


NOT_PUBLIC = "the URL's host must resolve to public addresses only, or be allowed by the gateway's operator"
NO_HTTP = "the URL must begin with https://"

REFUSED = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.1.1", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("168.63.129.16", "100.100.100.200"),
    *("::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "1::1"),
    *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:db8::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "3fff::1", "4000::1", "5f00::1"),
    *("fc00::1", "fd00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1"),
]
ACCEPTED = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "223.255.255.254"),
    *("2606:4700::1", "2a00:1450::1", "2001:200::1", "2400:cb00::1"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
]


@pytest.mark.parametrize("address", REFUSED)
async def test_an_address_that_is_not_public_is_refused_as_such_and_as_the_answer_of_a_name(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address)) or is_metadata(ipaddress.ip_address(address))
    guard = Guard(resolver=Names(name_test=[address]))
    literal = f"[{address}]" if ":" in address else address
    assert await refusal(guard, f"https://{literal}/") == NOT_PUBLIC
    assert await refusal(guard, "https://name.test/") == NOT_PUBLIC


@pytest.mark.parametrize("address", ACCEPTED)
async def test_a_public_address_is_accepted_and_dialled_as_it_was_resolved(address: str) -> None:
    guard = Guard(resolver=Names(name_test=[address]))
    target = await guard.pin("https://name.test:8443/hook?x=1#part")
    assert target == Target("https", "name.test", 8443, "/hook?x=1", (str(ipaddress.ip_address(address)),))


@pytest.mark.parametrize("position", [0, 1, 2])
async def test_one_private_address_among_public_ones_refuses_the_name(position: int) -> None:
    answers = [PUBLIC, PUBLIC_6]
    answers.insert(position, "10.0.0.1")
    assert await refusal(Guard(resolver=Names(name_test=answers)), "https://name.test/") == NOT_PUBLIC


@pytest.mark.parametrize("answers", [[], [PUBLIC] * (MAX_JUDGED + 1), ["fe80::1%eth0"], ["2606:4700::1%1"], ["x"]])
async def test_an_answer_that_cannot_be_judged_is_refused(answers: list[str]) -> None:
    assert await refusal(Guard(resolver=Names(name_test=answers)), "https://name.test/") == NOT_PUBLIC


async def test_what_does_not_exist_is_refused_in_the_same_words_as_what_is_private() -> None:
    guard = Guard(resolver=Names(inner_test=["10.0.0.1"]))
    assert await refusal(guard, "https://missing.test/") == await refusal(guard, "https://inner.test/")
    guard = Guard(["192.168.0.0/16"], resolver=Names(inner_test=["10.0.0.1"]))
    assert await refusal(guard, "http://missing.test/") == await refusal(guard, "http://inner.test/") == NO_HTTP


async def test_plain_http_is_refused_before_any_name_is_resolved() -> None:
    names = Names(name_test=[PUBLIC])
    assert await refusal(Guard(resolver=names), "http://name.test/") == NO_HTTP
    assert names.asked == []


@pytest.mark.parametrize(
    "url",
    [
        *("", "name.test", "//name.test", "ftp://name.test/", "file:///etc/passwd", "https:///x", "gopher://x"),
        *("https://user@name.test/", "https://user:secret@name.test/", "https://@name.test/", "https://name.test:0/"),
        *(
            "https://name.test:99999/",
            "https://[::1/",
            "https://[fe80::1%25eth0]/",
            "https://na me/",
            "https://ü.test/",
        ),
        *(
            "https://name.test/\r\nx: y",
            "https://name.test\\@evil.test/",
            "https://name_test!/",
            "https://x/" + "a" * 9000,
        ),
    ],
)
async def test_a_url_in_another_form_is_refused_without_looking_anything_up(url: str) -> None:
    names = Names()
    message = await refusal(Guard(resolver=names), url)
    assert message.startswith("the URL")
    assert "secret" not in message
    assert names.asked == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "127.0.0.1"])
async def test_odd_spellings_of_loopback_are_seen_through_by_the_systems_resolver(host: str) -> None:
    assert await refusal(Guard(), f"https://{host}/") == NOT_PUBLIC


async def test_no_more_addresses_are_kept_than_are_worth_dialling() -> None:
    answers = [f"1.1.1.{number}" for number in range(1, 20)]
    target = await Guard(resolver=Names(name_test=answers)).pin("https://name.test/")
    assert target.addresses == tuple(answers[:MAX_DIALLED])


async def test_the_systems_resolver_names_each_address_once() -> None:
    assert await SystemResolver().resolve("127.0.0.1", 80) == ["127.0.0.1"]


# What the operator allows.


@pytest.mark.parametrize(
    ("allow", "url", "fine"),
    [
        ("10.0.0.0/8", "http://inner.test/", True),
        ("10.0.0.0/8", "https://inner.test:8443/", True),
        ("10.0.0.1", "http://10.0.0.1/", True),
        ("10.0.0.0/8", "http://name.test/", False),
        ("10.0.0.0/8", "http://mixed.test/", False),
        ("10.0.0.0/8", "https://mixed.test/", True),
        ("10.0.0.0/8", "http://mapped.test/", True),
        ("11.0.0.0/8", "https://inner.test/", False),
        ("fd00::/8", "http://ula.test/", True),
        ("inner.test", "http://inner.test/", True),
        ("Inner.Test", "http://INNER.test.:81/", True),
        ("inner.test", "http://other.test/", False),
        ("inner.test:8080", "http://inner.test:8080/", True),
        ("inner.test:8080", "http://inner.test/", False),
        ("inner.test:443", "https://inner.test/", True),
        ("inner.test:443", "https://inner.test:444/", False),
        ("[fd00::1]:8080", "http://[fd00::1]:8080/", True),
        ("[fd00::1]:8080", "http://[fd00::1]:8081/", False),
        ("name.test", "http://name.test/", True),
    ],
)
async def test_what_is_allowed_is_accepted_by_plain_http_too(allow: str, url: str, fine: bool) -> None:
    names = Names(
        inner_test=["10.0.0.1"],
        other_test=["10.0.0.1"],
        name_test=[PUBLIC],
        mixed_test=["10.0.0.1", PUBLIC],
        mapped_test=["::ffff:10.0.0.1"],
        ula_test=["fd00::1"],
    )
    names.table["inner.test."] = ["10.0.0.1"]
    guard = Guard([allow], resolver=names)
    if fine:
        assert (await guard.pin(url)).addresses
    else:
        await refusal(guard, url)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "168.63.129.16"])
async def test_metadata_services_are_refused_even_inside_what_is_allowed(address: str) -> None:
    guard = Guard(["169.254.0.0/16", "fd00::/8", "168.0.0.0/8", "inner.test"], resolver=Names(inner_test=[address]))
    await refusal(guard, "https://inner.test/")
    await refusal(guard, "http://inner.test/")


@pytest.mark.parametrize("entry", ["", "10.0.0.1/8", "https://x", "x/", "x/y", "a b", "user@x", "x:0", "x:http", "x?y"])
def test_an_entry_that_cannot_be_read_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="is no network, host or host:port"):
        Guard([entry])


# Bounds.


class Silent:
    async def resolve(self, host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError


async def test_no_more_names_are_resolved_at_a_time_than_the_limit() -> None:
    guard = Guard(resolver=Silent())
    async with background(asyncio.wait_for(_many(guard, MAX_LOOKUPS), 10)):
        await until(lambda: f"lookups={MAX_LOOKUPS}" in repr(guard))
        with pytest.raises(Overloaded):
            await guard.pin("https://name.test/")
    await until(lambda: "lookups=0" in repr(guard))


async def _many(guard: Guard, count: int) -> None:
    await asyncio.gather(*[guard.pin("https://name.test/") for _ in range(count)])


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z0-9.:\[\]@%/-]{0,40}", fullmatch=True))
async def test_no_url_raises_anything_but_a_refusal(url: str) -> None:
    try:
        target = await Guard(resolver=Names()).pin(url)
    except RefusedUrl:
        return
    assert target.scheme == "https"
    assert all(is_public(ipaddress.ip_address(address)) for address in target.addresses)


@given(st.ip_addresses())
def test_every_address_is_judged_and_as_what_it_carries(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert is_public(address) == is_public(carried(address)) or carried(address) == address
    if isinstance(address, ipaddress.IPv4Address):
        assert is_public(ipaddress.IPv6Address(f"::ffff:{address}")) == is_public(address)
        assert is_public(ipaddress.IPv6Address(f"64:ff9b::{address}")) == is_public(address)


async def test_a_host_that_is_allowed_by_name_is_vetted_without_being_looked_up() -> None:
    class Nowhere:
        async def resolve(self, host: str, port: int) -> list[str]:
            raise OSError("there is no name service")

    guard = Guard(["hooks.internal"], resolver=Nowhere())
    await guard.vet("http://hooks.internal/x")
    with pytest.raises(RefusedUrl):
        await guard.vet("https://elsewhere.example/x")
    with pytest.raises(RefusedUrl):
        await guard.pin("http://hooks.internal/x")
