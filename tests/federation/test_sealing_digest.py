"""Which request a sealed state belongs to: equal parameters are equal however they are spelled."""

import pytest

from fedgate.core.jsonrpc import parse_one
from fedgate.core.rawjson import fields
from fedgate.federation.inbound import Inbound
from fedgate.federation.sealing import digest_of


def digest(params: bytes, method: bytes = b"tools/call") -> str:
    message = parse_one(b'{"jsonrpc":"2.0","id":1,"method":"%b"}' % method)
    return digest_of(Inbound("modern", "request", message, fields(params)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"name":"a","arguments":{"x":1,"y":2}}', b'{ "arguments" : {"y":2, "x":1}, "name" : "\\u0061" }'),
        (b'{"name":"a"}', b'{"name":"a","requestState":"s","inputResponses":{}}'),
        (b'{"name":"a","arguments":{"x":1e400}}', b'{"name":"a","arguments":{"x":1e400},"requestState":"s"}'),
    ],
)
def test_the_same_request_has_the_same_digest(one: bytes, other: bytes) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    "other", [b'{"name":"b","arguments":{"x":1e400}}', b'{"name":"a","arguments":{"x":2e400}}', b'{"name":"a"}']
)
def test_another_request_has_another_digest(other: bytes) -> None:
    assert digest(b'{"name":"a","arguments":{"x":1e400}}') != digest(other)


def test_the_method_belongs_to_the_request() -> None:
    assert digest(b'{"name":"a"}') != digest(b'{"name":"a"}', b"prompts/get")
