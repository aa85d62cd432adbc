"""A conforming upstream: every fixture the official suite calls, on the SDK's low-level server.

    python tests/conformance/everything_server.py [--port N] [--era both|legacy|modern]
                                                  [--transport http|stdio|sse]

Assembles the shelves of fixtures into one server. Each request becomes a `Turn`; what a
fixture returns or raises becomes a result, an `input_required` or an error here and only here.
"""

import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

if not __package__:  # started as a script: make the `tests` namespace importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mcp import types
from mcp.server import CacheHint, InitializationOptions, NotificationOptions, Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError

from tests.conformance import fixtures_catalog, fixtures_content, fixtures_dialog, serving
from tests.conformance.kit import Context, FixtureFailed, InputNeeded, PromptFixture, ToolFixture, Turn, answers_of
from tests.conformance.world import World

NAME = "everything"
SHELVES = (fixtures_content.shelf, fixtures_dialog.shelf, fixtures_catalog.shelf)
TOOLS: dict[str, ToolFixture] = {name: tool for shelf in SHELVES for name, tool in shelf.tools.items()}
PROMPTS: dict[str, PromptFixture] = {name: one for shelf in SHELVES for name, one in shelf.prompts.items()}
DYNAMIC_TOOL = types.Tool(
    name="test_dynamic_tool", description="Comes and goes.", input_schema={"type": "object", "properties": {}}
)
DYNAMIC_PROMPT = types.Prompt(name="test_dynamic_prompt", description="Comes and goes.", arguments=[])

T = TypeVar("T")
Params = types.CallToolRequestParams | types.GetPromptRequestParams
Page = types.PaginatedRequestParams | None


class EverythingServer(Server[Any]):
    """The SDK's server, except that the handshake promises list-changed notifications too."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        told = notification_options or NotificationOptions(True, True, True)
        return super().create_initialization_options(told, experimental_capabilities, extensions)


def unknown(kind: str, name: str) -> MCPError:
    return MCPError(types.INVALID_PARAMS, f"Unknown {kind}: {name}")


class Handlers:
    """The request handlers of one server process."""

    def __init__(self) -> None:
        self.world = World()

    def _turn(self, ctx: Context, params: Params) -> Turn:
        return Turn(ctx, self.world, params.arguments or {}, answers_of(params))

    async def list_tools(self, ctx: Context, params: Page) -> types.ListToolsResult:
        listed = [fixture.tool for fixture in TOOLS.values()]
        return types.ListToolsResult(tools=[*listed, *([DYNAMIC_TOOL] if self.world.extra_tool else [])])

    async def call_tool(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        if params.name == DYNAMIC_TOOL.name and self.world.extra_tool:
            return types.CallToolResult(content=[types.TextContent(text="here for now")])
        if params.name not in TOOLS:
            raise unknown("tool", params.name)
        try:
            output = await _or_input_required(TOOLS[params.name].body(self._turn(ctx, params)))
        except FixtureFailed as failure:
            return types.CallToolResult(content=[types.TextContent(text=str(failure))], is_error=True)
        if isinstance(output, types.InputRequiredResult):
            return output
        return types.CallToolResult(content=[types.TextContent(text=output)] if isinstance(output, str) else output)

    async def list_prompts(self, ctx: Context, params: Page) -> types.ListPromptsResult:
        listed = [fixture.prompt for fixture in PROMPTS.values()]
        return types.ListPromptsResult(prompts=[*listed, *([DYNAMIC_PROMPT] if self.world.extra_prompt else [])])

    async def get_prompt(
        self, ctx: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        if params.name not in PROMPTS:
            raise unknown("prompt", params.name)
        fixture = PROMPTS[params.name]
        required = {argument.name for argument in fixture.prompt.arguments or []}
        if missing := required - set(params.arguments or {}):
            raise MCPError(types.INVALID_PARAMS, f"missing prompt arguments: {', '.join(sorted(missing))}")
        messages = await _or_input_required(fixture.body(self._turn(ctx, params)))
        if isinstance(messages, types.InputRequiredResult):
            return messages
        return types.GetPromptResult(description=fixture.prompt.description, messages=messages)

    async def list_resources(self, ctx: Context, params: Page) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=list(fixtures_catalog.resources(self.world)))

    async def list_templates(self, ctx: Context, params: Page) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=[fixtures_catalog.TEMPLATE])

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        contents = fixtures_catalog.read(params.uri, self.world)
        if contents is None:
            raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": params.uri})
        return types.ReadResourceResult(contents=[contents])

    async def subscribe(self, ctx: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        self.world.subscribed.add(params.uri)
        return types.EmptyResult()

    async def unsubscribe(self, ctx: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        self.world.subscribed.discard(params.uri)
        return types.EmptyResult()

    async def complete(self, ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        return types.CompleteResult(completion=fixtures_catalog.complete(params.argument))

    async def set_level(self, ctx: Context, params: types.SetLevelRequestParams) -> types.EmptyResult:
        return types.EmptyResult()

    async def remember_session(self, ctx: Context, params: types.NotificationParams) -> None:
        self.world.sessions.append(ctx.session)


async def _or_input_required(body: Awaitable[T]) -> T | types.InputRequiredResult:
    try:
        return await body
    except InputNeeded as needed:
        return needed.result


def _schema_of(name: str) -> dict[str, Any] | None:
    return TOOLS[name].tool.input_schema if name in TOOLS else None


def build() -> EverythingServer:
    """One server with all fixtures; state is fresh per call."""
    handlers = Handlers()
    hint = CacheHint(ttl_ms=1000, scope="public")
    server = EverythingServer(
        NAME,
        version="1.0.0",
        instructions="Fixtures for the conformance suite.",
        cache_hints={
            "server/discover": hint,
            "tools/list": hint,
            "prompts/list": hint,
            "resources/list": hint,
            "resources/templates/list": hint,
            "resources/read": hint,
        },
        get_tool_input_schema=_schema_of,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_subscribe_resource=handlers.subscribe,
        on_unsubscribe_resource=handlers.unsubscribe,
        on_completion=handlers.complete,
        on_subscriptions_listen=ListenHandler(handlers.world.bus),
    )
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, handlers.set_level)
    server.add_notification_handler("notifications/initialized", types.NotificationParams, handlers.remember_session)
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME))
    return server


if __name__ == "__main__":
    serving.main(build())
