"""federation/handshake.py: what follows from a server's first answer, in each era."""

import json
from typing import Any

import pytest

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.federation.handshake import (
    NotModern,
    discovered,
    initialize_params,
    initialized,
    reason,
    rpc_error,
)
from fedgate.federation.listing import Greeting
from fedgate.federation.messages import Answer, Client

from .fakes import MODERN, dump


def result(**members: Any) -> Answer:
    return Answer(result=dump(members))


def test_the_latest_legacy_version_is_asked_for_with_what_the_client_is() -> None:
    params = initialize_params(Client("k", Raw(b'{"roots": {}}'), Raw(b'{"name": "n"}')))
    assert {key: json.loads(bytes(part)) for key, part in params.items()} == {
        "protocolVersion": "2025-11-25",
        "capabilities": {"roots": {}},
        "clientInfo": {"name": "n"},
    }


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_every_legacy_version_is_spoken(version: str) -> None:
    answer = result(protocolVersion=version, capabilities={"tools": {}}, serverInfo={"name": "n"}, instructions="do")
    assert initialized(answer) == Greeting(version, {"tools": {}}, {"name": "n"}, "do")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(error=b'{"code":-1,"message":"no room"}'), "it refused to initialize: no room"),
        (Answer(error=b"[]"), "it refused to initialize: no reason given"),
        (Answer(error=b'{"message":7}'), "it refused to initialize: no reason given"),
        (Answer(result=b"[]"), "its answer to initialize is not readable"),
        (Answer(), "its answer to initialize is not readable"),
        (result(protocolVersion="2020-01-01"), "it speaks MCP '2020-01-01', which this gateway does not"),
        (result(protocolVersion=MODERN), f"it speaks MCP '{MODERN}'"),
        (result(protocolVersion="x" * 99), f"it speaks MCP '{'x' * 40}', which"),
        (result(protocolVersion=7), "it speaks MCP 'of no version'"),
        (result(), "it speaks MCP 'of no version'"),
        (Answer(result=b'{"capabilities":' + b"9" * 5000 + b"}"), "not readable"),
    ],
)
def test_an_answer_from_which_no_session_can_follow_says_why(answer: Answer, words: str) -> None:
    with pytest.raises(UpstreamInvalid) as caught:
        initialized(answer)
    assert words in caught.value.message
    assert not isinstance(caught.value, NotModern)


def test_a_modern_server_is_greeted_in_the_modern_version() -> None:
    answer = result(supportedVersions=["2025-11-25", MODERN], capabilities={"tools": {}}, instructions="do")
    assert discovered(answer) == Greeting(MODERN, {"tools": {}}, {}, "do")


UNSUPPORTED = {"code": -32022, "message": "m", "data": {"supported": ["2027-01-01"], "requested": MODERN}}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(error=b'{"code":-32601,"message":"m"}'), "it does not know server/discover"),
        (Answer(error=dump(UNSUPPORTED)), f"in {MODERN}; it supports ['2027-01-01']"),
        (Answer(error=b'{"code":-32022,"message":"m"}'), "it does not know server/discover"),
        (Answer(error=b'{"code":-32022,"data":[]}'), "it does not know server/discover"),
        (Answer(error=b"[]"), "it does not know server/discover"),
        (Answer(error=b"{}"), "it does not know server/discover"),
        (Answer(), "not of the modern era"),
        (Answer(result=b"7"), "not of the modern era"),
        (result(capabilities={}), "not of the modern era"),
        (result(supportedVersions=["2025-11-25"]), f"it does not speak MCP {MODERN}"),
        (result(supportedVersions=MODERN), f"it does not speak MCP {MODERN}"),
        (result(supportedVersions=None), f"it does not speak MCP {MODERN}"),
    ],
)
def test_what_is_no_evidence_of_the_modern_era_means_legacy(answer: Answer, words: str) -> None:
    with pytest.raises(NotModern) as caught:
        discovered(answer)
    assert words in caught.value.message


def test_a_long_list_of_versions_is_cut() -> None:
    with pytest.raises(NotModern) as caught:
        discovered(Answer(error=dump({**UNSUPPORTED, "data": {"supported": ["x" * 1000]}})))
    assert len(caught.value.message) < 300


def test_a_servers_error_keeps_code_message_and_data() -> None:
    error = rpc_error(b'{"code":-32602,"message":"no","data":{"a": 1}}')
    assert (error.code, error.message, error.data) == (-32602, "no", b'{"a": 1}')


@pytest.mark.parametrize("code", ["null", '"1"', "true", "1.5"])
def test_a_code_that_is_none_becomes_internal_error(code: str) -> None:
    error = rpc_error(f'{{"code":{code}}}'.encode())
    assert (error.code, error.message, error.data) == (-32603, "no reason given", None)
    assert rpc_error(b"{}").code == -32603


def test_a_reason_is_bounded() -> None:
    assert reason(dump({"message": "x" * 1000})) == "x" * 200
