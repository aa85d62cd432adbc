"""gateway/pipeline.py: the data path is one list, and its order holds."""

import pytest
from pydantic import SecretStr

from fedgate.access.callers import Callers
from fedgate.access.hosts import HostPolicy
from fedgate.access.identify import Identify
from fedgate.access.keys import KeyRing
from fedgate.access.settings import ApiKey
from fedgate.core.call import Call, Handler, Record, Reply, Request, replace
from fedgate.core.clock import ManualClock
from fedgate.core.errors import BadRequest, GatewayError, NotFound
from fedgate.gateway.admit import Admit
from fedgate.gateway.bind import BindOne
from fedgate.gateway.observe import Observe
from fedgate.gateway.pipeline import batch_path, data_path, message_path
from fedgate.telemetry.lines import Ended

pytestmark = pytest.mark.anyio


class Endpoint:
    """Remembers what reached it, and reads the body as endpoints do."""

    protocol = "test"
    operations = frozenset({"ask"})

    def __init__(self, *, error: GatewayError | None = None) -> None:
        self.seen: list[str] = []
        self._error = error

    async def bind(self, call: Call) -> Call:
        self.seen.append(f"bind {call.principal.id}")
        body = await call.request.read()
        call.record.operation = "ask"
        return replace(call, operation="ask", body=body)

    async def dispatch(self, call: Call) -> Reply:
        self.seen.append(f"dispatch {call.operation} {call.body.decode()}")
        if self._error is not None:
            raise self._error
        return Reply(body=b"answer")

    def render(self, record: Record, error: GatewayError) -> Reply:
        self.seen.append(f"render {type(error).__name__}")
        return Reply(error.status, error.headers, error.message.encode())


class Desk:
    """The whole path with one key, and what was counted and read."""

    def __init__(self, endpoint: Endpoint, *, limit: int = 1) -> None:
        self.ended: list[Ended] = []
        self.reads = 0
        self.endpoint = endpoint
        self.observe = Observe(self, self, ManualClock(), endpoint.operations)
        admit = Admit(HostPolicy(True, None, ()), limit=limit, max_body=100)
        keys = KeyRing([ApiKey(id="alice", key=SecretStr("alice-key"))])
        self.path: Handler = data_path(self.observe, admit, Identify(Callers(keys), anonymous=False), endpoint)

    def request(self, ended: Ended) -> None:
        self.ended.append(ended)

    def write(self, ended: Ended) -> None:
        assert self.ended[-1] is ended

    def call(self, **headers: bytes) -> Call:
        async def read() -> bytes:
            self.reads += 1
            return b"body"

        sent = {b"host": b"localhost", b"authorization": b"Bearer alice-key"}
        sent |= {name.replace("_", "-").encode(): value for name, value in headers.items()}
        request = Request("req-1", "POST", "/x", b"", sent, "127.0.0.1:1", "localhost", "HTTP/1.1", read)
        return Call("test", request, Record(request, "test", 0.0))


async def test_a_call_is_identified_then_bound_then_dispatched_and_counted_once() -> None:
    desk = Desk(Endpoint())
    reply = await desk.path(desk.call())
    assert (reply.status, reply.body) == (200, b"answer")
    assert (b"x-fedgate-request-id", b"req-1") in reply.headers
    assert desk.endpoint.seen == ["bind alice", "dispatch ask body"]
    (ended,) = desk.ended
    assert (ended.operation, ended.status, ended.record.principal.id) == ("ask", 200, "alice")


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({"host": b"evil.example", "authorization": b"Bearer wrong"}, 421, "Misdirected"),
        ({"content_length": b"101", "authorization": b"Bearer wrong"}, 413, "TooLarge"),
        ({"authorization": b"Bearer wrong"}, 401, "Unauthorized"),
    ],
)
async def test_what_is_refused_early_is_neither_read_nor_bound_but_rendered_and_counted(
    headers: dict[str, bytes], status: int, error: str
) -> None:
    desk = Desk(Endpoint())
    reply = await desk.path(desk.call(**headers))
    assert reply.status == status
    assert (b"x-fedgate-request-id", b"req-1") in reply.headers
    assert desk.endpoint.seen == [f"render {error}"]
    assert (desk.reads, [ended.status for ended in desk.ended]) == (0, [status])


async def test_a_full_house_refuses_before_it_asks_who_is_there() -> None:
    desk = Desk(Endpoint(), limit=0)
    reply = await desk.path(desk.call(authorization=b"Bearer wrong"))
    assert (reply.status, desk.endpoint.seen) == (503, ["render Overloaded"])


async def test_an_error_of_the_endpoint_is_rendered_by_it() -> None:
    desk = Desk(Endpoint(error=NotFound("gone")))
    reply = await desk.path(desk.call())
    assert (reply.status, reply.body) == (404, b"gone")
    assert desk.ended[0].record.error == "not_found: gone"


async def test_a_message_of_a_batch_is_not_identified_again_and_has_its_own_line_route_and_errors() -> None:
    desk = Desk(Endpoint(error=BadRequest("bad")))

    def bind_one(call: Call) -> Call:
        desk.endpoint.seen.append("bind one")
        call.record.operation = "ask"
        return replace(call, operation="ask", body=b"message")

    path = batch_path(desk.observe, desk.endpoint, BindOne(bind_one))
    reply = await path(desk.call(authorization=b"Bearer wrong"))
    assert (reply.status, desk.endpoint.seen) == (400, ["bind one", "dispatch ask message", "render BadRequest"])
    assert [(ended.operation, ended.status) for ended in desk.ended] == [("ask", 400)]


async def test_a_message_of_a_batch_that_cannot_be_bound_is_its_own_error() -> None:
    desk = Desk(Endpoint())

    def bind_one(call: Call) -> Call:
        raise NotFound("no such tool")

    reply = await batch_path(desk.observe, desk.endpoint, BindOne(bind_one))(desk.call())
    assert (reply.status, desk.endpoint.seen) == (404, ["render NotFound"])


async def test_a_message_of_the_old_transport_is_bound_and_counted_but_not_identified_again() -> None:
    desk = Desk(Endpoint())
    reply = await message_path(desk.observe, desk.endpoint)(desk.call(authorization=b"Bearer wrong"))
    assert (reply.status, desk.endpoint.seen) == (200, ["bind anonymous", "dispatch ask body"])
    assert len(desk.ended) == 1
