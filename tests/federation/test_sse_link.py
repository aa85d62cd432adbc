import pytest

from fedgate.core.errors import UpstreamError, UpstreamInvalid, UpstreamTimeout
from fedgate.federation.link import LinkClosed
from fedgate.federation.sse_link import open_sse
from tests.core.http_peer import background
from tests.federation.connections import world
from tests.federation.upstreams import Seen, always, hang_up, http, never, old_upstream

pytestmark = pytest.mark.anyio

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
PONG = b'{"jsonrpc":"2.0","id":1,"result":{}}'


async def test_messages_are_posted_to_the_endpoint_and_come_back_on_the_stream() -> None:
    async with old_upstream() as one, world() as made:
        link = await open_sse(made.wire(one, authorization="Bearer x"), 5.0)
        await link.send(PING)
        assert await link.receive() == PONG
        assert (link.name, link.endpoint) == ("one", f"127.0.0.1:{one.port}")
        get, post = one.seen
        assert get.header("accept") == "text/event-stream"
        assert post.received.target == b"/messages?session=1"
        assert post.header("authorization") == "Bearer x"
        await link.aclose()


async def test_posting_keeps_its_connection() -> None:
    async with old_upstream() as one, world() as made:
        link = await open_sse(made.wire(one), 5.0)
        for _ in range(5):
            await link.send(PING)
            await link.receive()
        (counts,) = made.http.statistics().values()
        assert counts.opened == 2
        await link.aclose()


@pytest.mark.parametrize("form", ["/m?s=1", "m?s=1", "{origin}/m?s=1", "?s=1"])
async def test_the_endpoint_may_be_given_in_any_form_of_a_reference(form: str) -> None:
    async with old_upstream() as one, world() as made:
        one.endpoint = form.format(origin=f"http://127.0.0.1:{one.port}")
        one.on["ping"] = always(http(202))
        link = await open_sse(made.wire(one), 5.0)
        await link.send(PING)
        assert one.all("ping")[0].received.target.endswith(b"?s=1")
        await link.aclose()


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("http://example.com/m", "on another origin, example.com:80"),
        ("//127.0.0.1:1/m", "on another origin, 127.0.0.1:1"),
        ("https://127.0.0.1/m", "on another origin"),
        ("http://user@127.0.0.1/m", "is no URL"),
        ("ftp://x/", "is no URL"),
    ],
)
async def test_a_server_cannot_send_the_gateway_elsewhere(endpoint: str, message: str) -> None:
    async with old_upstream() as one, world() as made:
        one.endpoint = endpoint
        with pytest.raises(UpstreamInvalid, match=message):
            await open_sse(made.wire(one), 5.0)


async def test_what_is_no_such_stream_is_refused_with_its_reason() -> None:
    async def wrong_first(seen: Seen) -> None:
        seen.sse()
        seen.event(PONG)
        seen.end()

    async def ends(seen: Seen) -> None:
        seen.sse()
        seen.end()

    async with old_upstream() as one, world() as made:
        for handler, message in (
            (always(http(200, b"<html>", "text/html")), "no event stream"),
            (always(http(404)), "HTTP 404"),
            (always(http(200, PONG)), "no event stream"),
            (wrong_first, "does not begin with the endpoint"),
            (ends, "does not begin with the endpoint"),
            (hang_up, "closed the connection"),
        ):
            one.on["GET"] = handler
            with pytest.raises(UpstreamError, match=message):
                await open_sse(made.wire(one), 5.0)


async def test_a_server_that_does_not_name_its_endpoint_in_time_is_a_timeout() -> None:
    async def silent(seen: Seen) -> None:
        seen.sse()
        await never(seen)

    async with old_upstream() as one, world() as made:
        one.on["GET"] = silent
        with pytest.raises(UpstreamTimeout, match="did not name the endpoint"):
            await open_sse(made.wire(one), 0.1)


async def test_comments_and_other_events_are_passed_over() -> None:
    async with old_upstream() as one, world() as made:
        link = await open_sse(made.wire(one), 5.0)
        stream = one.listeners[0]
        stream.chunk(b": ping\n\nevent: other\ndata: x\n\nevent: message\ndata:\n\ndata: ")
        stream.chunk(PONG[:10])
        stream.chunk(PONG[10:] + b"\n\ndata: 2\n\n")
        assert [await link.receive(), await link.receive()] == [PONG, b"2"]
        await link.aclose()


async def test_the_end_of_the_stream_closes_the_link_for_good() -> None:
    async with old_upstream() as one, world() as made:
        link = await open_sse(made.wire(one), 5.0)
        one.listeners[0].end()
        for _ in range(2):
            with pytest.raises(LinkClosed, match="the server ended its event stream"):
                await link.receive()
        await link.aclose()


async def test_a_stream_that_is_cut_and_a_link_that_is_closed_say_so() -> None:
    async with old_upstream() as one, world() as made:
        link = await open_sse(made.wire(one), 5.0)
        one.listeners[0].wire.abort()
        with pytest.raises(LinkClosed, match="the event stream broke"):
            await link.receive()
        link = await open_sse(made.wire(one), 5.0)
        async with background(link.receive()) as receiving:
            await link.aclose()
            with pytest.raises(LinkClosed):
                await receiving


@pytest.mark.parametrize("status", [307, 400, 404, 500])
async def test_a_message_that_is_refused_is_not_sent(status: int) -> None:
    async with old_upstream() as one, world() as made:
        link = await open_sse(made.wire(one), 5.0)
        one.on["ping"] = always(http(status, b"no", "text/plain"))
        with pytest.raises(LinkClosed, match=f"answered with HTTP {status}"):
            await link.send(PING)
        one.on["ping"] = hang_up
        with pytest.raises(LinkClosed, match="posting a message failed"):
            await link.send(PING)
        await link.aclose()
