"""What a client of A2A does wrong: the exact refusal in all four speeches, and nothing reaches an agent."""

from pathlib import Path

import pytest

from tests.e2e.a2a_errors import (
    BAD_KIND,
    BAD_PARAMS,
    BAD_REQUEST,
    BAD_VERSION,
    NO_JSON,
    NO_KEY,
    NO_METHOD,
    NOT_HERE,
    TOO_LARGE,
    Problem,
    refused,
)
from tests.e2e.a2a_speech import OLD_REST, OLD_RPC, REST, RPC, SPEECHES, Speech, encode
from tests.e2e.a2a_world import World, world

pytestmark = pytest.mark.anyio

RPCS, RESTS = (RPC, OLD_RPC), (REST, OLD_REST)
NAMES = {RPC: b'"SendMessage"', OLD_RPC: b'"message/send"'}
SUPPORTED = {"supported": "1.0,0.3"}
TWICE = "a member stands twice in {}; name each once"


def message_in(speech: Speech, message: bytes) -> bytes:
    """A body with this message in it."""
    if speech in RESTS:
        return b'{"%b":%b}' % (b"request" if speech == OLD_REST else b"message", message)
    return b'{"jsonrpc":"2.0","id":"r-1","method":%b,"params":{"message":%b}}' % (NAMES[speech], message)


def path_of(speech: Speech) -> str:
    return {REST: "/message:send", OLD_REST: "/v1/message:send"}.get(speech, "")


MESSAGES = {
    "a context in both spellings": (
        b'{"contextId":"mine","context_id":"theirs"}',
        'message has "contextId" in two spellings; use one',
    ),
    "a task in both spellings": (
        b'{"task_id":"mine","taskId":"theirs"}',
        'message has "taskId" in two spellings; use one',
    ),
    "references in both spellings": (
        b'{"referenceTaskIds":["a"],"reference_task_ids":["b"]}',
        'message has "referenceTaskIds" in two spellings; use one',
    ),
    "a context in another case": (b'{"ContextID":"theirs"}', 'message has "ContextID"; the name is "contextId"'),
    "a context twice": (b'{"contextId":"mine","contextId":"theirs"}', TWICE.format("message")),
    "any member twice": (b'{"contextId":"mine","x":1,"x":2}', TWICE.format("message")),
    "an escaped double": (b'{"contextId":"mine","context\\u0049d":"theirs"}', TWICE.format("message")),
    "a number for a context": (b'{"contextId":7}', "message.contextId must be a string, not 7"),
    "a list for a task": (b'{"taskId":["a"]}', 'message.taskId must be a string, not ["a"]'),
    "a number for a message id": (b'{"messageId":1}', "message.messageId must be a string, not 1"),
    "too long a context": (
        b'{"contextId":"%b"}' % (b"x" * 513),
        "message.contextId is longer than 512 characters",
    ),
    "too long a task": (b'{"taskId":"%b"}' % (b"x" * 513), "message.taskId is longer than 512 characters"),
    "a control character": (b'{"taskId":"a\\u0000b"}', "message.taskId has a control character in it"),
    "references that are no list": (
        b'{"referenceTaskIds":"a"}',
        "message.referenceTaskIds must be a list of strings",
    ),
    "an empty reference": (b'{"referenceTaskIds":[""]}', "message.referenceTaskIds has an empty entry"),
    "a message that is no object": (b"[]", "message must be an object"),
}


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_message_that_two_readers_could_read_differently_is_refused(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        client = found.client(speech)
        for flaw, sentence in MESSAGES.values():
            answer = await client.raw("POST", path_of(speech), message_in(speech, flaw))
            refused(answer, BAD_PARAMS, sentence)
        found.quiet()
        assert (await client.send("still served")).text == "still served"


BODIES: dict[str, tuple[bytes, Problem, str]] = {
    "nothing": (b"", NO_JSON, "the body is empty; send a JSON object"),
    "no JSON": (b"{", NO_JSON, "the body is not JSON"),
    "no UTF-8": (b'{"message":"\xff"}', NO_JSON, "the body is not UTF-8: invalid start byte"),
    "endless nesting": (b'{"message":' + b'{"a":' * 50_000, NO_JSON, "the body is not JSON"),
    "a batch": (
        b'[{"jsonrpc":"2.0","id":1,"method":"SendMessage"}]',
        BAD_REQUEST,
        "batches are not supported; send one request at a time",
    ),
    "an empty batch": (b"[]", BAD_REQUEST, "batches are not supported; send one request at a time"),
    "a number": (b"7", BAD_REQUEST, "the body must be a JSON object"),
}


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_body_that_is_no_json_object_is_refused(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        client = found.client(speech)
        for body, problem, sentence in BODIES.values():
            answer = await client.raw("POST", path_of(speech), body, {"content-type": "application/json"})
            refused(answer, problem, sentence, ident=None)
        found.quiet()


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_double_at_the_top_of_the_body_is_refused(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        client = found.client(speech)
        message = message_in(speech, b"{}")
        double = message[:-1] + (b',"params":{}}' if speech in RPCS else b"," + message[1:])
        where = "the request" if speech in RPCS else "the body"
        refused(await client.raw("POST", path_of(speech), double), BAD_PARAMS, TWICE.format(where), ident=None)
        found.quiet()


@pytest.mark.parametrize("speech", RPCS)
async def test_doubles_in_params_are_refused(speech: Speech, tmp_path: Path) -> None:
    get, push = ("GetTask", "CreateTaskPushNotificationConfig")
    async with world(tmp_path) as found:
        client = found.client(speech)
        refused(await client.ask(get, b'{"id":"a","id":"b"}'), BAD_PARAMS, TWICE.format("params"))
        both = await client.ask(push, b'{"taskId":"a","task_id":"b"}')
        refused(both, BAD_PARAMS, 'params has "taskId" in two spellings; use one')
        refused(await client.ask(get, b"{}"), BAD_PARAMS, "params.id must name the task")
        refused(await client.ask(get, b"[]"), BAD_PARAMS, "params must be an object")
        refused(await client.ask(get, b'{"id":1}'), BAD_PARAMS, "params.id must be a string, not 1")
        found.quiet()


ENVELOPES: dict[str, tuple[bytes, Problem, str, object]] = {
    "an unknown method": (
        b'{"jsonrpc":"2.0","id":7,"method":"message/vanish","params":{}}',
        NO_METHOD,
        "there is no method message/vanish; A2A 1.0 has names like SendMessage",
        7,
    ),
    "no method": (b'{"jsonrpc":"2.0","id":7}', BAD_REQUEST, '"method" must be the name of a method', 7),
    "another JSON-RPC": (
        b'{"jsonrpc":"1.0","id":7,"method":"GetTask","params":{"id":"t"}}',
        BAD_REQUEST,
        '"jsonrpc" must be "2.0"',
        7,
    ),
    "a notification": (
        b'{"jsonrpc":"2.0","method":"SendMessage","params":{}}',
        BAD_REQUEST,
        "the id must be a string or a number; notifications are not part of A2A",
        None,
    ),
    "an object as id": (
        b'{"jsonrpc":"2.0","id":{},"method":"SendMessage","params":{}}',
        BAD_REQUEST,
        "the id must be a string or a number; notifications are not part of A2A",
        None,
    ),
    "an endless id": (
        b'{"jsonrpc":"2.0","id":"%b","method":"SendMessage","params":{}}' % (b"x" * 600),
        BAD_REQUEST,
        "the id must be a string or a number; notifications are not part of A2A",
        None,
    ),
}


async def test_an_envelope_that_asks_nothing_known_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        for body, problem, sentence, ident in ENVELOPES.values():
            refused(await found.client(RPC).raw("POST", "", body), problem, sentence, ident=ident)
        found.quiet()


# Versions.


async def test_an_unknown_version_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    sentence = "A2A-Version 2.0 is not supported; supported are 1.0 and 0.3"
    async with world(tmp_path) as found:
        for speech in SPEECHES:
            client, body = found.client(speech), message_in(speech, b"{}")
            client.headers = {**client.headers, "a2a-version": "2.0"}
            answer = await client.raw("POST", path_of(speech), body)
            if speech in RPCS:  # a method of either version: nothing else says how to answer
                answer.speech = RPC
            refused(answer, BAD_VERSION, sentence, SUPPORTED)
            del client.headers["a2a-version"]
            answer = await client.raw("POST", path_of(speech) + "?A2A-Version=2.0", body)
            answer.speech = RPC if speech in RPCS else speech
            refused(answer, BAD_VERSION, sentence, SUPPORTED)
        found.quiet()


async def test_a_version_that_contradicts_the_request_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        await _contradict(
            found, RPC, "0.3", BAD_VERSION, "SendMessage is a method of A2A 1.0, and A2A-Version says 0.3"
        )
        await _contradict(
            found, OLD_RPC, "1.0", NO_METHOD, "A2A 1.0 has no such method; it is called SendMessage there"
        )
        await _contradict(found, REST, "0.3", BAD_VERSION, "this path belongs to A2A 1.0, and A2A-Version says 0.3")
        await _contradict(found, OLD_REST, "1.0", BAD_VERSION, "this path belongs to A2A 0.3, and A2A-Version says 1.0")
        for speech in (RPC, REST, OLD_REST):
            other = "0.3" if speech.version == "1.0" else "1.0"
            answer = await found.client(speech).raw(
                "POST", f"{path_of(speech)}?A2A-Version={other}", message_in(speech, b"{}")
            )
            refused(answer, BAD_REQUEST, "the header and the query name different versions (A2A-Version)")
        found.quiet()


async def _contradict(found: World, speech: Speech, version: str, problem: Problem, sentence: str) -> None:
    client = found.client(speech)
    client.headers = {**client.headers, "a2a-version": version}
    answer = await client.raw("POST", path_of(speech), message_in(speech, b"{}"))
    answer.speech = RPC if speech in RPCS else speech
    metadata = SUPPORTED if problem is BAD_VERSION else {}
    sentence += "; supported are 1.0 and 0.3" if problem is BAD_VERSION else ""
    refused(answer, problem, sentence, metadata)


async def test_the_version_may_stand_in_the_query_and_is_not_passed_on(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        for speech in SPEECHES:
            client = found.client(speech)
            version = client.headers.pop("a2a-version")
            body = message_in(speech, encode({"messageId": "m", "role": "user", "parts": []}))
            answer = await client.raw("POST", f"{path_of(speech)}?A2A-Version={version}&k=v", body)
            assert answer.status == 200, answer.body
            heard = agent.heard[-1]
            assert heard.headers["a2a-version"] == version
            assert "A2A-Version" not in heard.path


# Content types, sizes, keys, paths.


@pytest.mark.parametrize("speech", SPEECHES)
async def test_another_content_type_is_refused(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            answer = await found.client(speech).raw(
                "POST", path_of(speech), message_in(speech, b"{}"), {"content-type": kind}
            )
            refused(answer, BAD_KIND, "send the request with Content-Type: application/json", ident=None)
        found.quiet()


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_body_over_the_limit_is_refused_in_the_callers_own_form(speech: Speech, tmp_path: Path) -> None:
    sentence = "the body is larger than 10240 bytes (gateway.max_body)"
    body = message_in(speech, b'{"x":"%b"}' % (b"x" * 20_000))
    async with world(tmp_path, gateway={"max_body": "10KiB"}) as found:
        client = found.client(speech)
        refused(await client.raw("POST", path_of(speech), body), TOO_LARGE, sentence, ident=None)
        refused(await client.raw("POST", path_of(speech), [body[:9000], body[9000:]]), TOO_LARGE, sentence, ident=None)
        found.quiet()


@pytest.mark.parametrize("speech", SPEECHES)
async def test_nobody_without_a_key_is_served(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        answer = await found.client(speech, key="").send("hi")
        refused(answer, NO_KEY, ident=None)
        assert answer.headers["www-authenticate"] == 'Bearer realm="fedgate"'
        refused(await found.client(speech, key="wrong").send("hi"), NO_KEY, ident=None)
        found.quiet()


PATHS = {
    ("GET", "/message:send"): (NOT_HERE, "GET is not allowed here"),
    ("DELETE", "/tasks/t"): (NOT_HERE, "DELETE is not allowed here"),
    ("POST", "/tasks/t:vanish"): (NOT_HERE, "POST is not allowed here"),  # the id may have a colon in it
    ("POST", "/nothing"): (NO_METHOD, "there is no such operation of A2A"),
    ("GET", "/tasks/a/b"): (NO_METHOD, "there is no such operation of A2A"),
    ("GET", "/tasks/a%2Fb"): (NO_METHOD, "there is no such operation of A2A"),
    ("GET", "/tasks/.."): (NO_METHOD, "there is no such operation of A2A"),
    ("GET", "/tasks/a%00b"): (BAD_PARAMS, "the id in the path has a control character in it"),
    ("GET", "/tasks/" + "x" * 513): (BAD_PARAMS, "the id in the path is longer than 512 characters"),
}


@pytest.mark.parametrize("speech", RESTS)
async def test_an_address_that_means_nothing_is_refused(speech: Speech, tmp_path: Path) -> None:
    prefix = "/v1" if speech == OLD_REST else ""
    async with world(tmp_path) as found:
        client = found.client(speech)
        for (method, path), (problem, sentence) in PATHS.items():
            refused(await client.raw(method, prefix + path), problem, sentence)
        answer = await client.raw("GET", "/v1/tasks") if speech == OLD_REST else await client.raw("GET", "/inner/tasks")
        refused(answer, NO_METHOD)
        found.quiet()


@pytest.mark.parametrize("speech", RESTS)
async def test_an_id_that_stands_in_two_places_must_be_the_same(speech: Speech, tmp_path: Path) -> None:
    prefix = "/v1" if speech == OLD_REST else ""
    async with world(tmp_path) as found:
        client = found.client(speech)
        for query in ("?id=other", "?taskId=other", "?task_id=other", "?contextId=c"):
            refused(await client.raw("GET", f"{prefix}/tasks/mine{query}"), BAD_PARAMS)
        answer = await client.raw("POST", f"{prefix}/tasks/mine:cancel", b'{"id":"other"}')
        refused(answer, BAD_PARAMS, "the body names another task than the path")
        found.quiet()


async def test_a_context_may_stand_in_a_query_once(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        for query in ("contextId=a&contextId=b", "contextId=a&context_id=b", "ContextId=a", "x.contextId=a"):
            answer = await found.client(REST).raw("GET", f"/tasks?{query}")
            refused(answer, BAD_PARAMS)
        found.quiet()


@pytest.mark.parametrize("speech", RPCS)
async def test_json_rpc_is_posted(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        for path in ("", "/"):
            answer = await found.client(speech).raw("GET", path)
            refused(answer, NOT_HERE, "send JSON-RPC requests to this address by POST", ident=None)
            assert answer.headers["allow"] == "POST"
        assert (await found.client(speech).raw("POST", "/", message_in(speech, b'{"role":"user"}'))).status == 200
