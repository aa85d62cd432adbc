"""How connections come about: TLS and who is trusted, and proxies."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fedgate.core.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target, Timeouts
from tests.core.http_certificates import Tls, make_tls
from tests.core.http_peer import (
    OK,
    Wire,
    background,
    cancelled,
    counts,
    on_both_loops,
    opened,
    peer,
    pieces,
    until,
)
from tests.core.http_proxy import Proxy

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


async def echo(wire: Wire) -> None:
    while True:
        body = (await wire.request()).body
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


async def ask(client: HttpClient, target: Target, body: bytes = b"hello") -> bytes:
    response = await client.request("POST", target, body=body)
    return await response.read(10_000_000)


# TLS.


async def test_https_is_verified_spoken_as_http_1_1_and_kept(tls: Tls) -> None:
    async with peer(echo, tls=tls.server) as server, opened(HttpClient(tls=tls.client)) as client:
        assert await ask(client, server.target) == b"hello"
        assert await ask(client, server.target, b"x" * 1_000_000) == b"x" * 1_000_000
        spoken = server.wires[0].writer.get_extra_info("ssl_object")
        assert spoken.selected_alpn_protocol() == "http/1.1"
        assert counts(client).reused == 1


async def test_the_name_of_the_host_is_sent_for_the_peer_to_choose_a_certificate(tls: Tls, tmp_path: Path) -> None:
    context = make_tls(tmp_path).server
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    async with peer(echo, tls=context) as server, opened(HttpClient(tls=tls.client)) as client:
        with pytest.raises(UpstreamRefused):
            await ask(client, server.target)
    assert names == ["localhost"]


@pytest.mark.parametrize("reason", ["stranger", "default", "other name"])
async def test_a_certificate_that_is_not_trusted_is_refused(tls: Tls, tmp_path: Path, reason: str) -> None:
    other = make_tls(tmp_path, "elsewhere")
    client = {
        "stranger": HttpClient(tls=other.client),
        "default": HttpClient(),
        "other name": HttpClient(tls=other.client),
    }[reason]
    server_tls = other.server if reason == "other name" else tls.server
    async with peer(echo, tls=server_tls) as server, opened(client):
        with pytest.raises(UpstreamRefused, match=f"{server.target.origin} showed a certificate that is not trusted"):
            await ask(client, server.target)
        assert counts(client).active == 0


async def test_the_default_context_is_made_once_for_many_first_requests(tls: Tls) -> None:
    async with peer(echo, tls=tls.server) as server, opened() as client:
        results = await asyncio.gather(*[ask(client, server.target) for _ in range(10)], return_exceptions=True)
        assert {type(result) for result in results} == {UpstreamRefused}


async def test_tls_towards_a_plain_server_is_refused() -> None:
    async def plain(wire: Wire) -> None:
        await wire.reader.read(1)
        wire.send(OK)
        await wire.gone()

    async with peer(plain) as server, opened() as client:
        with pytest.raises(UpstreamRefused, match="did not agree on TLS"):
            await ask(client, Target("https", "127.0.0.1", server.target.port))


async def test_a_tls_connection_cut_without_goodbye_does_not_pass_for_the_end_of_a_body(tls: Tls) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await heard.wait()
        wire.abort()

    heard = asyncio.Event()
    async with peer(script, tls=tls.server) as server, opened(HttpClient(tls=tls.client)) as client:
        response = await client.request("GET", server.target)
        assert await anext(response) == b"half"
        heard.set()
        with pytest.raises(UpstreamBroken):
            await response.read(100)


async def test_a_tls_connection_closed_properly_ends_a_body(tls: Tls) -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        wire.finish()

    async with peer(script, tls=tls.server) as server, opened(HttpClient(tls=tls.client)) as client:
        assert await (await client.request("GET", server.target)).read(100) == b"all of it"


async def test_a_large_stream_passes_both_ways_over_tls(tls: Tls) -> None:
    async with peer(echo, tls=tls.server) as server, opened(HttpClient(tls=tls.client)) as client:
        body = pieces(*[b"x" * 65536] * 100)
        response = await client.request("POST", server.target, body=body)
        assert sum([len(chunk) async for chunk in response]) == 6_553_600


# Proxies.


async def test_a_plain_request_goes_to_the_proxy_in_absolute_form() -> None:
    proxy = Proxy(0)
    async with peer(proxy) as server, opened(HttpClient(proxy=server.target)) as client:
        response = await client.request("GET", Target.parse("http://elsewhere.example:81/a?b"))
        assert await response.read(10) == b"ok"
        assert list(client.statistics()) == ["http://elsewhere.example:81"]
    (received,) = proxy.seen
    assert (received.target, received.header(b"host")) == (
        b"http://elsewhere.example:81/a?b",
        b"elsewhere.example:81",
    )


@pytest.mark.parametrize("secure_proxy", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nproxy-agent: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Fine\r\n\r\n",
    ],
)
async def test_a_secure_request_goes_through_a_tunnel(tls: Tls, secure_proxy: bool, answer: bytes) -> None:
    async with peer(echo, tls=tls.server) as server:
        proxy = Proxy(server.target.port, answer)
        async with (
            peer(proxy, tls=tls.server if secure_proxy else None) as middle,
            opened(HttpClient(tls=tls.client, proxy=middle.target)) as client,
        ):
            for _ in range(3):
                assert await ask(client, server.target, b"x" * 300_000) == b"x" * 300_000
            assert counts(client).opened == 1
        (received,) = proxy.seen
        authority = server.target.host_and_port.encode()
        assert (received.method, received.target) == (b"CONNECT", authority)
        assert received.headers == [(b"host", authority)]


async def test_the_name_checked_inside_the_tunnel_is_the_targets(tmp_path: Path) -> None:
    inside = make_tls(tmp_path, "inside.example")
    names: list[str | None] = []
    inside.server.sni_callback = lambda _socket, name, _context: names.append(name)
    async with peer(echo, tls=inside.server) as server, peer(Proxy(server.target.port)) as middle:
        async with opened(HttpClient(tls=inside.client, proxy=middle.target)) as client:
            assert await ask(client, Target("https", "inside.example", 443)) == b"hello"
        async with opened(HttpClient(tls=inside.client, proxy=middle.target)) as client:
            with pytest.raises(UpstreamRefused, match="certificate that is not trusted"):
                await ask(client, Target("https", "outside.example", 443))
    assert names == ["inside.example", "outside.example"]


async def test_the_end_to_end_certificate_is_verified_inside_the_tunnel(tls: Tls, tmp_path: Path) -> None:
    stranger = make_tls(tmp_path)
    async with (
        peer(echo, tls=stranger.server) as server,
        peer(Proxy(server.target.port)) as middle,
        opened(HttpClient(tls=tls.client, proxy=middle.target)) as client,
    ):
        with pytest.raises(UpstreamRefused, match="certificate that is not trusted"):
            await ask(client, server.target)
        assert counts(client).active == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad",
        b"HTTP/1.1 301 Moved\r\nlocation: /\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nearly bytes",
        b"garbage\r\n\r\n",
    ],
)
async def test_a_proxy_that_does_not_open_a_tunnel_is_a_refusal(tls: Tls, answer: bytes) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        wire.send(answer)
        await wire.gone()

    async with peer(script) as middle, opened(HttpClient(tls=tls.client, proxy=middle.target)) as client:
        with pytest.raises(UpstreamRefused, match=f"the proxy {middle.target.origin} did not connect to h:443"):
            await ask(client, Target.parse("https://h/"))
        assert counts(client).active == 0


async def test_a_proxy_that_hangs_up_is_a_refusal(tls: Tls) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        wire.finish()

    async with peer(script) as middle, opened(HttpClient(tls=tls.client, proxy=middle.target)) as client:
        with pytest.raises(UpstreamRefused, match="did not connect"):
            await ask(client, Target.parse("https://h/"))


async def test_a_proxy_that_is_not_there_is_named_in_the_refusal() -> None:
    proxy = Target("http", "127.0.0.1", 1)
    async with opened(HttpClient(proxy=proxy)) as client:
        for scheme in ("http", "https"):
            with pytest.raises(UpstreamRefused, match=r"http://127\.0\.0\.1:1 refused"):
                await ask(client, Target.parse(f"{scheme}://h/"))


Hang = Callable[[Wire], Awaitable[None]]


async def silent_proxy(wire: Wire) -> None:
    await wire.head()
    await wire.gone()


async def silent_tunnel(wire: Wire) -> None:
    await wire.head()
    wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
    await wire.gone()


@pytest.mark.parametrize("script", [silent_proxy, silent_tunnel])
async def test_a_proxy_that_hangs_times_out_or_is_given_up_and_nothing_stays_open(tls: Tls, script: Hang) -> None:
    async with peer(script) as middle, opened(HttpClient(tls=tls.client, proxy=middle.target)) as client:
        target = Target.parse("https://h/")
        with pytest.raises(UpstreamTimeout):
            await client.request("GET", target, timeouts=Timeouts(connect=0.1))
        seen = len(middle.wires)
        async with background(client.request("GET", target)) as task:
            await until(lambda: len(middle.wires) > seen)
            await asyncio.wait([task], timeout=0.05)
            await cancelled(task)
        assert counts(client).active == 0
        for wire in middle.wires:
            await wire.over.wait()


async def test_no_environment_variable_changes_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with peer(echo) as server, opened() as client:
        assert await ask(client, server.target) == b"hello"


async def test_a_context_given_to_the_client_offers_http_1_1_only(tls: Tls) -> None:
    context = ssl.create_default_context(cadata=None)
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(tls.client.get_ca_certs(binary_form=True)[0]))
    context.set_alpn_protocols(["h2"])
    async with peer(echo, tls=tls.server) as server, opened(HttpClient(tls=context)) as client:
        assert await ask(client, server.target) == b"hello"
