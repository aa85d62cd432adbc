"""What servers send arrives as it was sent: every byte that is not the gateway's own affair."""

import re
from pathlib import Path
from typing import Literal

import pytest

from tests.e2e.caller import Got, Modern
from tests.e2e.gateway import as_process, in_process, manifest_of
from tests.federation.upstreams import Seen, http, result, upstream

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "modern"]
both = pytest.mark.parametrize("back", ["legacy", "modern"])

TOOL = (
    b'{"name":"odd","title":"T\\u00fcr","description":"a \\/ b","x-vendor":{"z":1,"a":[1.0,1e5,-0]},'
    b'"inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","$ref":"https://example.com/s#/$defs/x",'
    b'"$defs":{"x":{"$anchor":"here","if":true}},"unevaluatedProperties":false},'
    b'"annotations":{"readOnlyHint":true,"madeUp":null},"icons":[{"src":"data:,x"}],'
    b'"_meta":{"com.example/x":{"deep":[[[]]]},"other":1}}'
)
CONTENT = (
    b'"content":[{"type":"hologram","angle":1.50,"data":{"b":2,"a":1}},{"type":"text","text":"\\ud83d\\ude00 \\u00e9",'
    b'"annotations":{"audience":["user"],"priority":0.10},"_meta":{"k":null}}],'
    b'"structuredContent":{"big":12345678901234567890,"float":1E+2},"isError":false,'
    b'"x-unknown":{"kept":[true,false,null]},"_meta":{"com.example/trace":"t"}'
)


def _listing(back: Era) -> bytes:
    more = b',"resultType":"complete","ttlMs":1000,"cacheScope":"public"' if back == "modern" else b""
    return b'{"tools":[%b]%b}' % (TOOL, more)


async def _odd(seen: Seen) -> bytes:
    return http(200, result(seen, b"{%b}" % CONTENT))


@both
async def test_unknown_fields_and_content_types_arrive_bit_equal(back: Era, tmp_path: Path) -> None:
    async def listing(seen: Seen) -> bytes:
        return http(200, result(seen, _listing(back)))

    async with upstream(back) as one:
        one.on["tools/list"], one.on["tools/call"] = listing, _odd
        async with as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
            session, modern = await gateway.legacy(), gateway.modern()
            renamed = TOOL.replace(b'"name":"odd"', b'"name":"one__odd"')
            for got in (await session.call("tools/list"), await modern.call("tools/list")):
                assert renamed in got.body
            untouched = Modern(gateway.at("one"))
            assert TOOL in (await untouched.call("tools/list")).body
            for got in (
                await session.tool("one__odd"),
                await modern.tool("one__odd"),
                await untouched.tool("odd"),
            ):
                assert CONTENT in got.body


@both
async def test_what_a_client_sends_reaches_the_server_bit_equal(back: Era, tmp_path: Path) -> None:
    arguments = b'{"z":1.0,"a":[1e5,-0],"\\u00e9":"\\ud83d\\ude00","n":12345678901234567890,"o":{"b":null,"a":{}}}'
    vendor = b'"com.example/x":{"deep":[[1.50]]}'
    async with upstream(back) as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        session, modern = await gateway.legacy(), gateway.modern()
        head = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"one__echo","arguments":'
        await session.send(head + arguments + b',"x-more":[1.0],"_meta":{' + vendor + b"}}}")
        body = modern.body("tools/call", {"name": "one__echo", "arguments": {"M": 1}, "x-more": ["N"]})
        body = body.replace(b'{"M":1}', arguments).replace(b'["N"]', b"[1.0]")
        body = body.replace(b'"_meta":{', b'"_meta":{' + vendor + b",")
        await gateway.caller.send("POST", modern.head("tools/call", "one__echo"), body)
        for seen in one.all("tools/call"):
            assert arguments in seen.received.body
            assert b'"x-more":[1.0]' in seen.received.body
            assert vendor in seen.received.body
            assert seen.params["name"] == "echo"


@both
async def test_arrays_as_structured_content_reach_modern_clients_alone(back: Era, tmp_path: Path) -> None:
    async def answer(seen: Seen) -> bytes:
        return http(200, result(seen, b'{"content":[],"structuredContent":[1,2]}'))

    async with upstream(back) as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        one.on["tools/call"] = answer
        session, modern = await gateway.legacy(), gateway.modern()
        assert "structuredContent" not in (await session.tool("one__echo")).message["result"]
        assert (await modern.tool("one__echo")).message["result"]["structuredContent"] == [1, 2]


LINKS = (
    b'{"content":[{"type":"resource_link","uri":"file:///a.txt","name":"a","x":1.0},'
    b'{"type":"resource","resource":{"uri":"note://b","text":"file:///a.txt"}},'
    b'{"type":"resource_link","uri":"https://example.com/c","name":"c"}]}'
)


@both
async def test_uris_in_results_are_those_under_which_they_can_be_read(back: Era, tmp_path: Path) -> None:
    async def answer(seen: Seen) -> bytes:
        return http(200, result(seen, LINKS))

    async def read(seen: Seen) -> bytes:
        return http(200, result(seen, {"contents": [{"uri": seen.params["uri"], "text": "read"}]}))

    async with upstream(back) as one:
        one.capabilities["resources"] = {}
        one.lists = {"resources": [{"uri": "file:///a.txt", "name": "a"}], "resourceTemplates": []}
        one.on["tools/call"], one.on["resources/read"] = answer, read
        async with in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
            session, modern = await gateway.legacy(), gateway.modern()
            for client in (session, modern):
                got = await client.tool("one__echo")
                assert _uris(got) == [b"one+file:///a.txt", b"one+note://b", b"https://example.com/c"]
                assert b'"x":1.0' in got.body
                assert b'"text":"file:///a.txt"' in got.body
                for uri in ("one+file:///a.txt", "one+note://b"):
                    read_back = await client.call("resources/read", {"uri": uri})
                    assert _uris(read_back) == [uri.encode()]
            untouched = Modern(gateway.at("one"))
            assert _uris(await untouched.tool("echo")) == [b"file:///a.txt", b"note://b", b"https://example.com/c"]


def _uris(got: Got) -> list[bytes]:
    return re.findall(rb'"uri":"([^"]*)"', got.body)
