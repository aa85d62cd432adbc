"""Checks of the protocol itself: envelopes, error forms, versions, headers, paths, methods."""

from typing import Any

import msgspec

from bench.a2a_heard import ERROR_INFO
from bench.a2a_speech import Wire, call, get
from tests.a2a_conformance.kit import (
    ALL,
    COMPLETE,
    DONE,
    INVALID_PARAMS,
    REST,
    RPC,
    TASK_NOT_FOUND,
    V03,
    V03_RPC,
    V1,
    V1_REST,
    V1_RPC,
    Peer,
    check,
    equal,
    expect,
)

JSON = (b"content-type", b"application/json")
ONE = (b"a2a-version", b"1.0")


async def code_of(peer: Peer, body: bytes) -> tuple[int, Any]:
    """The error code and the id of an answer."""
    answer = await peer.ask(Wire("POST", "", body, (JSON, *((ONE,) if peer.is_v1 else ()))))
    equal(answer.status, 200, "HTTP status")
    expect(answer.failure is not None, answer.body)
    assert answer.failure is not None
    return answer.failure.code, answer.one.raw.get("id")


@check("RPC-01", "what is no JSON is a parse error", RPC)
async def _parse(peer: Peer) -> None:
    for body in (b"{", b"", b'{"jsonrpc":"2.0","id":1,"method":}'):
        equal(await code_of(peer, body), (-32700, None), str(body))


@check("RPC-02", "an envelope of another form is an invalid request", RPC)
async def _invalid(peer: Peer) -> None:
    method = peer.saying(COMPLETE).body
    bodies = [method.replace(b'"2.0"', b'"1.0"', 1), b'{"jsonrpc":"2.0","id":1}', b'"text"', b"7"]
    for body in bodies:
        equal((await code_of(peer, body))[0], -32600, str(body))


@check("RPC-03", "an unknown method is not found, and the id comes back", RPC)
async def _method(peer: Peer) -> None:
    for ident in (7, "an id"):
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": ident, "method": "no/such", "params": {}})
        equal(await code_of(peer, body), (-32601, ident), "code and id")


@check("RPC-04", "batches are refused", RPC)
async def _batch(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    for body in (b"[" + wire.body + b"]", b"[]"):
        equal((await code_of(peer, body))[0], -32600, str(body[:20]))


@check("RPC-05", "params that are no object are invalid", [V1_RPC])
async def _params(peer: Peer) -> None:
    for params in (b"[1]", b'"text"'):
        body = b'{"jsonrpc":"2.0","id":1,"method":"GetTask","params":' + params + b"}"
        expect((await code_of(peer, body))[0] in (-32602, -32600), params)


@check("RPC-06", "the id comes back as it was written", RPC)
async def _ident(peer: Peer) -> None:
    for ident in (1, 0, "", "0", "ünï", 9007199254740991):
        answer = await peer.ask(call(peer.speech, "GetTask", {"id": peer.new("nowhere")}, ident))
        equal((answer.one.raw["id"], answer.one.raw["jsonrpc"]), (ident, "2.0"), "id")


@check("RPC-07", "errors of the protocol explain themselves", [V1_RPC])
async def _info(peer: Peer) -> None:
    failure = (await peer.ask(get(peer.speech, peer.new("nowhere")))).failure
    assert failure is not None
    expect(isinstance(failure.data, list) and failure.data, failure)
    info = failure.data[0]
    equal((info["@type"], info["reason"], info["domain"]), (ERROR_INFO, "TASK_NOT_FOUND", "a2a-protocol.org"), "info")
    expect(failure.message, "no message")


@check("RPC-08", "answers are JSON", RPC)
async def _json(peer: Peer) -> None:
    answer = await peer.say(COMPLETE)
    expect(answer.headers["content-type"].startswith("application/json"), answer.headers)


@check("RPC-09", "a slash at the end of the address changes nothing", RPC)
async def _slash(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    answer = await peer.ask(Wire("POST", "/", wire.body, wire.headers))
    equal(answer.one.state, DONE, "state")


@check("RPC-10", "the address takes nothing but POST", RPC)
async def _post(peer: Peer) -> None:
    for verb in ("GET", "DELETE", "PUT"):
        answer = await peer.plain(verb, "")
        expect(answer.status in (404, 405), f"{verb}: {answer.status}")


@check("RPC-11", "a missing id in params is refused", RPC)
async def _missing(peer: Peer) -> None:
    for operation in ("GetTask", "CancelTask"):
        failure = (await peer.ask(call(peer.speech, operation, {}))).failure
        expect(failure is not None and failure.code in (INVALID_PARAMS, -32600, TASK_NOT_FOUND), failure)


@check("RPC-12", "a value of the wrong type is refused", RPC)
async def _types(peer: Peer) -> None:
    failure = (await peer.ask(call(peer.speech, "GetTask", {"id": ["a list"]}))).failure
    expect(failure is not None and failure.code in (INVALID_PARAMS, -32600), failure)


@check("RPC-13", "another content type is refused", [V1_RPC], better=True)
async def _content_type(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    answer = await peer.plain("POST", "", ((b"content-type", b"text/plain"), ONE), wire.body)
    expect(answer.failure is not None and answer.failure.code == -32005, answer.body)


@check("RPC-15", "an unknown method is not found even if nobody waits for the answer", RPC)
async def _notified(peer: Peer) -> None:
    body = msgspec.json.encode({"jsonrpc": "2.0", "method": "no/such", "params": {}})
    equal((await code_of(peer, body))[0], -32601, "code")


@check("RPC-14", "the answers of both versions differ as their clients expect", RPC)
async def _shape(peer: Peer) -> None:
    result = peer.result(await peer.told())
    equal(("task" in result, "kind" in result), (peer.is_v1, not peer.is_v1), "wrapped, discriminated")


@check("REST-01", "errors have the form of Google's APIs", [V1_REST])
async def _error(peer: Peer) -> None:
    answer = await peer.ask(get(peer.speech, peer.new("nowhere")))
    error = answer.one.raw["error"]
    equal((answer.status, error["code"], error["status"]), (404, 404, "NOT_FOUND"), "error")
    info = error["details"][0]
    equal((info["@type"], info["reason"], info["domain"]), (ERROR_INFO, "TASK_NOT_FOUND", "a2a-protocol.org"), "info")


@check("REST-02", "answers are JSON", REST)
async def _type(peer: Peer) -> None:
    answer = await peer.say(COMPLETE)
    kind = answer.headers["content-type"].partition(";")[0]
    expect(kind in ("application/json", "application/a2a+json"), kind)


@check("REST-03", "what is no JSON is refused", REST)
async def _malformed(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    equal((await peer.ask(Wire(wire.method, wire.path, b"{", wire.headers))).status, 400, "HTTP status")


@check("REST-04", "unknown paths are not found", REST)
async def _paths(peer: Peer) -> None:
    prefix = "" if peer.is_v1 else "/v1"
    for path in ("/nothing/else/here", "/tasks/a/b/c", "/message/other"):
        status = (await peer.plain("GET", prefix + path, (ONE,))).status
        expect(status in (404, 405), f"{path}: {status}")


@check("REST-05", "other verbs are refused", REST)
async def _verbs(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    for verb in ("GET", "PUT", "DELETE"):
        status = (await peer.plain(verb, wire.path, wire.headers)).status
        expect(status in (404, 405), f"{verb}: {status}")


@check("REST-06", "the protocol's own content type is taken", [V1_REST])
async def _media(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    answer = await peer.ask(wire, ((b"content-type", b"application/a2a+json"), ONE))
    equal(answer.one.state, DONE, "state")


@check("REST-08", "another content type is refused", [V1_REST], better=True)
async def _other_media(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    answer = await peer.ask(wire, ((b"content-type", b"text/plain"), ONE))
    expect(answer.failure is not None and answer.failure.reason == "CONTENT_TYPE_NOT_SUPPORTED", answer.body)
    expect(answer.status in (400, 415), answer.status)


@check("REST-07", "query parameters are spelt in camelCase", [V1_REST])
async def _query(peer: Peer) -> None:
    task = (await peer.told()).task
    kept = await peer.plain("GET", f"/tasks/{task}?historyLength=0", (ONE,))
    equal(kept.one.raw.get("history", []), [], "history")
    wrong = await peer.plain("GET", f"/tasks/{task}?historyLength=many", (ONE,))
    expect(wrong.status in (400, 500), wrong.status)


@check("VER-01", "the patch number of a version does not count", V1)
async def _patch(peer: Peer) -> None:
    answer = await peer.ask(peer.saying(COMPLETE), (JSON, (b"a2a-version", b"1.0.7")))
    equal(answer.one.state, DONE, "state")


@check("VER-02", "a version that does not exist is not supported", V1)
async def _unknown(peer: Peer) -> None:
    await peer.refused(peer.saying(COMPLETE), -32009, headers=(JSON, (b"a2a-version", b"9.9")))


@check("VER-03", "0.3 needs no version, and may name it", V03)
async def _legacy(peer: Peer) -> None:
    for headers in ((JSON,), (JSON, (b"a2a-version", b"0.3")), (JSON, (b"a2a-version", b""))):
        equal((await peer.ask(peer.saying(COMPLETE), headers)).one.state, DONE, str(headers))


@check("VER-04", "methods of 0.3 are refused in 1.0", [V03_RPC])
async def _mixed(peer: Peer) -> None:
    answer = await peer.ask(peer.saying(COMPLETE), (JSON, ONE))
    expect(answer.failure is not None, answer.body)


@check("VER-05", "the version may stand in the query", V1, better=True)
async def _in_query(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    answer = await peer.plain(wire.method, f"{wire.path or '/'}?A2A-Version=1.0", (JSON,), wire.body)
    equal(answer.one.state, DONE, "state")


@check("VER-06", "a method that only 1.0 has needs no header to be understood", [V1_RPC], better=True)
async def _by_method(peer: Peer) -> None:
    equal((await peer.ask(peer.saying(COMPLETE), (JSON,))).one.state, DONE, "state")


@check("HEAD-01", "extensions that nobody knows do no harm", ALL)
async def _extensions(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    name = b"a2a-extensions" if peer.is_v1 else b"x-a2a-extensions"
    answer = await peer.ask(wire, (*wire.headers, (name, b"https://example.com/a, https://example.com/b")))
    equal(answer.one.state, DONE, "state")


@check("HEAD-02", "headers that nobody knows do no harm", ALL)
async def _others(peer: Peer) -> None:
    wire = peer.saying(COMPLETE)
    more = ((b"x-user-id", b"ada"), (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
    equal((await peer.ask(wire, (*wire.headers, *more))).one.state, DONE, "state")
