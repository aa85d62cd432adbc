"""core/errors.py: each error knows its side, its status, whether a retry helps, and a public sentence."""

import http

import pytest

from fedgate.core import errors
from fedgate.core.errors import (
    ClientError,
    GatewayError,
    Internal,
    MethodNotAllowed,
    Overloaded,
    OwnError,
    RateLimited,
    RpcError,
    UpstreamBroken,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
)

TREE = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, GatewayError)]
CONCRETE = [each for each in TREE if each is not RpcError]


@pytest.mark.parametrize("kind", CONCRETE)
def test_every_error_has_a_side_a_status_and_a_reason(kind: type[GatewayError]) -> None:
    error = kind("a sentence")
    assert error.side in ("client", "upstream", "gateway")
    assert http.HTTPStatus(error.status) in (range(400, 500) if error.side == "client" else range(500, 600))
    assert error.reason == error.reason.lower()
    assert " " not in error.reason
    assert (str(error), error.message, error.headers) == ("a sentence", "a sentence", ())


@pytest.mark.parametrize(
    ("kind", "side"), [(ClientError, "client"), (UpstreamError, "upstream"), (OwnError, "gateway")]
)
def test_a_branch_of_the_tree_is_a_side(kind: type[GatewayError], side: str) -> None:
    assert {each.side for each in TREE if issubclass(each, kind)} == {side}


def test_the_docstring_draws_every_error() -> None:
    assert errors.__doc__ is not None
    assert [each.__name__ for each in TREE if each.__name__ not in errors.__doc__] == []


def test_only_what_was_surely_not_done_may_be_repeated() -> None:
    assert {each for each in TREE if each.retryable} == {UpstreamRefused, Overloaded, RateLimited}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UpstreamRefused, 502),
        (UpstreamBroken, 502),
        (UpstreamInvalid, 502),
        (UpstreamTimeout, 504),
        (Overloaded, 503),
        (Internal, 500),
    ],
)
def test_failures_behind_the_gateway_are_told_from_its_own(kind: type[GatewayError], status: int) -> None:
    assert kind("x").status == status


def test_headers_travel_with_the_error() -> None:
    assert MethodNotAllowed("x", headers=((b"allow", b"POST"),)).headers == ((b"allow", b"POST"),)


def test_an_rpc_error_carries_its_code_its_data_and_a_status_of_its_own() -> None:
    error = RpcError(-32602, "no", data=b'{"a":1}', status=400)
    assert (error.code, error.message, error.data, error.status, error.headers) == (-32602, "no", b'{"a":1}', 400, ())
    assert (RpcError(1, "no").status, RpcError(1, "no").data) == (200, None)
    assert RpcError.side == "client"
