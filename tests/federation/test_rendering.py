"""federation/rendering.py: every error is a JSON-RPC error, with the HTTP status that clients of its era expect."""

import json
from typing import Any

import pytest

from fedgate.core import errors
from fedgate.core.errors import (
    BadRequest,
    GatewayError,
    Internal,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    RpcError,
    TooLarge,
    Unauthorized,
    UpstreamBroken,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
)
from fedgate.federation.inbound import Wire
from fedgate.federation.rendering import render_error

from .fakes import record


def rendered(error: GatewayError, wire: Any = None) -> tuple[int, Any]:
    given = record()
    given.wire = wire
    reply = render_error(given, error)
    assert isinstance(reply.body, bytes)
    assert (b"content-type", b"application/json") in reply.headers
    body = json.loads(reply.body)
    assert body["jsonrpc"] == "2.0"
    return reply.status, body


EARLY = Wire("legacy")
BOUND = Wire("legacy", b"7", accepted=True)
MODERN = Wire("modern", b'"a"')


@pytest.mark.parametrize(("wire", "ident"), [(None, None), ("other", None), (EARLY, None), (BOUND, 7), (MODERN, "a")])
def test_the_error_carries_the_id_as_far_as_it_is_known(wire: Any, ident: Any) -> None:
    assert rendered(NotFound("no"), wire)[1] == {
        "jsonrpc": "2.0",
        "id": ident,
        "error": {"code": -32600, "message": "no"},
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest("m"), 400),
        (Unauthorized("m"), 401),
        (NotFound("m"), 404),
        (TooLarge("m"), 413),
        (Overloaded("m"), 503),
        (UpstreamRefused("m"), 502),
        (UpstreamTimeout("m"), 504),
        (Internal("m"), 500),
    ],
)
@pytest.mark.parametrize("wire", [None, EARLY, MODERN])
def test_before_a_request_is_accepted_the_status_is_the_errors_own(error: GatewayError, status: int, wire: Any) -> None:
    assert rendered(error, wire)[0] == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("m"), 404),
        (Overloaded("m"), 200),
        (UpstreamBroken("m"), 200),
        (UpstreamTimeout("m"), 200),
        (Internal("m"), 200),
        (RpcError(-32602, "m"), 200),
        (RpcError(-32601, "m", status=404), 200),
    ],
)
def test_a_legacy_request_that_was_accepted_is_answered_with_200_unless_the_http_is_wrong(
    error: GatewayError, status: int
) -> None:
    assert rendered(error, BOUND)[0] == status


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (-32700, 400),
        (-32600, 400),
        (-32601, 404),
        (-32602, 400),
        (-32020, 400),
        (-32021, 400),
        (-32022, 400),
        (-32603, 200),
        (-32000, 200),
        (1, 200),
    ],
)
@pytest.mark.parametrize("accepted", [True, False])
def test_in_the_modern_era_the_code_decides_the_status(code: int, status: int, accepted: bool) -> None:
    wire = Wire("modern", b"1", accepted)
    assert rendered(RpcError(code, "m", status=418), wire)[0] == status


def test_a_legacy_rpc_error_that_was_not_accepted_has_its_own_status() -> None:
    assert rendered(RpcError(-32600, "m", status=400), EARLY)[0] == 400


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("m"), -32600),
        (MethodNotAllowed("m"), -32600),
        (UpstreamTimeout("m"), -32000),
        (Overloaded("m"), -32000),
        (Internal("m"), -32603),
        (RpcError(-32602, "m"), -32602),
    ],
)
def test_each_side_has_its_code(error: GatewayError, code: int) -> None:
    assert rendered(error)[1]["error"]["code"] == code


def test_an_upstreams_failure_says_of_what_kind_it_was_and_whether_to_try_again() -> None:
    assert rendered(UpstreamRefused("m"))[1]["error"]["data"] == {"reason": "upstream_refused", "retryable": True}
    assert rendered(UpstreamInvalid("m"))[1]["error"]["data"] == {"reason": "upstream_invalid", "retryable": False}
    assert "data" not in rendered(NotFound("m"))[1]["error"]


def test_data_of_an_rpc_error_is_spliced_in() -> None:
    assert rendered(RpcError(1, "m", data=b'{"uri": "x"}'))[1]["error"]["data"] == {"uri": "x"}


def test_headers_of_the_error_are_sent() -> None:
    challenge = (b"www-authenticate", b"Bearer")
    reply = render_error(record(), Unauthorized("m", headers=(challenge,)))
    assert challenge in reply.headers


TREE = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, GatewayError)]


@pytest.mark.parametrize("kind", [each for each in TREE if each is not RpcError])
@pytest.mark.parametrize("wire", [None, EARLY, BOUND, MODERN])
def test_every_error_of_the_tree_can_be_rendered(kind: type[GatewayError], wire: Any) -> None:
    status, body = rendered(kind('a "sentence" with ä\n'), wire)
    assert 200 <= status < 600
    assert body["error"]["message"] == 'a "sentence" with ä\n'
