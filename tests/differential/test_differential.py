"""The same random traffic straight to a server and through the gateway: nothing differs but what is documented.

`renames.py` is that documentation. Both eras in front, both behind, the server's own view
and the aggregate's. Every example can be repeated: the choice is the same each time.
`DIFFERENTIAL=N` chooses anew, N examples a test.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.differential.exact import Json, Number, exact, mended
from tests.differential.odd_server import INFO, INSTRUCTIONS, MEMBER, STATUS, World
from tests.differential.renames import Era, View, answer, listed, offered, same_but_names, wanted
from tests.differential.stage import SERVER, VIEWS, Heard, Stage, stage
from tests.differential.traffic import Request, requests, worlds
from tests.e2e.gateway import LIMIT

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


def bounded(examples: int) -> Any:
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


@pytest.fixture(scope="module", params=["legacy", "modern"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
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
