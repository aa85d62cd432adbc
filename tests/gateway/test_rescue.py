"""gateway/rescue.py: errors become replies in the caller's protocol; what is a bug is logged and reported blandly."""

import asyncio
import logging

import pytest

from fedgate.core.call import Call, Handler, Record, Reply, Request
from fedgate.core.errors import GatewayError, Internal, NotFound, RpcError, UpstreamTimeout
from fedgate.gateway.rescue import Rescue

pytestmark = pytest.mark.anyio


class Words:
    """An endpoint that renders errors as their class and sentence."""

    protocol = "test"
    operations: frozenset[str] = frozenset()

    async def bind(self, call: Call) -> Call:
        return call

    async def dispatch(self, call: Call) -> Reply:
        return Reply()

    def render(self, record: Record, error: GatewayError) -> Reply:
        return Reply(error.status, body=f"{type(error).__name__}: {error.message}".encode())


async def no_body() -> bytes:
    return b""


def call() -> Call:
    request = Request("req-7", "POST", "/mcp", b"", {}, "", "", "HTTP/1.1", no_body)
    return Call("test", request, Record(request, "test", 0.0))


def raising(error: BaseException) -> Handler:
    async def inner(_call: Call) -> Reply:
        raise error

    return inner


async def test_a_reply_passes() -> None:
    async def inner(_call: Call) -> Reply:
        return Reply(body=b"ok")

    given = call()
    assert await Rescue(Words())(given, inner) == Reply(body=b"ok")
    assert given.record.error == ""


@pytest.mark.parametrize(
    ("error", "noted"),
    [
        (NotFound("no such thing"), "not_found: no such thing"),
        (UpstreamTimeout("it said nothing"), "upstream_timeout: it said nothing"),
        (RpcError(1, "m", status=404), "rpc_error: m"),
    ],
)
async def test_known_errors_are_rendered_as_they_are_and_noted(error: GatewayError, noted: str) -> None:
    given = call()
    reply = await Rescue(Words())(given, raising(error))
    assert reply == Reply(error.status, body=f"{type(error).__name__}: {error.message}".encode())
    assert given.record.error == noted


async def test_a_note_of_an_inner_stage_is_kept_and_a_long_one_is_cut() -> None:
    given = call()
    given.record.error = "already known"
    await Rescue(Words())(given, raising(NotFound("x")))
    assert given.record.error == "already known"
    given = call()
    await Rescue(Words())(given, raising(NotFound("x" * 1000)))
    assert len(given.record.error) == 200


@pytest.mark.parametrize(
    "bug", [KeyError("s3cret"), ExceptionGroup("s3cret", [ValueError("s3cret")]), RecursionError("s3cret")]
)
async def test_a_bug_is_logged_with_its_cause_and_reported_without(
    bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    given = call()
    reply = await Rescue(Words())(given, raising(bug))
    assert reply == Reply(500, body=b"Internal: internal error; the log has it as req-7")
    assert given.record.error == Internal.reason
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == f"request req-7 failed: {type(bug).__name__}"
    assert record.exc_info is not None
    assert record.exc_info[1] is bug


@pytest.mark.parametrize("end", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(1)])
async def test_the_end_of_the_task_is_no_error_to_answer(end: BaseException) -> None:
    given = call()
    caught: BaseException | None = None
    try:
        await Rescue(Words())(given, raising(end))
    except BaseException as error:  # noqa: BLE001 - whatever ends a task must come through
        caught = error
    assert caught is end
    assert given.record.error == ""
