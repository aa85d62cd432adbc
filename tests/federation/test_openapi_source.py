import gzip
import json
import logging
import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from fedgate.core.errors import UpstreamError, UpstreamInvalid, UpstreamRefused
from fedgate.federation.openapi_document import Broken
from fedgate.federation.openapi_settings import OpenApiServer
from fedgate.federation.openapi_shown import Showing
from fedgate.federation.openapi_source import MAX_DOCUMENT, MAX_WARNINGS, Api, Source, in_thread, parsed
from tests.core.http_peer import LIMIT, Received, Wire, background, opened, peer, until
from tests.federation.openapi_kit import PETSTORE, TRACKS

pytestmark = pytest.mark.anyio
HEADERS = ((b"authorization", b"Bearer t"),)


async def load(headers: Any = (), **settings: Any) -> Api:
    async with opened() as http:
        return await Source("crm", OpenApiServer(**settings), http).load(Showing(headers))


class Site:
    """Answers every request with the same document."""

    def __init__(self, body: bytes, status: int = 200, extra: bytes = b"") -> None:
        self.head = b"HTTP/1.1 %d X\r\n%bcontent-length: %d\r\n\r\n" % (status, extra, len(body))
        self.body = body
        self.received: list[Received] = []

    async def __call__(self, wire: Wire) -> None:
        while True:
            self.received.append(await wire.request())
            wire.send(self.head + self.body)


async def test_a_yaml_file_becomes_tools_and_a_greeting() -> None:
    api = await load(openapi=str(PETSTORE))
    assert len(api.tools.operations) == 10
    assert api.greeting.info == {"name": "Pet store", "version": "1.2.0"}
    assert api.greeting.capabilities == {"tools": {}}
    assert api.greeting.instructions == "Pets, their photos and their owners."


async def test_a_url_is_fetched_and_its_servers_are_relative_to_it() -> None:
    site = Site(TRACKS.read_bytes())
    async with peer(site) as served:
        api = await load(HEADERS, openapi=f"{served.target.origin}/docs/openapi.json?v=2")
        assert api.tools.operations["tracks_get"].target.path == "/api"
        assert api.tools.operations["tracks_get"].target.origin == served.target.origin
    (received,) = site.received
    assert received.target == b"/docs/openapi.json?v=2"
    assert received.header(b"authorization") == b"Bearer t"
    assert received.header(b"accept") == b"application/json, application/yaml;q=0.9, */*;q=0.1"


async def test_credentials_do_not_go_to_another_host_than_the_apis() -> None:
    site = Site(TRACKS.read_bytes())
    async with peer(site) as served:
        url = f"{served.target.origin}/openapi.json"
        await load(HEADERS, openapi=url, base_url="http://api.example.com")
        await load(HEADERS, openapi=url, base_url=f"{served.target.origin}/v1")
    assert [each.header(b"authorization") for each in site.received] == [None, b"Bearer t"]


async def test_a_compressed_document_is_decompressed() -> None:
    async with peer(Site(gzip.compress(TRACKS.read_bytes()), extra=b"content-encoding: gzip\r\n")) as served:
        assert (await load(openapi=f"{served.target.origin}/x")).tools.operations


@pytest.mark.parametrize(
    ("status", "extra", "said"),
    [
        (404, b"", "its document was not given: HTTP 404 Not Found"),
        (301, b"location: /new\r\n", "its document was not given: HTTP 301 Moved Permanently, location: /new"),
    ],
)
async def test_a_document_that_is_not_given_is_said(status: int, extra: bytes, said: str) -> None:
    async with peer(Site(b"no", status, extra)) as served:
        with pytest.raises(UpstreamInvalid, match=said):
            await load(openapi=f"{served.target.origin}/x")


async def test_a_host_that_is_not_there_is_an_upstream_error() -> None:
    async with peer(Site(b"")) as served:
        url = f"{served.target.origin}/x"
    with pytest.raises(UpstreamRefused):
        await load(openapi=url)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "its document cannot be used: it is not valid JSON: Input data was truncated"),
        (b"a: [", "its document cannot be used: it is not valid YAML: line 1, column 5"),
        (b"\xff\xfe", "it is not valid YAML"),
        (b"", "it is no OpenAPI document"),
        (b"swagger: '2.0'", "it is Swagger 2.0"),
        (b"openapi: 3.1.0\npaths: {/x: {get: {}}}", "set base_url in the manifest"),
        (b"[" * 100_000, "cannot be used"),
        (b"{" + b'"a":{' * 100_000, "cannot be used"),
    ],
)
async def test_a_broken_document_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UpstreamInvalid) as caught:
        await load(openapi=str(tmp_path / "x"))
    assert said in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


async def test_a_file_that_cannot_be_read_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UpstreamInvalid, match=r"^its document gone\.yaml cannot be read: No such file or directory$"):
        await load(openapi=str(tmp_path / "gone.yaml"))
    with pytest.raises(UpstreamInvalid, match="cannot be read: Is a directory"):
        await load(openapi=str(tmp_path))


async def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(MAX_DOCUMENT + 1)
    with pytest.raises(UpstreamInvalid, match=r"its document large\.json cannot be read: it is larger than 64 MiB"):
        await load(openapi=str(tmp_path / "large.json"))


async def test_a_file_is_changed_when_it_is_another_and_not_while_it_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(TRACKS.read_bytes())
    async with opened() as http:
        source = Source("crm", OpenApiServer(openapi=str(file), base_url="http://h"), http)
        await source.load(Showing())
        assert not await source.changed()
        file.unlink()
        assert not await source.changed()
        file.write_bytes(TRACKS.read_bytes() + b" ")
        os.utime(file, ns=(1, 1))
        assert await source.changed()
        await source.load(Showing())
        assert not await source.changed()


async def test_a_url_is_not_watched() -> None:
    async with opened() as http:
        assert not await Source("crm", OpenApiServer(openapi="http://127.0.0.1:1/x"), http).changed()


async def test_what_is_left_out_is_logged_but_not_without_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths: dict[str, Any] = {f"/{number}": {"get": {"parameters": [{"in": "x"}]}} for number in range(MAX_WARNINGS + 5)}
    (tmp_path / "x.json").write_text(json.dumps({"openapi": "3.1.0", "paths": {"/ok": {"get": {}}, **paths}}))
    with caplog.at_level(logging.WARNING, "fedgate.server"):
        await load(openapi=str(tmp_path / "x.json"), base_url="http://h")
    assert len(caplog.messages) == MAX_WARNINGS + 1
    assert caplog.messages[0].startswith("server crm: GET /0 (get_0) is left out: it has a parameter ''")
    assert caplog.messages[-1] == "server crm: 5 more of this kind"


async def test_a_thread_is_told_when_nobody_waits_for_it() -> None:
    began, told = Event(), Event()

    def work(stop: Event) -> None:
        began.set()
        if stop.wait(LIMIT):
            told.set()

    async with background(in_thread(work)):
        await until(began.is_set)
    await until(told.is_set)


def test_json_and_yaml_are_told_apart_by_their_beginning() -> None:
    assert parsed(b'\xef\xbb\xbf \n{"a": 1}', Event()) == {"a": 1}
    assert parsed(b"\xef\xbb\xbfa: 1", Event()) == {"a": 1}
    with pytest.raises(Broken, match="not valid JSON"):
        parsed(b"{a: 1}", Event())


async def test_every_failure_is_of_the_error_tree() -> None:
    async with peer(Site(b"x", extra=b"content-encoding: br\r\n")) as served:
        with pytest.raises(UpstreamError):
            await load(openapi=f"{served.target.origin}/x")
