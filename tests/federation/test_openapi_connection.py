import asyncio
import base64
import gzip
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from fedgate.core.errors import UpstreamInvalid, UpstreamRefused, UpstreamTimeout
from fedgate.core.http_client import HttpClient
from fedgate.core.rawjson import fields
from fedgate.federation.messages import Outbound, answer_of_call
from fedgate.federation.openapi_connection import MAX_ANSWER, OpenApi
from fedgate.federation.openapi_settings import OpenApiServer
from fedgate.federation.openapi_shown import Showing
from fedgate.federation.openapi_source import Source
from tests.core.http_peer import background, opened, until
from tests.federation.openapi_api import Caller, connected, http, http_api
from tests.federation.openapi_kit import PETSTORE, TRACKS

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n"


async def test_it_lists_and_greets_without_asking_anybody() -> None:
    async with http_api() as api, connected(api.base_url) as caller:
        assert (await caller.names())[:2] == ["listPets", "addPet"]
        found = json.loads((await caller.ask("server/discover")).result)
        assert found == {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        assert caller.connection.greeting.info["name"] == "Pet store"
        assert (caller.connection.era, caller.connection.shared, caller.connection.busy) == ("modern", True, False)
        assert not await caller.connection.listen({})
        await caller.connection.notify("notifications/initialized", b"{}")
    assert api.seen == []


@pytest.mark.parametrize(
    ("method", "params", "code", "said"),
    [
        ("prompts/list", {}, -32601, "Method not found: prompts/list"),
        ("tools/call", {"name": "nope"}, -32602, "Unknown tool: nope"),
        ("tools/call", {"arguments": {}}, -32602, "Unknown tool: "),
        ("tools/call", {"name": "getPet", "arguments": [1]}, -32602, "params.arguments must be an object"),
    ],
)
async def test_what_it_does_not_know_is_a_protocol_error(
    method: str, params: dict[str, Any], code: int, said: str
) -> None:
    async with connected("http://127.0.0.1:1") as caller:
        error = json.loads((await caller.ask(method, params)).error)
    assert (error["code"], error["message"]) == (code, said)


async def test_a_call_is_a_request_and_its_answer_a_result() -> None:
    async with http_api() as api, connected(api.base_url, {"Authorization": "Bearer t"}) as caller:
        api.on["GET /v1/pets/7"] = http(200, b'{"id": 7, "name": "Rex"}')
        found = await caller.tool("getPet", petId=7)
        assert found["structuredContent"] == {"id": 7, "name": "Rex"}
        assert found["content"] == [{"type": "text", "text": '{"id": 7, "name": "Rex"}'}]
        (received,) = api.seen
        assert (received.method, received.target) == (b"GET", b"/v1/pets/7")
        assert received.header(b"authorization") == b"Bearer t"
        assert received.header(b"user-agent") == b"fedgate/1"
        assert received.header(b"content-type") is None


async def test_a_request_says_to_which_trace_it_belongs() -> None:
    async with http_api() as api, connected(api.base_url, {"X-Key": "k"}) as caller:
        params = fields(b'{"name":"getPet","arguments":{"petId":7}}')
        outbound = Outbound("tools/call", params, {}, trace=((b"traceparent", b"00-1-2-01"),))
        await answer_of_call(caller.connection.call(outbound))
        (received,) = api.seen
        assert (received.header(b"traceparent"), received.header(b"x-key")) == (b"00-1-2-01", b"k")


async def test_bodies_of_every_kind_arrive() -> None:
    image = base64.b64encode(PNG).decode()
    async with http_api() as api, connected(api.base_url) as caller:
        await caller.tool("addPet", **{"X-Tenant": "t", "name": "Rex"})
        await caller.tool("setPhoto", petId=7, body=image)
        await caller.tool("uploadPhoto", petId=7, file=image, tags=["a", "b"], meta={"a": 1})
        await caller.tool("search", q="a b", range={"from": 1})
        await caller.tool("deletePet", petId=7)
    shown = [(each.method, each.header(b"content-type"), each.body) for each in api.seen]
    assert shown[0] == (b"POST", b"application/json", b'{"name":"Rex"}')
    assert shown[1] == (b"PUT", b"image/png", PNG)
    assert shown[2][1] is not None
    assert shown[2][1].startswith(b"multipart/form-data; boundary=")
    assert PNG in shown[2][2]
    assert shown[3] == (b"POST", b"application/x-www-form-urlencoded", b"q=a%20b&range%5Bfrom%5D=1")
    assert shown[4] == (b"DELETE", None, b"")


async def test_answers_of_every_kind_are_results() -> None:
    async with http_api() as api, connected(api.base_url) as caller:
        api.on["GET /v1/pets/7/photo"] = http(200, PNG, "image/png")
        api.on["DELETE /v1/pets/7"] = http(204, kind="")
        api.on["POST /v1/search"] = http(200, gzip.compress(b"a,b"), "text/csv", b"content-encoding: gzip\r\n")
        api.on["GET /v1/pets/8"] = http(404, b'{"message": "no such pet"}')
        api.on["GET /v1/pets/9"] = http(307, extra=b"location: http://127.0.0.1:1/stolen\r\n")
        photo = await caller.tool("getPhoto", petId=7)
        assert photo["content"] == [{"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}]
        assert (await caller.tool("deletePet", petId=7))["content"][0]["text"] == "HTTP 204 No Content"
        assert (await caller.tool("search", q="x"))["content"][0]["text"] == "a,b"
        missing = await caller.tool("getPet", petId=8)
        assert missing["isError"]
        assert missing["content"][0]["text"] == 'HTTP 404 Not Found\n\n{"message": "no such pet"}'
        moved = await caller.tool("getPet", petId=9)
        assert moved["isError"]
        assert "Redirects are not followed." in moved["content"][0]["text"]
    assert len(api.seen) == 5


async def test_a_bad_argument_is_a_tool_error_and_nothing_is_sent() -> None:
    async with http_api() as api, connected(api.base_url) as caller:
        found = await caller.tool("getPet", petId="../admin")
        assert found["isError"]
        assert "petId must not have . or .." in found["content"][0]["text"]
        assert (await caller.tool("getPet", pet=1))["isError"]
        assert (await caller.ask("tools/call", {"name": "getPet", "arguments": None})).result
    assert api.seen == []


async def test_an_api_that_is_not_there_is_an_upstream_error() -> None:
    async with http_api() as api:
        base = api.base_url
    async with connected(base) as caller:
        with pytest.raises(UpstreamRefused):
            await caller.tool("getPet", petId=7)


async def test_an_api_that_does_not_answer_in_time_is_a_timeout() -> None:
    async with http_api() as api, connected(api.base_url) as caller:
        api.on["GET /v1/pets/7"] = None
        with pytest.raises(UpstreamTimeout):
            await caller.tool("getPet", 0.05, petId=7)


async def test_an_answer_without_end_is_refused() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % (MAX_ANSWER + 1)
    async with http_api() as api, connected(api.base_url) as caller:
        api.on["GET /v1/pets/7"] = head + b"x" * (MAX_ANSWER + 1)
        with pytest.raises(UpstreamInvalid, match="longer than"):
            await caller.tool("getPet", petId=7)


async def test_a_cancelled_call_ends_its_request() -> None:
    async with http_api() as api, connected(api.base_url) as caller:
        api.on["GET /v1/pets/7"] = None
        async with background(caller.tool("getPet", petId=7)) as task:
            await until(lambda: bool(api.seen))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_headers_that_cannot_be_sent_are_said_without_their_value() -> None:
    async with http_api() as api, opened() as client:
        source = Source("pets", OpenApiServer(openapi=str(PETSTORE), base_url=api.base_url), client)
        headers = ((b"authorization", b"s3cret\r\n"),)
        connection = OpenApi(source, client, lambda _notice: None, agent="a", showing=Showing(headers))
        await connection.open()
        with pytest.raises(UpstreamInvalid, match="the request for getPet cannot be sent: the header") as caught:
            await Caller(connection, []).tool("getPet", petId=7)
        assert "s3cret" not in str(caught.value)
    assert api.seen == []


async def test_a_changed_file_is_taken_up_and_announced(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.write_bytes(PETSTORE.read_bytes())
    async with connected("http://127.0.0.1:1", openapi=str(file)) as caller:
        await caller.ask("server/discover")
        assert caller.heard == []
        file.write_bytes(TRACKS.read_bytes())
        await caller.ask("server/discover")
        assert caller.heard == ["notifications/tools/list_changed"]
        assert (await caller.names())[0] == "tracks_get"
        await caller.ask("server/discover")
        assert len(caller.heard) == 1


async def test_a_change_that_cannot_be_used_leaves_the_old_tools(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "api.yaml"
    file.write_bytes(PETSTORE.read_bytes())
    async with connected("http://127.0.0.1:1", openapi=str(file)) as caller:
        file.write_bytes(b"openapi: [")
        os.utime(file, ns=(1, 1))
        with caplog.at_level(logging.WARNING, "fedgate.server"):
            await caller.ask("server/discover")
            await caller.ask("server/discover")
        assert len(caplog.messages) == 1
        assert "it is not valid YAML" in caplog.messages[0]
        assert len(await caller.names()) == 10
        assert caller.heard == []


async def test_before_it_is_open_there_is_nothing_to_call() -> None:
    async with opened(HttpClient()) as client:
        source = Source("x", OpenApiServer(openapi="x"), client)
        connection = OpenApi(source, client, lambda _notice: None, agent="a")
        with pytest.raises(UpstreamInvalid, match="not loaded"):
            await anext(connection.call(Outbound("tools/list", {}, {})))
