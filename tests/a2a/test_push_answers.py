"""Answers about push configurations show clients what they wrote, and nobody else's secrets."""

import json
from typing import Any

import pytest
from a2a.compat.v0_3 import a2a_v0_3_pb2 as old
from a2a.compat.v0_3 import types
from a2a.types import a2a_pb2 as new
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.errors import A2aError
from fedgate.a2a.operations import PUSH_CREATE, PUSH_GET, PUSH_LIST
from fedgate.a2a.push_answers import shown
from fedgate.a2a.push_config import PushConfig
from fedgate.a2a.values import Speech
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
    json_format,
    legacy_config,
    legacy_proto,
    modern_config,
)

HOOK, ISSUED = "https://gw.example.com/a2a/weather/push/abc", "issued-token"
MODERN = PushConfig(URL, token=TOKEN, authentication=json.dumps({"scheme": "Basic", "credentials": CREDENTIALS}))
LEGACY = PushConfig(
    URL,
    token=TOKEN,
    authentication=json.dumps({"schemes": ["Basic", "Bearer"], "credentials": CREDENTIALS}),
    version="0.3",
)


def answer(speech: Speech, operation: str) -> bytes:
    """What an SDK agent says that was given the gateway's target."""
    if speech.version == "1.0":
        config = modern_config(task_id="t-1")
        config.url, config.token = HOOK, ISSUED
        config.authentication.scheme, config.authentication.credentials = "Bearer", ISSUED
        if operation == PUSH_LIST:
            return wire(
                speech, json_format.MessageToDict(new.ListTaskPushNotificationConfigsResponse(configs=[config]))
            )
        return wire(speech, json_format.MessageToDict(config))
    if speech.binding == "rest":
        proto = legacy_proto()
        proto.url, proto.token, proto.authentication.credentials = HOOK, ISSUED, ISSUED
        named = old.TaskPushNotificationConfig(name="tasks/t-1/x/c-1", push_notification_config=proto)
        if operation == PUSH_LIST:
            return wire(speech, json_format.MessageToDict(old.ListTaskPushNotificationConfigResponse(configs=[named])))
        return wire(speech, json_format.MessageToDict(named))
    inner = legacy_config()
    inner.url, inner.token = HOOK, ISSUED
    inner.authentication = types.PushNotificationAuthenticationInfo(schemes=["Bearer"], credentials=ISSUED)
    wrapped = types.TaskPushNotificationConfig(task_id="t-1", push_notification_config=inner)
    dumped = wrapped.model_dump(mode="json", exclude_none=True, by_alias=True)
    return wire(speech, [dumped] if operation == PUSH_LIST else dumped)


def wire(speech: Speech, result: object) -> bytes:
    return encode(result) if speech.binding == "rest" else encode({"result": result, "id": 7, "jsonrpc": "2.0"})


def configs(speech: Speech, body: bytes) -> list[dict[str, Any]]:
    """The configurations in an answer, unwrapped."""
    found: Any = json.loads(body)
    found = found["result"] if speech.binding == "jsonrpc" else found
    found = found.get("configs", [found]) if isinstance(found, dict) else found
    return [each if speech.version == "1.0" else each["pushNotificationConfig"] for each in found]


@pytest.mark.parametrize("known", [MODERN, LEGACY], ids=["written in 1.0", "written in 0.3"])
@pytest.mark.parametrize("operation", [PUSH_CREATE, PUSH_GET, PUSH_LIST])
@pytest.mark.parametrize("speech", SPEECHES)
def test_a_client_sees_what_it_wrote_in_the_form_of_the_answers_version(
    speech: Speech, operation: str, known: PushConfig
) -> None:
    asked: list[str] = []

    def client(url: str) -> PushConfig:
        asked.append(url)
        return known

    body = shown(answer(speech, operation), speech, operation, client)
    (config,) = configs(speech, body)
    assert asked == [HOOK]
    assert (config["url"], config["token"], config["id"]) == (URL, TOKEN, "c-1")
    schemes = ["Basic", "Bearer"] if known is LEGACY else ["Basic"]
    written = {"scheme": "Basic"} if speech.version == "1.0" else {"schemes": schemes}
    assert config["authentication"] == {**written, "credentials": CREDENTIALS}
    assert ISSUED.encode() not in body


@pytest.mark.parametrize("operation", [PUSH_GET, PUSH_LIST])
@pytest.mark.parametrize("speech", SPEECHES)
def test_a_configuration_that_is_not_known_loses_its_secrets(speech: Speech, operation: str) -> None:
    body = shown(answer(speech, operation), speech, operation, lambda _: None)
    (config,) = configs(speech, body)
    assert config == {"id": "c-1", "url": HOOK, **({"taskId": "t-1"} if speech.version == "1.0" else {})}


def test_what_the_client_did_not_write_is_not_shown() -> None:
    body = shown(answer(RPC, PUSH_GET), RPC, PUSH_GET, lambda _: PushConfig(URL))
    assert configs(RPC, body) == [{"id": "c-1", "taskId": "t-1", "url": URL}]


def test_all_other_bytes_stay_as_they_were() -> None:
    body = (
        b'{"id": 7.0, "result": {"configs": [{"x":[ 1.50 ],"url":"u","token":"t"}, {"url":"v"}], "next" : 1}, "z":2e1}'
    )
    assert shown(body, RPC, PUSH_LIST, lambda url: PushConfig(URL, token="own") if url == "u" else None) == (
        b'{"id":7.0,"result":{"configs":[{"x":[ 1.50 ],"url":"%b","token":"own"},{"url":"v"}],"next":1},"z":2e1}'
        % URL.encode()
    )


@pytest.mark.parametrize(
    ("speech", "body"),
    [(RPC, b'{"error":{"code":-32001},"id":1}'), (REST, b'{"error":{"code":404}}'), (OLD_RPC, b' {"error":{}} ')],
)
def test_errors_stay_as_they_are(speech: Speech, body: bytes) -> None:
    assert shown(body, speech, PUSH_GET, lambda _: None) is body


@pytest.mark.parametrize("operation", [PUSH_GET, PUSH_LIST])
@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("body", [b"", b"[7]", b"7", b"{", b'{"result":7}', b'{"configs":[7]}', b'{"configs":7}'])
def test_an_answer_in_another_form_is_the_agents_error(speech: Speech, operation: str, body: bytes) -> None:
    if (speech, operation, body) in ((REST, PUSH_GET, b'{"result":7}'), (REST, PUSH_LIST, b'{"result":7}')):
        assert json.loads(shown(body, speech, operation, lambda _: None)) == {"result": 7}
        return
    if (speech, operation) == (REST, PUSH_GET) and body.startswith(b'{"configs'):
        assert json.loads(shown(body, speech, operation, lambda _: None)) == json.loads(body)
        return
    if (speech, operation, body) == (OLD_REST, PUSH_LIST, b'{"result":7}'):
        assert json.loads(shown(body, speech, operation, lambda _: None)) == {"result": 7}
        return
    with pytest.raises(A2aError) as caught:
        shown(body, speech, operation, lambda _: None)
    assert caught.value.kind.reason == "INVALID_AGENT_RESPONSE"


@given(
    st.sampled_from([PUSH_CREATE, PUSH_GET, PUSH_LIST]),
    st.sampled_from(SPEECHES),
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["result", "configs", "pushNotificationConfig", "url", "token", "authentication", "error"]
                ),
                inner,
            )
        ),
        max_leaves=15,
    ).map(encode),
)
def test_any_answer_is_shown_or_the_agents_error(operation: str, speech: Speech, body: bytes) -> None:
    try:
        shown(body, speech, operation, lambda url: MODERN if url else None)
    except A2aError as error:
        reason = error.kind.reason
    else:
        reason = "INVALID_AGENT_RESPONSE"
    assert reason == "INVALID_AGENT_RESPONSE"
