"""The client under test is the gateway's upstream side: what the suite starts for each client scenario.

    python tests/conformance/client_leg.py [--front legacy|modern] URL

The suite names the scenario and its server (the last argument); here a gateway is started
with that server as its only one, in the era that it finds out for itself, and a plain SDK
client does through the gateway what the scenario expects. All ends with this process.
Above it: `client_leg_run.py`; below: `client_leg_auth.py`. It must not know how a scenario judges.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if not __package__:  # started as a script: make the `tests` namespace importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import anyio
from mcp import Client, types
from mcp.shared.exceptions import MCPDeprecationWarning

from tests.conformance import runs
from tests.conformance.client_leg_auth import upstream
from tests.conformance.gateway import LOG, running_gateway
from tests.conformance.processes import RunnerError

SERVER = "suite"
SECONDS = 30.0
"""For everything that the client does."""
SAMPLES: Mapping[str, Any] = {"string": "x", "number": 1.5, "integer": 1, "boolean": True, "array": [], "object": {}}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Play one client scenario of the suite through a gateway.")
    parser.add_argument("--front", choices=("legacy", "modern"), help="the client's era; default: the scenario's")
    parser.add_argument("url", help="the scenario's server")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwind, so that the gateway does not stay behind
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # the handshake era is spoken on purpose
    revision = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", runs.LEGACY)
    front = options.front or ("legacy" if revision == runs.LEGACY else "modern")
    scenario = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    try:
        with _gateway(upstream(options.url, scenario, context)) as url:
            anyio.run(play, url, front, scenario, context)
    except RunnerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


@contextmanager
def _gateway(server: Mapping[str, Any]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="client-leg-") as folder:
        try:
            with running_gateway({SERVER: server}, Path(folder)) as url:
                yield f"{url}/mcp"
        finally:
            sys.stderr.write((Path(folder) / LOG).read_text())


@dataclass
class Play:
    """A client in a scenario: what it was given, and what it found."""

    client: Client
    given: Mapping[str, Any]
    tools: Mapping[str, types.Tool] = field(default_factory=dict)

    async def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> types.CallToolResult:
        fitting = sample(self.tools[name].input_schema) if arguments is None else dict(arguments)
        return await self.client.call_tool(name, fitting)


def sample(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that fit a tool's schema: one plain value for each property."""
    return {name: SAMPLES[part.get("type", "string")] for name, part in schema.get("properties", {}).items()}


async def play(url: str, front: str, scenario: str, given: Mapping[str, Any]) -> None:
    """Connect, list, and do what the scenario is about."""
    act: Play | None = None

    async def fill_in(context: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        if scenario == "sep-2322-client-request-state" and act is not None:
            await act.call("test_mrtr_unrelated", {})  # between the rounds of another call
        return types.ElicitResult(action="accept", content=defaults(params))

    mode = "legacy" if front == "legacy" else runs.MODERN
    client = Client(
        url + VIEWS.get(scenario, ""),
        mode=mode,
        elicitation_callback=fill_in,
        sampling_callback=_sampled,
        list_roots_callback=_roots,
    )
    with anyio.fail_after(SECONDS):
        async with client:
            act = Play(client, given)
            act.tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            await SCENES.get(scenario, call_everything)(act)


def defaults(params: types.ElicitRequestParams) -> dict[str, Any]:
    """What a form says if nobody touches it."""
    schema = params.requested_schema if isinstance(params, types.ElicitRequestFormParams) else {}
    fields = schema.get("properties", {})
    return {name: part.get("default", SAMPLES[part.get("type", "string")]) for name, part in fields.items()}


async def _sampled(context: object, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    return types.CreateMessageResult(role="assistant", content=types.TextContent(text="x"), model="none")


async def _roots(context: object) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[])


async def call_everything(act: Play) -> None:
    for name in act.tools:
        await act.call(name)


async def look_only(act: Play) -> None:
    """The tools were listed; that was all."""


async def use_everything(act: Play) -> None:
    await call_everything(act)
    for resource in (await act.client.list_resources()).resources:
        await act.client.read_resource(resource.uri)
    for prompt in (await act.client.list_prompts()).prompts:
        await act.client.get_prompt(prompt.name)


async def call_unlisted(act: Play) -> None:
    """The scenario's server lists no tool, and answers any."""
    await act.call("unlisted", {})


async def call_as_told(act: Play) -> None:
    for call in act.given["toolCalls"]:
        await act.call(call["name"], call["arguments"])


async def echo_schema(act: Play) -> None:
    schema = act.tools["json_schema_2020_12_tool"].input_schema
    await act.call("json_schema_echo", {"schema": schema})


async def find_nothing(act: Play) -> None:
    """The gateway does not believe the server's issuer, and so has nothing to show to the server."""
    if act.tools:
        raise RunnerError(f"the gateway lists {', '.join(act.tools)}")


VIEWS = {"request-metadata": f"/{SERVER}"}
"""Where the server's own view is needed, which passes on what it does not know."""

SCENES: Mapping[str, Callable[[Play], Awaitable[None]]] = {
    "request-metadata": call_unlisted,
    "http-standard-headers": use_everything,
    "http-custom-headers": call_as_told,
    "json-schema-ref-no-deref": look_only,
    "json-schema-2020-12-preservation": echo_schema,
    "auth/metadata-issuer-mismatch": find_nothing,
}


if __name__ == "__main__":
    sys.exit(main())
