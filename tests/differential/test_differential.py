"""The same random traffic straight to a server and through the gateway: nothing differs but what is documented.

`renames.py` is that documentation. Both eras in front, both behind, the server's own view
and the aggregate's. Every example can be repeated: the choice is the same each time.
`DIFFERENTIAL=N` chooses anew, N examples a test.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings

from tests.differential.exact import Json, Number, exact, mended
from tests.differential.odd_server import INFO, MEMBER, STATUS, World
from tests.differential.renames import Era, View, answer, list_members, listed, same_but_names, wanted
from tests.differential.stage import VIEWS, Heard, Line, Stage, stage
from tests.differential.traffic import Request, requests, worlds

EXPLORE = int(os.environ.get("DIFFERENTIAL", "0"))
HEADED = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
    },
}
WORLD = World(
    {
        "tools/list": [
            exact(tool)
            for tool in (
                {"name": "plain", "inputSchema": {"type": "object"}},
                {"name": "with.dot/and slash", "inputSchema": {"type": "object"}},
                {
                    "name": "日本語",
                    "inputSchema": {},
                    "title": "T\u00fcr",
                    "_meta": {"ui": {"resourceUri": "ui://app/x"}},
                },
                {"name": "long" * 40, "inputSchema": {"type": "object"}},
                {"name": "headed", "inputSchema": HEADED},
                {"name": "a_b", "inputSchema": {"$ref": "https://example.com/s"}},
                {"name": "a__b", "inputSchema": {"type": "object"}, "x-vendor": [1.0, None]},
            )
        ],
        "prompts/list": [exact({"name": name}) for name in ("greet", "grüß", "a.b", "x" * 60)],
        "resources/list": [
            exact({"uri": uri, "name": uri})
            for uri in (
                "odd://one",
                "https://example.com/x",
                "ui://app/main.html",
                "urn:isbn:0451450523",
                "file:///a%20b",
            )
        ],
        "resources/templates/list": [
            exact({"uriTemplate": template, "name": template})
            for template in ("odd://items/{id}/data", "https://example.com/t/{x}")
        ],
    }
)


def bounded(examples: int) -> settings:
    """Settings of a test with so many examples."""
    return settings(
        max_examples=EXPLORE or examples,
        derandomize=not EXPLORE,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


class Running:
    """A stage in a loop of its own, spoken to from the test's thread."""

    def __init__(self, portal: BlockingPortal, stage: Stage) -> None:
        self.portal = portal
        self.stage = stage
        self.names = {view: portal.call(stage.names, view) for view in VIEWS}

    def direct(self, request: Request) -> Heard:
        return self.portal.call(self.stage.direct, request)

    def through(self, view: View, request: Request) -> Heard:
        return self.portal.call(self.stage.through, view, request, self.names[view])

    def lists(self, line: Line, method: str) -> tuple[list[Json], list[Json]]:
        return self.portal.call(self.stage.lists, line, method)


@pytest.fixture(scope="module", params=["legacy", "modern"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with _running(request.param, tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="module", params=["legacy", "modern"])
def offering(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Another one: its world changes."""
    with _running(request.param, tmp_path_factory.mktemp("gateway")) as found:
        yield found


@contextmanager
def _running(back: Era, folder: Path) -> Iterator[Running]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(stage(back, WORLD, folder)) as found:
        yield Running(portal, found)


def differs(view: View, request: Request, straight: Heard, got: Heard) -> str:
    """Where the gateway's answer is another than it may be; empty if nowhere."""
    expected = [notice for notice in straight.notices if wanted(view, notice, request.level)]
    if got.notices != mended(expected):
        return f"notifications: {got.notices}\ninstead of: {expected}"
    if got.response["id"] != mended(request.id):
        return f"id: {got.response['id']}"
    end = answer(view, request.method, straight.answer)
    if got.answer != end:
        return f"answer: {got.answer}\ninstead of: {end}"
    code = int(end["error"]["code"].text) if "error" in end else 0
    status = STATUS.get(code, 200) if view.era == "modern" and not got.notices else 200
    return "" if got.status == status else f"HTTP status {got.status} instead of {status}"


@bounded(150)
@given(asked=requests(WORLD, unlisted=True))
def test_calls_through_the_servers_own_view_are_as_straight_to_it(running: Running, asked: Request) -> None:
    straight = running.direct(asked)
    for view in VIEWS[:2]:
        assert differs(view, asked, straight, running.through(view, asked)) == ""


@bounded(150)
@given(asked=requests(WORLD, unlisted=False))
def test_calls_through_the_aggregate_are_as_straight_to_the_server(running: Running, asked: Request) -> None:
    straight = running.direct(asked)
    for view in VIEWS[2:]:
        assert differs(view, asked, straight, running.through(view, asked)) == ""


@bounded(25)
@given(world=worlds)
def test_lists_are_those_of_the_server_whatever_it_lists(offering: Running, world: World) -> None:
    offering.portal.call(offering.stage.change, world)
    for method, member in MEMBER.items():
        straight, pages = offering.lists(offering.stage.straight, method)
        assert straight == world.items[method]
        for view, line in offering.stage.lines.items():
            got, (page,) = offering.lists(line, method)
            expected = listed(view, method, straight)
            assert same_but_names(view, method, expected, got), (view, expected, got)
            beside = {key: part for key, part in page.items() if key not in (member, "_meta")}
            if not view.prefix:
                assert beside == list_members(view, pages[0])
            assert beside.keys() == list_members(view, pages[0]).keys()


def test_the_servers_own_view_says_of_itself_what_the_server_says(running: Running) -> None:
    said = running.stage.server.greeting({})
    legacy = running.portal.call(_greeting, running.stage.lines[View("legacy")])
    assert legacy == {**_without(said, "resultType", "ttlMs", "cacheScope"), "protocolVersion": "2025-11-25"}
    modern = running.portal.call(running.stage.lines[View("modern")].ask, Request("server/discover", {})).answer[
        "result"
    ]
    assert modern.pop("_meta") == exact({"io.modelcontextprotocol/serverInfo": INFO})
    assert _without(modern, "ttlMs", "cacheScope", "resultType", "supportedVersions") == _without(
        said, "ttlMs", "cacheScope", "resultType", "serverInfo"
    )
    assert modern["supportedVersions"][0] == "2026-07-28"


async def _greeting(line: Any) -> Json:
    return exact((await line.session()).greeting)


def _without(members: Mapping[str, Json], *keys: str) -> Json:
    return {key: part for key, part in members.items() if key not in keys}


@pytest.mark.parametrize("view", VIEWS[2:], ids=["legacy", "modern"])
def test_the_aggregate_has_no_methods_that_nobody_knows(running: Running, view: View) -> None:
    heard = running.through(view, Request("vendor/method", {}))
    assert heard.answer["error"]["code"] == Number("-32601")


@pytest.mark.parametrize("view", VIEWS[:2], ids=["legacy", "modern"])
def test_a_number_beyond_all_doubles_stands_beside_an_argument_that_a_header_repeats(
    running: Running, view: View
) -> None:
    asked = Request("tools/call", {"name": "headed", "arguments": {"region": "eu", "n": Number("1e400")}})
    assert differs(view, asked, running.direct(asked), running.through(view, asked)) == ""
