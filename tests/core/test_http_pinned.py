"""A target with addresses: they are dialled, in their order, and the name stays in Host and TLS."""

from pathlib import Path

import pytest

from fedgate.core.errors import UpstreamRefused
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target
from tests.core.http_calls import serve_ok
from tests.core.http_certificates import make_tls
from tests.core.http_peer import OK, Wire, on_both_loops, opened, peer
from tests.core.http_proxy import Proxy

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()


async def ask(client: HttpClient, target: Target) -> bytes:
    return await (await client.request("POST", target, body=b"x")).read(100)


async def test_the_address_is_dialled_and_the_name_stands_in_host_and_tls(tmp_path: Path) -> None:
    tls = make_tls(tmp_path, "hooks.test")
    names: list[str | None] = []
    tls.server.sni_callback = lambda _socket, name, _context: names.append(name)
    hosts: list[bytes | None] = []

    async def script(wire: Wire) -> None:
        hosts.append((await wire.answer(OK)).header(b"host"))

    async with peer(script, tls=tls.server) as server, opened(HttpClient(tls=tls.client)) as client:
        port = server.target.port
        assert await ask(client, Target("https", "hooks.test", port, "/", ("127.0.0.1",))) == b"ok"
    assert names == ["hooks.test"]
    assert hosts == [b"hooks.test:%d" % port]


async def test_a_certificate_for_another_name_is_refused_at_the_first_address_that_answers(tmp_path: Path) -> None:
    tls = make_tls(tmp_path, "elsewhere.test")
    names: list[str | None] = []
    tls.server.sni_callback = lambda _socket, name, _context: names.append(name)
    async with peer(serve_ok, tls=tls.server) as server, opened(HttpClient(tls=tls.client)) as client:
        target = Target("https", "hooks.test", server.target.port, "/", ("127.0.0.1", "127.0.0.1"))
        with pytest.raises(UpstreamRefused, match="certificate that is not trusted"):
            await ask(client, target)
    assert names == ["hooks.test"]


async def test_the_next_address_is_dialled_if_one_cannot_be_reached() -> None:
    async with peer(serve_ok) as server, opened() as client:
        # Nobody listens at 127.0.0.2: the peer is bound to 127.0.0.1.
        target = Target("http", "hooks.test", server.target.port, "/", ("127.0.0.2", "127.0.0.1"))
        assert await ask(client, target) == b"ok"


async def test_the_last_refusal_counts_if_no_address_can_be_reached() -> None:
    async with opened() as client:
        target = Target("http", "hooks.test", 1, "/", ("127.0.0.2", "127.0.0.1"))
        with pytest.raises(UpstreamRefused, match=r"http://hooks\.test:1 refused the connection"):
            await ask(client, target)


async def test_a_connection_to_one_address_does_not_serve_for_another_or_for_the_bare_name() -> None:
    async with peer(serve_ok) as server, opened() as client:
        port = server.target.port
        for addresses in (("127.0.0.1",), ("127.0.0.2", "127.0.0.1"), ()):
            assert await ask(client, Target("http", "127.0.0.1", port, "/", addresses)) == b"ok"
        assert len(server.wires) == 3
        assert await ask(client, Target("http", "127.0.0.1", port, "/elsewhere", ("127.0.0.1",))) == b"ok"
        assert len(server.wires) == 3
        assert set(client.statistics()) == {
            f"http://127.0.0.1:{port}",
            f"http://127.0.0.1:{port} 127.0.0.1",
            f"http://127.0.0.1:{port} 127.0.0.2 127.0.0.1",
        }


def test_addresses_are_part_of_a_targets_identity_and_absent_from_its_name() -> None:
    plain, pinned = Target("https", "h", 443), Target("https", "h", 443, "/", ("2001:db8::1",))
    assert plain != pinned
    assert str(pinned) == str(plain) == "https://h"
    assert (plain.dialled, pinned.dialled) == ("h:443", "[2001:db8::1]:443")


async def test_a_proxy_is_told_the_address_and_tls_inside_verifies_the_name(tmp_path: Path) -> None:
    tls = make_tls(tmp_path, "hooks.test")
    async with peer(serve_ok, tls=tls.server) as server:
        proxy = Proxy(server.target.port)
        async with peer(proxy) as middle, opened(HttpClient(tls=tls.client, proxy=middle.target)) as client:
            assert await ask(client, Target("https", "hooks.test", 443, "/", ("192.0.2.7",))) == b"ok"
    assert [received.target for received in proxy.seen] == [b"192.0.2.7:443"]


async def test_plain_http_to_an_address_is_refused_where_a_proxy_would_resolve_the_name_again() -> None:
    proxy = Proxy(0)
    async with peer(proxy) as middle, opened(HttpClient(proxy=middle.target)) as client:
        with pytest.raises(UpstreamRefused, match="cannot be reached through a proxy: use https"):
            await ask(client, Target("http", "hooks.test", 80, "/", ("192.0.2.7",)))
    assert proxy.seen == []
