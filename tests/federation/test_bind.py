"""From an HTTP request to one routed message of a session that the caller owns."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from fedgate.core.call import Call, Principal, Record
from fedgate.core.clock import SystemClock
from fedgate.core.errors import BadRequest, MethodNotAllowed, NotFound, RpcError
from fedgate.federation.bind import Binder, owner_of
from fedgate.federation.client import ClientSession
from fedgate.federation.inbound import Inbound, Wire
from fedgate.federation.task_ids import TaskIds
from fedgate.sessions.table import SessionTable
from tests.federation.connections import hub_over
from tests.federation.fakes import dump, modern, request
from tests.federation.upstreams import upstream

pytestmark = pytest.mark.anyio

ALICE, BOB = Principal("alice", "key"), Principal("bob", "key")


class House:
    """A binder, and sessions of its table."""

    def __init__(self, binder: Binder, sessions: SessionTable) -> None:
        self.binder = binder
        self.sessions = sessions

    def open(self, owner: Principal = ALICE, view: str = "", version: str = "2025-11-25") -> str:
        data = {"version": version, "capabilities": b"{}", "info": b"{}"}
        record = self.sessions.open("mcp", f"{owner.kind}:{owner.id}", view, data)
        record.attachment = ClientSession(record, lambda _session: None)
        return record.id

    async def bind(self, call: Call) -> Call:
        self.last = call
        return await self.binder.bind(call)

    def legacy(
        self, session: str, message: object, *, who: Principal = ALICE, view: str = "", method: str = "POST"
    ) -> Call:
        headers = {b"mcp-session-id": session.encode(), b"mcp-protocol-version": b"2025-11-25"}
        head = request(headers, method, b"" if method != "POST" else dump(message))
        return Call("mcp", head, Record(head, "mcp", 0.0), view, principal=who)

    def modern(self, method: str, params: dict[str, Any], *, view: str = "", **headers: bytes) -> Call:
        _, head = modern(method, params, **headers)
        return Call("mcp", head, Record(head, "mcp", 0.0), view, principal=ALICE)


@asynccontextmanager
async def house(tools: list[Any] | None = None) -> AsyncIterator[House]:
    async with upstream() as one, AsyncExitStack() as stack:
        one.tools = tools or one.tools
        hub = await stack.enter_async_context(hub_over(one=one))
        sessions = SessionTable(SystemClock(), idle=60.0, limit=10)
        try:
            yield House(Binder(hub, sessions, TaskIds(bytes(32))), sessions)
        finally:
            sessions.close()


def message(method: str, params: object = None, ident: object = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params or {}}


ECHO = message("tools/call", {"name": "one__echo"})


async def test_a_call_is_routed_and_the_record_knows_what_it_is() -> None:
    async with house() as at:
        session = at.open()
        bound = await at.bind(at.legacy(session, ECHO))
        assert (bound.operation, bound.target) == ("tools/call", "one")
        inbound: Inbound = bound.message
        assert inbound.route is not None
        assert (inbound.route.server, inbound.route.name) == ("one", "echo")
        record = bound.record
        assert (record.operation, record.target, record.session) == ("tools/call", "one", session)
        assert record.fields == {"mcp.method.name": "tools/call", "gen_ai.tool.name": "echo", "mcp.server": "one"}
        assert record.wire == Wire("legacy", b"1", accepted=True)
        assert bound.session.record.turns == 1


async def test_a_modern_call_needs_no_session() -> None:
    async with house() as at:
        bound = await at.bind(at.modern("tools/call", {"name": "one__echo"}, mcp_name=b"one__echo"))
        assert (bound.operation, bound.target, bound.session) == ("tools/call", "one", None)
        assert bound.record.wire == Wire("modern", b"1", accepted=False)


async def test_lists_and_pings_are_for_no_server() -> None:
    async with house() as at:
        session = at.open()
        for method in ("tools/list", "ping", "logging/setLevel"):
            bound = await at.bind(at.legacy(session, message(method)))
            assert (bound.target, bound.message.route) == ("", None)
        assert (await at.bind(at.modern("server/discover", {}))).target == ""


@pytest.mark.parametrize(
    ("owner", "view", "session"),
    [(BOB, "", None), (ALICE, "one", None), (ALICE, "", "unknown"), (ALICE, "", "")],
    ids=["foreign", "of another view", "unknown", "empty"],
)
async def test_a_session_is_found_by_its_owner_in_its_view_alone(
    owner: Principal, view: str, session: str | None
) -> None:
    async with house() as at:
        mine = at.open()
        shown = mine if session is None else session
        with pytest.raises(NotFound if shown else BadRequest) as missed:
            await at.bind(at.legacy(shown or "", ECHO, who=owner, view=view))
        if shown:
            assert missed.value.message == "Session not found; send initialize to open a new one"
        assert at.last.record.session == ""


async def test_kinds_of_owners_do_not_meet() -> None:
    async with house() as at:
        session = at.open(Principal("alice", "jwt"))
        with pytest.raises(NotFound):
            await at.bind(at.legacy(session, ECHO))
        head = request()
        call = Call("mcp", head, Record(head, "mcp", 0.0), principal=ALICE)
        assert owner_of(call) == "key:alice"


async def test_initialize_needs_no_session() -> None:
    async with house() as at:
        bound = await at.bind(at.legacy("", message("initialize", {"protocolVersion": "2025-11-25"})))
        assert (bound.operation, bound.session) == ("initialize", None)


@pytest.mark.parametrize(("method", "operation"), [("GET", "stream"), ("DELETE", "end")])
async def test_streams_and_ends_are_of_a_session(method: str, operation: str) -> None:
    async with house() as at:
        session = at.open()
        bound = await at.bind(at.legacy(session, None, method=method))
        assert (bound.operation, bound.message.kind) == (operation, operation)
        assert bound.session.record.id == session
        with pytest.raises(MethodNotAllowed):
            await at.bind(at.legacy(session, None, method="PATCH"))


async def test_notifications_and_responses_are_bound_to_their_session() -> None:
    async with house() as at:
        session = at.open()
        told = await at.bind(at.legacy(session, {"jsonrpc": "2.0", "method": "notifications/cancelled"}))
        assert (told.operation, told.message.kind) == ("notifications/cancelled", "notification")
        answered = await at.bind(at.legacy(session, {"jsonrpc": "2.0", "id": "fedgate-1", "result": {}}))
        assert (answered.operation, answered.message.kind) == ("response", "response")


async def test_batches_are_for_the_revision_that_has_them() -> None:
    async with house() as at:
        old, new = at.open(version="2025-03-26"), at.open()
        bound = await at.bind(at.legacy(old, [ECHO, message("ping", ident=2)]))
        assert (bound.operation, bound.message.kind, len(bound.message.batch)) == ("batch", "batch", 2)
        with pytest.raises(RpcError, match="MCP 2025-11-25 has no batches"):
            await at.bind(at.legacy(new, [ECHO]))


async def test_the_error_of_a_refused_message_carries_its_id_if_it_has_a_legal_one() -> None:
    async with house() as at:
        session = at.open()
        for refused, ident in (({"jsonrpc": "1.0", "id": 7, "method": "x"}, b"7"), ({"id": None}, b""), (17, b"")):
            with pytest.raises(RpcError):
                await at.bind(at.legacy(session, refused))
            assert at.last.record.wire == Wire("legacy", ident)


async def test_an_unknown_tool_is_refused_with_the_record_knowing_the_method() -> None:
    async with house() as at:
        session = at.open()
        with pytest.raises(RpcError, match="Unknown tool: nope"):
            await at.bind(at.legacy(session, message("tools/call", {"name": "nope"})))
        assert (at.last.record.operation, at.last.record.target) == ("tools/call", "")


async def test_a_view_that_does_not_exist_is_not_found_with_those_that_do() -> None:
    async with house() as at:
        with pytest.raises(NotFound, match="there are: one"):
            await at.bind(at.legacy(at.open(), ECHO, view="nope"))


async def test_what_the_modern_era_removed_is_not_found_there() -> None:
    async with house() as at:
        for method in ("initialize", "ping", "logging/setLevel", "resources/subscribe"):
            with pytest.raises(RpcError) as missed:
                await at.bind(at.modern(method, {"uri": "a:b"}))
            assert (missed.value.code, missed.value.status) == (-32601, 404)


async def test_a_modern_message_without_its_header_is_a_mismatch_and_not_a_missing_session() -> None:
    async with house() as at:
        body, _ = modern("tools/list")
        head = request(body=body)
        with pytest.raises(RpcError, match="MCP-Protocol-Version is missing") as missed:
            await at.bind(Call("mcp", head, Record(head, "mcp", 0.0), principal=ALICE))
        assert missed.value.code == -32020


async def test_arguments_that_travel_as_headers_must_agree_with_them() -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    async with house([{"name": "echo", "inputSchema": schema}]) as at:
        params = {"name": "one__echo", "arguments": {"region": "eu"}}
        fine = at.modern("tools/call", params, mcp_name=b"one__echo", mcp_param_region=b"eu")
        assert (await at.bind(fine)).target == "one"
        missing = at.modern("tools/call", params, mcp_name=b"one__echo")
        other = at.modern("tools/call", params, mcp_name=b"one__echo", mcp_param_region=b"us")
        for wrong in (missing, other):
            with pytest.raises(RpcError) as missed:
                await at.bind(wrong)
            assert (missed.value.code, missed.value.status) == (-32020, 400)
