"""Requests between the bindings of one version: where everything stands, and what cannot stand there."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.bridge_requests import MAX_QUERY, id_members, of_rest, to_rest
from fedgate.a2a.operations import OPERATIONS, method_name, of_route
from fedgate.a2a.values import Asked, Ids, Outgoing, Speech, Version
from fedgate.core.rawjson import EMPTY, Raw

TEXT = b'{"message":{"messageId":"m","x-n":1.50}, "x":[ 1 ]}'
CASES: list[tuple[str, Version, bytes, Outgoing]] = [
    ("SendMessage", "1.0", TEXT, Outgoing("POST", "/message:send", TEXT)),
    ("SendStreamingMessage", "1.0", TEXT, Outgoing("POST", "/message:stream", TEXT)),
    ("GetTask", "1.0", b'{"id":"t 1"}', Outgoing("GET", "/tasks/t%201", b"")),
    ("GetTask", "1.0", b'{"historyLength":2,"id":"t","y":null}', Outgoing("GET", "/tasks/t?historyLength=2", b"")),
    ("CancelTask", "1.0", b'{"id":"t"}', Outgoing("POST", "/tasks/t:cancel", b'{"id":"t"}')),
    ("SubscribeToTask", "1.0", b'{"id":"t"}', Outgoing("POST", "/tasks/t:subscribe", b"")),
    ("ListTasks", "1.0", b"{}", Outgoing("GET", "/tasks", b"")),
    (
        "ListTasks",
        "1.0",
        b'{"contextId":"c&d","includeArtifacts":true,"status":"TASK_STATE_WORKING","z":{"a": 1}}',
        Outgoing(
            "GET",
            "/tasks?contextId=c%26d&includeArtifacts=true&status=TASK_STATE_WORKING&z=%7B%22a%22%3A%201%7D",
            b"",
        ),
    ),
    (
        "CreateTaskPushNotificationConfig",
        "1.0",
        b'{"taskId":"t","url":"http://c"}',
        Outgoing("POST", "/tasks/t/pushNotificationConfigs", b'{"taskId":"t","url":"http://c"}'),
    ),
    (
        "GetTaskPushNotificationConfig",
        "1.0",
        b'{"task_id":"t","id":"p/q"}'.replace(b"/", b"?"),
        Outgoing("GET", "/tasks/t/pushNotificationConfigs/p%3Fq", b""),
    ),
    (
        "ListTaskPushNotificationConfigs",
        "1.0",
        b'{"taskId":"t","pageSize":3}',
        Outgoing("GET", "/tasks/t/pushNotificationConfigs?pageSize=3", b""),
    ),
    (
        "DeleteTaskPushNotificationConfig",
        "1.0",
        b'{"taskId":"t","id":"p"}',
        Outgoing("DELETE", "/tasks/t/pushNotificationConfigs/p", b""),
    ),
    ("GetExtendedAgentCard", "1.0", b"{}", Outgoing("GET", "/extendedAgentCard", b"")),
    ("GetTask", "1.0", b'{"id":"t","tenant":"a b"}', Outgoing("GET", "/a%20b/tasks/t", b"")),
    ("GetTask", "0.3", b'{"id":"t","historyLength":2}', Outgoing("GET", "/v1/tasks/t?historyLength=2", b"")),
    ("CancelTask", "0.3", b'{"id":"t"}', Outgoing("POST", "/v1/tasks/t:cancel", b"{}")),
    ("SubscribeToTask", "0.3", b'{"id":"t"}', Outgoing("GET", "/v1/tasks/t:subscribe", b"")),
    (
        "CreateTaskPushNotificationConfig",
        "0.3",
        b'{"taskId":"t","pushNotificationConfig":{"id":"p","url":"http://c"}}',
        Outgoing(
            "POST",
            "/v1/tasks/t/pushNotificationConfigs",
            b'{"parent":"tasks/t","configId":"p","config":{"name":"tasks/t/pushNotificationConfigs/p",'
            b'"pushNotificationConfig":{"id":"p","url":"http://c"}}}',
        ),
    ),
    (
        "GetTaskPushNotificationConfig",
        "0.3",
        b'{"id":"t","pushNotificationConfigId":"p"}',
        Outgoing("GET", "/v1/tasks/t/pushNotificationConfigs/p", b""),
    ),
    (
        "ListTaskPushNotificationConfigs",
        "0.3",
        b'{"id":"t"}',
        Outgoing("GET", "/v1/tasks/t/pushNotificationConfigs", b""),
    ),
    (
        "DeleteTaskPushNotificationConfig",
        "0.3",
        b'{"id":"t","pushNotificationConfigId":"p"}',
        Outgoing("DELETE", "/v1/tasks/t/pushNotificationConfigs/p", b""),
    ),
    ("GetExtendedAgentCard", "0.3", b"{}", Outgoing("GET", "/v1/card", b"")),
    (
        "SendMessage",
        "0.3",
        b'{"message":{"kind":"message","messageId":"m","role":"user","parts":[{"kind":"text","text":"x"}]}}',
        Outgoing(
            "POST",
            "/v1/message:send",
            b'{"message":{"messageId":"m","role":"ROLE_USER","content":[{"text":"x"}]}}',
        ),
    ),
]


def asked(operation: str, version: Version, out: Outgoing) -> Asked:
    """The caller's request that looks like `out`."""
    path, _, query = out.path.partition("?")
    route = of_route(out.method, path)
    assert route is not None
    assert (route.operation, route.version) == (operation, version)
    return Asked(
        operation,
        Speech(version, "rest"),
        "a",
        ids=Ids(task=route.task, config=route.config),
        params=Raw(out.body) if out.body else EMPTY,
        path=route.path,
        query=query,
        method=out.method,
        body=out.body,
    )


@pytest.mark.parametrize(("operation", "version", "params", "out"), CASES)
def test_parameters_have_their_place_in_rest(operation: str, version: Version, params: bytes, out: Outgoing) -> None:
    assert to_rest(operation, version, params) == out


@pytest.mark.parametrize(
    ("operation", "version", "params", "out"), [case for case in CASES if b"tenant" not in case[2]]
)
def test_and_are_found_there_again(operation: str, version: Version, params: bytes, out: Outgoing) -> None:
    expected = json.loads(params.replace(b"task_id", b"taskId"))
    expected.pop("y", None)  # null is not written into a query
    if "z" in expected:
        expected["z"] = '{"a": 1}'  # and what is no string becomes one
    found = json.loads(of_rest(asked(operation, version, out)))
    if operation == "SendMessage" and version == "0.3":
        expected["message"]["kind"] = "message"
    assert found == expected


def test_every_operation_of_a_version_has_a_case() -> None:
    assert {(case[0], case[1]) for case in CASES} >= {
        (operation, version)
        for operation in OPERATIONS
        for version in ("1.0", "0.3")
        if method_name(operation, version) and operation != "SendStreamingMessage"
    }


def test_the_path_wins_over_ids_in_the_body_and_query() -> None:
    request = Asked(
        "CreateTaskPushNotificationConfig",
        Speech("1.0", "rest"),
        "a",
        ids=Ids(task="t"),
        params=Raw(b'{"taskId":"other","task_id":"third","url":"u"}'),
    )
    assert json.loads(of_rest(request)) == {"taskId": "t", "url": "u"}
    request = Asked("GetTask", Speech("1.0", "rest"), "a", ids=Ids(task="t"), query="id=other&historyLength=1")
    assert json.loads(of_rest(request)) == {"id": "t", "historyLength": 1}


def test_a_query_has_numbers_and_truth_values_where_the_protocol_has_them() -> None:
    query = "pageSize=5&historyLength=&includeArtifacts=TRUE&pageToken=7&x=1&history_length=x&include_artifacts=maybe"
    request = Asked("ListTasks", Speech("1.0", "rest"), "a", query=query)
    assert json.loads(of_rest(request)) == {
        "pageSize": 5,
        "includeArtifacts": True,
        "pageToken": "7",
        "x": "1",
        "history_length": "x",
        "include_artifacts": "maybe",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"parent": "tasks/t", "configId": "p", "config": {"name": "n", "pushNotificationConfig": {"url": "u"}, "x": 1}},
        {"parent": "tasks/t", "config_id": "p", "config": {"push_notification_config": {"url": "u"}, "x": 1}},
        {"name": "tasks/t/pushNotificationConfigs/p", "pushNotificationConfig": {"url": "u"}, "x": 1},
    ],
)
def test_every_form_of_creating_a_push_configuration_in_0_3_is_understood(body: dict[str, Any]) -> None:
    request = Asked(
        "CreateTaskPushNotificationConfig",
        Speech("0.3", "rest"),
        "a",
        ids=Ids(task="t"),
        params=Raw(json.dumps(body).encode()),
    )
    assert json.loads(of_rest(request)) == {"x": 1, "taskId": "t", "pushNotificationConfig": {"url": "u"}}


@pytest.mark.parametrize(
    ("operation", "version", "params", "why"),
    [
        ("GetTask", "1.0", b"{}", "params.id must be a string that is not empty"),
        ("GetTask", "1.0", b'{"id":7}', "params.id must be a string that is not empty"),
        ("GetTask", "1.0", b'{"id":"a/b"}', "params.id cannot stand in a path"),
        ("CancelTask", "1.0", b'{"id":".."}', "params.id cannot stand in a path"),
        ("GetTask", "0.3", b'{"id":"a\\\\b"}', "params.id cannot stand in a path"),
        ("GetTask", "1.0", b'{"id":"a\\u0000b"}', "params.id cannot stand in a path"),
        ("GetTask", "1.0", b'{"id":"t","tenant":"../x"}', "params.tenant cannot stand in a path"),
        ("GetTaskPushNotificationConfig", "0.3", b'{"id":"t"}', "params.pushNotificationConfigId must be a string"),
        ("CreateTaskPushNotificationConfig", "0.3", b'{"taskId":"t"}', "params.pushNotificationConfig must be an ob"),
        ("ListTasks", "0.3", b"{}", "ListTasks has no route in version 0.3"),
        ("ListTasks", "1.0", b"[]", "not a JSON object"),
        ("ListTasks", "1.0", b'{"pageToken":"' + b"a" * MAX_QUERY + b'"}', "do not fit in a query of 8192 characters"),
    ],
)
def test_what_rest_cannot_say_is_refused_with_the_reason(
    operation: str, version: Version, params: bytes, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        to_rest(operation, version, params)


def test_what_a_caller_may_not_write_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="must not be longer than 8192 characters"):
        of_rest(Asked("ListTasks", Speech("1.0", "rest"), "a", query="a" * (MAX_QUERY + 1)))
    with pytest.raises(ValueError, match="Max number of fields exceeded"):
        of_rest(Asked("ListTasks", Speech("1.0", "rest"), "a", query="&" * 200))
    with pytest.raises(ValueError, match=r"config\.pushNotificationConfig must be an object"):
        of_rest(Asked("CreateTaskPushNotificationConfig", Speech("0.3", "rest"), "a", ids=Ids(task="t")))


def test_ids_stand_under_other_names_in_0_3() -> None:
    assert id_members("GetTaskPushNotificationConfig", "1.0") == ("taskId", "id")
    assert id_members("GetTaskPushNotificationConfig", "0.3") == ("id", "pushNotificationConfigId")
    assert id_members("CreateTaskPushNotificationConfig", "0.3") == ("taskId", "")
    assert id_members("ListTasks", "1.0") == id_members("SendMessage", "0.3") == ("", "")


@given(
    st.sampled_from(sorted(OPERATIONS)),
    st.sampled_from(["1.0", "0.3"]),
    st.binary(max_size=30) | st.sampled_from([b"{}", b'{"id":"\\ud83d","taskId":"a"}', b'{"message":[],"config":1}']),
    st.text("ab=&%F+;", max_size=12),
)
def test_nothing_but_value_errors_come_of_any_bytes(operation: str, version: Version, body: bytes, query: str) -> None:
    with suppress(ValueError):
        of_rest(Asked(operation, Speech(version, "rest"), "a", params=Raw(body), query=query))
    try:
        out = to_rest(operation, version, body)
    except ValueError:
        return
    assert out.path.isascii()
