"""Push configurations are found in every speech, and only their target is replaced."""

import json
from typing import Any

import pytest
from a2a.compat.v0_3 import a2a_v0_3_pb2 as old
from a2a.compat.v0_3 import types
from a2a.types import a2a_pb2 as new
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.errors import A2aError
from fedgate.a2a.operations import PUSH_CREATE, SEND, STREAM
from fedgate.a2a.push_config import MAX_SECRET, MAX_URL, PushConfig, read, replaced
from fedgate.a2a.values import Asked, Speech
from fedgate.core.rawjson import encode
from tests.a2a.push_requests import (
    CREDENTIALS,
    OLD_REST,
    OLD_RPC,
    REST,
    RPC,
    SPEECHES,
    TOKEN,
    URL,
    asked,
    creating,
    json_format,
    sending,
)

HOOK, ISSUED = "https://gw.example.com/a2a/weather/push/abc", "issued-token"


@pytest.mark.parametrize("snake", [False, True])
@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("operation", [SEND, STREAM, PUSH_CREATE])
def test_what_sdk_clients_write_is_read(operation: str, speech: Speech, snake: bool) -> None:
    params = creating(speech, snake=snake) if operation == PUSH_CREATE else sending(speech, snake=snake)
    found = read(asked(operation, speech, params))
    assert found is not None
    assert (found.url, found.token, found.id) == (URL, TOKEN, "c-1")
    assert found.task == ("t-1" if operation == PUSH_CREATE else "")
    assert found.authorization == f"Basic {CREDENTIALS}"
    assert (found.version, json.loads(found.authentication)["credentials"]) == (speech.version, CREDENTIALS)


def target(speech: Speech, operation: str, params: dict[str, Any]) -> tuple[str, str, list[str], str]:
    """URL, token and authentication, as the SDK of the version reads them."""
    config: Any
    if speech.version == "1.0":
        if operation == PUSH_CREATE:
            config = json_format.ParseDict(params, new.TaskPushNotificationConfig())
        else:
            config = json_format.ParseDict(params, new.SendMessageRequest()).configuration.task_push_notification_config
        return config.url, config.token, [config.authentication.scheme], config.authentication.credentials
    if speech.binding == "rest":
        if operation == PUSH_CREATE:
            request: Any = json_format.ParseDict(params, old.CreateTaskPushNotificationConfigRequest())
            config = request.config.push_notification_config
        else:
            config = json_format.ParseDict(params, old.SendMessageRequest()).configuration.push_notification
    elif operation == PUSH_CREATE:
        config = types.TaskPushNotificationConfig.model_validate(params).push_notification_config
    else:
        configuration = types.MessageSendParams.model_validate(params).configuration
        assert configuration is not None
        config = configuration.push_notification_config
    return config.url, config.token, list(config.authentication.schemes), config.authentication.credentials


@pytest.mark.parametrize("snake", [False, True])
@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("operation", [SEND, PUSH_CREATE])
def test_the_sdk_reads_the_gateways_target_in_what_is_sent_on(operation: str, speech: Speech, snake: bool) -> None:
    params = creating(speech, snake=snake) if operation == PUSH_CREATE else sending(speech, snake=snake)
    sent = replaced(asked(operation, speech, params), HOOK, ISSUED)
    body = json.loads(sent.body)
    inner = body["params"] if speech.binding == "jsonrpc" else body
    assert inner == json.loads(bytes(sent.params))
    assert target(speech, operation, inner) == (HOOK, ISSUED, ["Bearer"], ISSUED)
    for secret in (URL, TOKEN, CREDENTIALS, "hooks.example.com"):
        assert secret.encode() not in sent.body


def test_all_other_bytes_stay_as_they_were() -> None:
    before = (
        b'{"message": {"parts": [ {"text":"\\u00e9"} ]} , "x": 1.50, "configuration": {"historyLength": 2.0, '
        b'"taskPushNotificationConfig": {"id": "c", "url": "https://h/", "x-y": [ 1 ]}, "z": 1e2 } }'
    )
    sent = replaced(asked(SEND, RPC, before), HOOK, ISSUED)
    config = (
        b'{"id":"c","url":"%b","x-y":[ 1 ],"token":"%b","authentication":{"scheme":"Bearer","credentials":"%b"}}'
        % (HOOK.encode(), ISSUED.encode(), ISSUED.encode())
    )
    params = (
        b'{"message":{"parts": [ {"text":"\\u00e9"} ]},"x":1.50,"configuration":{"historyLength":2.0,'
        b'"taskPushNotificationConfig":%b,"z":1e2}}' % config
    )
    assert bytes(sent.params) == params
    assert sent.body == b'{"jsonrpc":"2.0","id":7,"params":%b,"method":"x"}' % params


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize(
    "params", [b"", b"{}", b'{"message":{}}', b'{"configuration":null}', b'{"configuration":{"blocking":true}}']
)
def test_a_message_without_a_configuration_is_passed_as_it_is(speech: Speech, params: bytes) -> None:
    request = asked(SEND, speech, params)
    assert read(request) is None
    assert replaced(request, HOOK, ISSUED) is request


def test_other_operations_have_none() -> None:
    assert read(Asked("GetTask", RPC, "weather")) is None


def test_the_short_form_of_0_3_over_http_is_read_too() -> None:
    request = asked(PUSH_CREATE, OLD_REST, {"pushNotificationConfig": {"url": URL}})
    assert read(request) == PushConfig(URL, task="t-1", version="0.3")
    assert json.loads(replaced(request, HOOK, ISSUED).body)["pushNotificationConfig"]["url"] == HOOK


def refusal(operation: str, speech: Speech, params: object) -> str:
    with pytest.raises(A2aError) as caught:
        read(asked(operation, speech, params))
    assert caught.value.code == -32602
    return caught.value.message


CONFIG = {"url": URL}


@pytest.mark.parametrize(
    ("speech", "configuration"),
    [
        (RPC, {"pushNotificationConfig": CONFIG}),
        (REST, {"push_notification": CONFIG}),
        (OLD_RPC, {"taskPushNotificationConfig": CONFIG}),
        (OLD_REST, {"pushNotificationConfig": CONFIG}),
        (RPC, {"taskPushNotificationConfig": CONFIG, "pushNotificationConfig": CONFIG}),
        (RPC, {"taskPushNotificationConfig": CONFIG, "task_push_notification_config": CONFIG}),
        (RPC, {"TaskPushNotificationConfig": CONFIG}),
        (RPC, {"taskPushNotificationConfig": {**CONFIG, "URL": URL}}),
        (RPC, {"taskPushNotificationConfig": {**CONFIG, "Token": "x"}}),
    ],
)
def test_a_configuration_that_agents_might_read_otherwise_is_refused(speech: Speech, configuration: object) -> None:
    message = refusal(SEND, speech, {"configuration": configuration})
    assert "name is" in message or "use one" in message


@pytest.mark.parametrize(
    "params",
    [
        b'{"configuration":{"taskPushNotificationConfig":{"url":"https://a/"}},"configuration":{}}',
        b'{"configuration":{"taskPushNotificationConfig":{"url":"https://a/"},"taskPushNotificationConfig":null}}',
        b'{"configuration":{"taskPushNotificationConfig":{"url":"https://a/","url":"https://b/"}}}',
        b'{"configuration":{"taskPushNotificationConfig":{"url":"https://a/","\\u0075rl":"https://b/"}}}',
    ],
)
def test_a_member_that_stands_twice_is_refused(params: bytes) -> None:
    assert "stands twice" in refusal(SEND, RPC, params)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"url": ""},
        {"url": 7},
        {"url": None},
        {"url": "https://h/" + "x" * MAX_URL},
        {"url": URL, "token": 7},
        {"url": URL, "token": "a\r\nb: c"},
        {"url": URL, "token": "é"},
        {"url": URL, "token": " a"},
        {"url": URL, "token": "x" * (MAX_SECRET + 1)},
        {"url": URL, "authentication": "Bearer x"},
        {"url": URL, "authentication": {"scheme": "Bearer x", "credentials": "y"}},
        {"url": URL, "authentication": {"scheme": "Bearer", "credentials": "y\nz"}},
        {"url": URL, "authentication": {"scheme": "Bearer", "credentials": ["y"]}},
        "https://h/",
        [],
    ],
)
def test_what_cannot_be_called_is_refused_without_repeating_it(config: object) -> None:
    message = refusal(SEND, RPC, {"configuration": {"taskPushNotificationConfig": config}})
    assert "hooks.example.com" not in message
    assert len(message) < 200


@pytest.mark.parametrize("params", [{}, {"config": {}}, {"pushNotificationConfig": None}, {"config": 7}])
def test_a_request_that_creates_nothing_is_refused(params: object) -> None:
    refusal(PUSH_CREATE, OLD_REST, params)
    refusal(PUSH_CREATE, OLD_RPC, params)
    refusal(PUSH_CREATE, RPC, params)


def test_two_configurations_in_one_request_are_refused() -> None:
    both = {"config": {"pushNotificationConfig": CONFIG}, "pushNotificationConfig": CONFIG}
    assert "use one" in refusal(PUSH_CREATE, OLD_REST, both)


@pytest.mark.parametrize(
    ("authentication", "authorization"),
    [
        ({}, ""),
        ({"scheme": "Bearer"}, ""),
        ({"credentials": "x"}, ""),
        ({"schemes": [], "credentials": "x"}, ""),
        ({"schemes": "Bearer", "credentials": "x"}, ""),
        ({"schemes": [7, "Digest"], "credentials": "x"}, "Digest x"),
        ({"scheme": "Bearer", "credentials": "x y"}, "Bearer x y"),
    ],
)
def test_an_authorization_needs_a_scheme_and_credentials(authentication: object, authorization: str) -> None:
    found = read(asked(PUSH_CREATE, RPC, {**CONFIG, "authentication": authentication}))
    assert found is not None
    assert found.authorization == authorization


def test_schemes_that_cannot_be_decoded_are_none() -> None:
    params = b'{"url":"https://h/","authentication":{"schemes":["\xff"],"credentials":"x"}}'
    found = read(asked(PUSH_CREATE, RPC, params))
    assert found is not None
    assert found.authorization == ""


def test_its_repr_shows_no_secret() -> None:
    found = repr(read(asked(SEND, RPC, sending(RPC))))
    assert not any(secret in found for secret in (URL, TOKEN, CREDENTIALS))


def invalid_params_alone(error: A2aError) -> None:
    assert error.code == -32602


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("configuration", "taskPushNotificationConfig", "pushNotificationConfig", "push_notification"),
                    *("config", "url", "token", "authentication", "scheme", "schemes", "credentials", "id", "taskId"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(
    st.sampled_from([SEND, PUSH_CREATE]), st.sampled_from(SPEECHES), st.binary(max_size=50) | json_values.map(encode)
)
def test_any_params_give_a_configuration_none_or_invalid_params(operation: str, speech: Speech, params: bytes) -> None:
    request = asked(operation, speech, params)
    try:
        found = read(request)
    except A2aError as error:
        invalid_params_alone(error)
        return
    if found is None:
        assert replaced(request, HOOK, ISSUED) is request
    else:
        again = read(replaced(request, HOOK, ISSUED))
        assert again is not None
        assert (again.url, again.token, again.authorization) == (HOOK, ISSUED, f"Bearer {ISSUED}")
