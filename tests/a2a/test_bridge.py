"""The door of the bridge: every operation from every speech into every speech, and back."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a import bridge
from fedgate.a2a.errors import A2aError
from fedgate.a2a.operations import OPERATIONS, STREAMS, method_name, of_route
from fedgate.a2a.values import OWN, Answered, Asked, Ids, Outgoing, Speech
from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import EMPTY, Raw
from tests.a2a.bridged import PAIRS, SPEECHES, said

RPC, REST, RPC03, REST03 = SPEECHES
MESSAGE = {"messageId": "m", "contextId": "c", "taskId": "t", "role": "ROLE_USER", "parts": [{"text": "hi"}]}
TASK = {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}}
PUSH = {"taskId": "t", "id": "p", "url": "http://cb/"}
CARD = {
    "name": "n",
    "description": "d",
    "supportedInterfaces": [{"url": "http://a/", "protocolBinding": "JSONRPC", "protocolVersion": "0.3"}],
    "capabilities": {},
    "version": "1",
}
PARAMS: dict[str, dict[str, Any]] = {
    "SendMessage": {"message": MESSAGE},
    "SendStreamingMessage": {"message": MESSAGE},
    "GetTask": {"id": "t", "historyLength": 2},
    "ListTasks": {"contextId": "c", "pageSize": 3},
    "CancelTask": {"id": "t"},
    "SubscribeToTask": {"id": "t"},
    "CreateTaskPushNotificationConfig": PUSH,
    "GetTaskPushNotificationConfig": {"taskId": "t", "id": "p"},
    "ListTaskPushNotificationConfigs": {"taskId": "t"},
    "DeleteTaskPushNotificationConfig": {"taskId": "t", "id": "p"},
    "GetExtendedAgentCard": {},
}
RESULTS: dict[str, Any] = {
    "SendMessage": {"task": TASK},
    "SendStreamingMessage": {"statusUpdate": {"taskId": "t", "contextId": "c", "status": TASK["status"]}},
    "GetTask": TASK,
    "ListTasks": {"tasks": [TASK], "nextPageToken": "", "pageSize": 3, "totalSize": 1},
    "CancelTask": TASK,
    "SubscribeToTask": {"task": TASK},
    "CreateTaskPushNotificationConfig": PUSH,
    "GetTaskPushNotificationConfig": PUSH,
    "ListTaskPushNotificationConfigs": {"configs": [PUSH]},
    "DeleteTaskPushNotificationConfig": None,
    "GetExtendedAgentCard": CARD,
}
ALL = [(operation, *pair) for operation in sorted(OPERATIONS) for pair in PAIRS]
SPOKEN = [each for each in ALL if each[0] != "ListTasks" or {each[1].version, each[2].version} == {"1.0"}]
NAMES = [f"{operation}-{said((caller, agent))}" for operation, caller, agent in SPOKEN]


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def read(out: Outgoing, operation: str, speech: Speech) -> Asked:
    """A request as an agent (or gateway) of that speech reads it."""
    if speech.binding == "jsonrpc":
        assert (out.method, out.path) == ("POST", "")
        envelope = json.loads(out.body)
        assert envelope["method"] == method_name(operation, speech.version)
        params = dumped(envelope["params"])
        return Asked(operation, speech, "a", id=Raw(dumped(envelope["id"])), params=Raw(params), body=out.body)
    path, _, query = out.path.partition("?")
    route = of_route(out.method, path)
    assert route is not None
    assert (route.operation, route.version) == (operation, speech.version)
    ids = Ids(task=route.task, config=route.config)
    params = Raw(out.body) if out.body else EMPTY
    return Asked(
        operation, speech, "a", ids, params=params, path=route.path, query=query, method=out.method, body=out.body
    )


def request(operation: str, speech: Speech) -> Asked:
    """What a caller of that speech asks."""
    own = bridge.ask(operation, dumped(PARAMS[operation]), b'"id-7"', "a")
    return own if speech == OWN else read(bridge.outgoing(own, speech), operation, speech)


@pytest.mark.parametrize(("operation", "caller", "agent"), SPOKEN, ids=NAMES)
def test_every_operation_says_the_same_in_every_speech(operation: str, caller: Speech, agent: Speech) -> None:
    asked = request(operation, caller)
    arrived = read(bridge.outgoing(asked, agent), operation, agent)
    found = {key: json.loads(bytes(each)) for key, each in bridge.own_params(arrived).items()}
    assert found == PARAMS[operation]
    if caller.binding == agent.binding == "jsonrpc":
        assert bytes(arrived.id) == bytes(asked.id)


@pytest.mark.parametrize(("operation", "caller", "agent"), SPOKEN, ids=NAMES)
def test_every_result_says_the_same_in_every_speech(operation: str, caller: Speech, agent: Speech) -> None:
    asked = request(operation, caller)
    said_by_agent = bridge.from_own(request(operation, agent), dumped(RESULTS[operation]))
    answered = bridge.answer(asked, agent, said_by_agent.status, said_by_agent.body)
    assert answered.status == 200
    if caller.version == agent.version == "1.0":
        assert answered == bridge.from_own(asked, dumped(RESULTS[operation]))
    back = bridge.answer(request(operation, OWN), caller, 200, answered.body) if caller != OWN else answered
    found = json.loads(back.body)["result"]
    if operation == "DeleteTaskPushNotificationConfig":
        assert found is None
        assert answered.body.endswith(b'"result":null}' if caller.binding == "jsonrpc" else b"{}")
    elif operation == "GetExtendedAgentCard":
        assert found["name"] == "n"
    else:
        assert found == RESULTS[operation]
    if operation in STREAMS:
        assert bridge.event(asked, agent, said_by_agent.body) == answered.body
        assert bridge.event_name(caller, answered.body) == b"message"


@pytest.mark.parametrize("speech", SPEECHES)
def test_who_speaks_alike_gets_every_byte_untouched(speech: Speech) -> None:
    body = b' {"not even": json'
    asked = Asked("GetTask", speech, "a", path="/tasks/a%2fb", query="x=%7e", method="GET", body=body)
    prefix = "/v1" if speech.version == "0.3" else ""
    out = Outgoing("POST", "", body)
    if speech.binding == "rest":
        out = Outgoing("GET", f"{prefix}/tasks/a%2fb?x=%7e", body)
    assert bridge.outgoing(asked, speech) == out
    assert bridge.answer(asked, speech, 599, body) == Answered(599, body)
    assert bridge.event(asked, speech, body, b"error") == body


def test_a_request_by_json_rpc_keeps_its_id_and_one_by_rest_gets_one() -> None:
    asked = Asked("GetTask", RPC, "a", id=Raw(b'"\\u00e9"'), params=Raw(b'{"id":"t"}'))
    out = bridge.outgoing(asked, RPC03)
    assert out.body == b'{"jsonrpc":"2.0","id":"\\u00e9","method":"tasks/get","params":{"id":"t"}}'
    asked = Asked("GetTask", REST, "a", ids=Ids(task="t"), path="/tasks/t", method="GET")
    assert bridge.outgoing(asked, RPC).body == b'{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"t"}}'


@pytest.mark.parametrize("agent", [RPC03, REST03])
def test_an_operation_that_a_version_does_not_have_is_unsupported(agent: Speech) -> None:
    with pytest.raises(A2aError, match=r"this agent speaks 0\.3 of the protocol, which has no ListTasks") as raised:
        bridge.outgoing(bridge.ask("ListTasks", b"{}"), agent)
    assert raised.value.code == -32004


def test_parameters_that_the_agents_speech_cannot_say_are_the_callers_mistake() -> None:
    for asked, agent in (
        (bridge.ask("SendMessage", b'{"message":{"parts":[{"x":1}]}}'), RPC03),
        (Asked("GetTask", RPC, "a", params=Raw(b'{"id":"a/b"}')), REST),
        (Asked("SendMessage", REST03, "a", params=Raw(b"<html>")), RPC),
    ):
        with pytest.raises(A2aError) as raised:
            bridge.outgoing(asked, agent)
        assert raised.value.code == -32602
    with pytest.raises(A2aError) as raised:
        bridge.own_params(Asked("SendMessage", RPC03, "a", params=Raw(b'{"message":7}')))
    assert raised.value.code == -32602


def test_blocking_is_said_in_the_words_of_each_version() -> None:
    asked = bridge.ask("SendMessage", dumped({"message": MESSAGE, "configuration": {"returnImmediately": True}}))
    assert json.loads(bridge.outgoing(asked, RPC03).body)["params"]["configuration"] == {"blocking": False}
    asked = bridge.ask("SendMessage", dumped({"message": MESSAGE, "configuration": {}}))
    assert json.loads(bridge.outgoing(asked, REST03).body)["configuration"] == {"blocking": True}


def test_what_the_gateway_asks_itself_says_which_ids_it_names() -> None:
    asked = bridge.ask("GetTaskPushNotificationConfig", b'{"taskId":"t","id":"p"}', b"5", "a")
    assert (asked.ids.task, asked.ids.config, asked.agent, asked.speech) == ("t", "p", "a", OWN)
    assert bridge.outgoing(asked, OWN).body == (
        b'{"jsonrpc":"2.0","id":5,"method":"GetTaskPushNotificationConfig","params":{"taskId":"t","id":"p"}}'
    )
    asked = bridge.ask("SendMessage", dumped({"message": MESSAGE}))
    assert asked.ids == Ids(task="t", context="c", message="m", bare=True)


def test_the_nearest_speech_is_chosen() -> None:
    assert bridge.choose(RPC03, SPEECHES) == RPC03
    assert bridge.choose(RPC03, [RPC, REST, REST03]) == REST03
    assert bridge.choose(RPC03, [REST, RPC]) == RPC
    assert bridge.choose(RPC03, [REST]) == REST
    assert bridge.choose(REST, [RPC03, RPC]) == RPC
    with pytest.raises(ValueError, match="the agent speaks none"):
        bridge.choose(RPC, [])


ERROR = {
    "code": -32001,
    "message": "no",
    "data": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "X"}],
}


def test_an_error_is_named_in_a_stream_as_the_callers_sdk_expects_it() -> None:
    data = dumped({"jsonrpc": "2.0", "id": 1, "error": ERROR})
    for caller, name in ((RPC, b"error"), (REST, b"error"), (RPC03, b"message"), (REST03, b"error")):
        asked = request("SubscribeToTask", caller)
        translated = bridge.event(asked, RPC, data, b"error")
        assert bridge.event_name(caller, translated) == name
        found = json.loads(translated)
        assert found["error"]["message"] == "no"
        assert found["error"]["code"] == (404 if caller.binding == "rest" else -32001)
        if caller != RPC:
            assert json.loads(bridge.event(bridge.ask("SubscribeToTask", b'{"id":"t"}'), caller, translated, name))[
                "error"
            ]["data"][0]["reason"] in ("X", "TASK_NOT_FOUND")
    assert bridge.event_name(RPC, b"<html>") == b"message"


def test_an_error_over_rest_without_a_name_is_an_error_all_the_same() -> None:
    data = dumped({"error": {"code": 404, "status": "NOT_FOUND", "message": "no"}})
    assert json.loads(bridge.event(request("SubscribeToTask", RPC), REST, data))["error"]["code"] == -32001


@pytest.mark.parametrize(
    ("agent", "status", "body", "why"),
    [
        (REST, 200, b"<html>", "not a JSON object"),
        (REST, 200, b"", "not a JSON object"),
        (REST, 503, b"<html>", "it is HTTP 503 without an error of the protocol"),
        (RPC03, 200, b"<html>", "the body is not valid JSON"),
        (RPC03, 200, b"[]", "expected a single JSON-RPC message"),
        (RPC03, 502, b"<html>", "it is HTTP 502 without a JSON-RPC answer"),
        (RPC03, 200, b'{"jsonrpc":"2.0","id":1}', "not a JSON object"),
        (RPC03, 200, b'{"jsonrpc":"2.0","id":1,"error":7}', "not a JSON object"),
        (RPC03, 200, b'{"jsonrpc":"2.0","id":1,"result":{"kind":"task"}}', "it is no Task that can be said"),
        (REST03, 200, b'{"status":[]}', "not a JSON object"),
    ],
)
def test_an_answer_that_is_none_of_the_protocol_is_invalid(agent: Speech, status: int, body: bytes, why: str) -> None:
    with pytest.raises(UpstreamInvalid, match=f"the agent's answer cannot be understood: .*{why}"):
        bridge.answer(request("GetTask", RPC), agent, status, body)


def test_an_agent_whose_router_does_not_know_an_operation_lacks_that_method() -> None:
    for body in (b"Not Found", b'{"detail":"Not Found"}'):
        found = bridge.answer(request("GetTaskPushNotificationConfig", RPC), REST03, 404, body)
        assert json.loads(found.body)["error"]["code"] == -32601


def test_an_empty_answer_to_a_deletion_is_its_success() -> None:
    asked = request("DeleteTaskPushNotificationConfig", RPC)
    for agent, status, body in (
        (REST, 204, b""),
        (REST, 200, b"{}"),
        (REST03, 200, b""),
        (RPC03, 200, b'{"jsonrpc":"2.0","id":1}'),
        (RPC03, 200, b'{"jsonrpc":"2.0","id":1,"result":null}'),
    ):
        found = bridge.answer(asked, agent, status, body)
        assert found == Answered(200, b'{"jsonrpc":"2.0","id":"id-7","result":null}')


def test_half_an_emoji_of_an_agent_is_mended_where_it_hinders() -> None:
    body = b'{"task":{"id":"t","contextId":"c","status":{"state":"TASK_STATE_WORKING"},"metadata":{"a":"\\ud83d"}}}'
    found = bridge.answer(request("SendMessage", RPC03), REST, 200, body)
    assert json.loads(found.body)["result"]["metadata"] == {"a": "\ufffd"}
    with pytest.raises(UpstreamInvalid):
        bridge.answer(request("SendMessage", RPC03), REST, 200, b'{"task":"\\ud83d"}')


def test_a_result_of_the_gateway_that_the_caller_cannot_be_told_is_invalid() -> None:
    with pytest.raises(UpstreamInvalid, match="it holds no task, message or update"):
        bridge.from_own(request("SendMessage", RPC03), b"{}")


VALUES = st.sampled_from(["1.50", "1e2", "-0.0", '"\\u00e9"', "[1, 2 ]", '{"kind": null}', "12345678901234567890"])
UNKNOWN = st.dictionaries(st.text("abcXYZ-é", min_size=1, max_size=8).map("x-".__add__), VALUES, max_size=3)


@given(UNKNOWN)
def test_unknown_members_survive_where_only_the_binding_differs(more: dict[str, str]) -> None:
    extra = "".join(f",{json.dumps(key)}:{text}" for key, text in more.items())
    sent = '{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"x"%s}]%s}%s}' % ((extra,) * 3)
    out = bridge.outgoing(bridge.ask("SendMessage", sent.encode()), REST)
    assert out.body == sent.encode()
    asked = read(out, "SendMessage", REST)
    assert bridge.outgoing(asked, RPC).body.endswith(b'"params":%b}' % sent.encode())
    told = '{"task":{"id":"t"%s}%s}' % (extra, extra)  # noqa: UP031 (braces)
    answered = bridge.answer(request("SendMessage", OWN), REST, 200, told.encode())
    assert answered.body == b'{"jsonrpc":"2.0","id":"id-7","result":%b}' % told.encode()
    assert bridge.answer(asked, RPC, 200, answered.body).body == told.encode()
    assert bridge.event(asked, RPC, answered.body) == told.encode()


BODIES = st.binary(max_size=24) | st.sampled_from(
    [
        b'{"jsonrpc":"2.0","id":1,"result":{"kind":"message","parts":[]}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":1}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"m","data":{"a":[]}}}',
        b'{"error":{"message":"m","details":[{"@type":1}]}}',
        b'{"message":{"messageId":"m","content":[{"file":{}}]}}',
        b'{"task":{"status":{"timestamp":"x"}}}',
        b'{"task":"\xff"}',
        b'{"\xff":1}',
        b'{"task":{"metadata":' + b"[" * 2000,
    ]
)


@given(
    st.sampled_from(sorted(OPERATIONS - {"ListTasks"})),
    st.sampled_from(PAIRS),
    st.sampled_from([200, 204, 400, 404, 500]),
    BODIES,
    st.sampled_from([b"message", b"error"]),
)
def test_nothing_but_upstream_invalid_comes_of_any_answer(
    operation: str, pair: tuple[Speech, Speech], status: int, body: bytes, name: bytes
) -> None:
    caller, agent = pair
    asked = Asked(operation, caller, "a", ids=Ids(task="t", config="p"), id=Raw(b"1"))
    with suppress(UpstreamInvalid):
        assert bridge.answer(asked, agent, status, body).body or caller == agent
    with suppress(UpstreamInvalid):
        said = bridge.event(asked, agent, body, name)
        assert bridge.event_name(caller, said) in (b"message", b"error")
