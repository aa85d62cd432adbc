"""The bridge: a caller's request in the speech of an agent, and the agent's answer in the speech of its caller.

There are four speeches: JSON-RPC and REST of 1.0 and of 0.3. Where both speak alike, bytes pass
untouched. Where only the binding differs, raw JSON is put into another place and unknown members
survive. Where the version differs, the SDK converts, and members that the standard does not know are
lost. Every way goes over the same three steps: out of the binding into JSON-RPC's parameters or
result, from version to version, into the other binding.

Values in, values out: no I/O, no pins, no cards. Above: the relay, push, listings. Below:
`bridge_requests`, `bridge_results`, `bridge_versions`, `bridge_errors`, `ids`.
"""

from collections.abc import Callable, Sequence

from ..core import jsonrpc
from ..core.errors import RpcError, UpstreamInvalid
from ..core.rawjson import NULL, Fields, Raw, fields, is_object, items, well_formed
from . import bridge_errors, bridge_requests, bridge_results, bridge_versions, ids
from .bridge_errors import Problem
from .bridge_versions import warm
from .errors import invalid_params, unsupported_operation
from .operations import PUSH_DELETE, PUSH_LIST, method_name
from .values import OWN, Answered, Asked, Outgoing, Speech, Version

__all__ = ["answer", "ask", "choose", "event", "event_name", "from_own", "outgoing", "own_params", "warm"]

ERROR_EVENT, MESSAGE_EVENT = b"error", b"message"
_REST_ID = Raw(b"1")
"""The JSON-RPC id of a request that came by REST, which has none."""


def choose(caller: Speech, spoken: Sequence[Speech]) -> Speech:
    """Which of the agent's speeches costs the caller's request least: its own, else its version, else its binding.

    `ValueError` if the agent speaks none.
    """
    if not spoken:
        raise ValueError("the agent speaks none of the protocol's versions and bindings")
    return min(spoken, key=lambda each: (each.version != caller.version, each.binding != caller.binding))


def outgoing(asked: Asked, to: Speech) -> Outgoing:
    """The HTTP request that asks the same of an agent. `A2aError` for what its speech cannot say."""
    if to == asked.speech:
        return Outgoing("POST", "", asked.body) if to.binding == "jsonrpc" else _untouched(asked)
    method = method_name(asked.operation, to.version)
    if method is None:
        raise unsupported_operation(f"this agent speaks {to.version} of the protocol, which has no {asked.operation}")
    try:
        params = _params(asked, to.version)
        if to.binding == "rest":
            return bridge_requests.to_rest(asked.operation, to.version, params)
    except ValueError as error:
        raise invalid_params(str(error)) from error
    return Outgoing("POST", "", jsonrpc.request(bytes(asked.id) or _REST_ID, method, params))


def _untouched(asked: Asked) -> Outgoing:
    """A REST request as it came."""
    prefix = "/v1" if asked.speech.version == "0.3" else ""
    query = f"?{asked.query}" if asked.query else ""
    return Outgoing(asked.method, f"{prefix}{asked.path}{query}", asked.body)


def _params(asked: Asked, version: Version) -> bytes:
    """The parameters as JSON-RPC of `version` says them."""
    params = bridge_requests.of_rest(asked) if asked.speech.binding == "rest" else bytes(asked.params) or b"{}"
    if asked.speech.version != version:
        params = bridge_versions.params(asked.operation, params, version)
    return params


def answer(asked: Asked, of: Speech, status: int, body: bytes) -> Answered:
    """The agent's whole answer in the caller's speech. `UpstreamInvalid` if it is none of the protocol."""
    if of == asked.speech:
        return Answered(status, body)

    def translate(body: bytes) -> Answered:
        return _say(asked, of.version, _read(asked.operation, of, status, body))

    return _understood(translate, body)


def event(asked: Asked, of: Speech, data: bytes, name: bytes = MESSAGE_EVENT) -> bytes:
    """The data of one event of the agent's stream, named `name` there, in the caller's speech.

    `UpstreamInvalid` if it is none of the protocol. What the caller's event is named says `event_name`.
    """
    if of == asked.speech:
        return data

    def translate(data: bytes) -> Answered:
        if of.binding == "rest" and _says_error(data, name):
            return _say(asked, of.version, bridge_errors.of_rest(asked.operation, 0, data))
        return _say(asked, of.version, _read(asked.operation, of, 200, data))

    return _understood(translate, data).body


def event_name(speech: Speech, data: bytes) -> bytes:
    """What SDK servers of a speech name the event with this data: errors are `error`, but not in JSON-RPC of 0.3."""
    if speech == Speech("0.3", "jsonrpc"):
        return MESSAGE_EVENT
    return ERROR_EVENT if _says_error(data, MESSAGE_EVENT) else MESSAGE_EVENT


def ask(operation: str, params: bytes, id_: bytes = b"1", agent: str = "") -> Asked:
    """A request of the gateway itself, in its own speech. `params` (an object) as 1.0's JSON-RPC has them."""
    return Asked(
        operation,
        OWN,
        agent,
        ids=ids.of_params(operation, OWN, Raw(params)),
        id=Raw(id_),
        params=Raw(params),
        body=jsonrpc.request(id_, operation, params),
    )


def own_params(asked: Asked) -> Fields:
    """What the caller asked, as the gateway itself would have: the members of 1.0's `params`. `A2aError` if unfit."""
    try:
        return fields(_params(asked, OWN.version))
    except ValueError as error:
        raise invalid_params(str(error)) from error


def from_own(asked: Asked, result: bytes) -> Answered:
    """A result that the gateway made (out of what agents said), as 1.0's JSON-RPC has it, in the caller's speech.

    `UpstreamInvalid` if the caller's version cannot say it.
    """
    return _understood(lambda result: _say(asked, OWN.version, Raw(result)), result)


def _read(operation: str, of: Speech, status: int, body: bytes) -> Raw | Problem:
    """What an answer says: a result as JSON-RPC of its version has it, or an error."""
    success = 200 <= status < 300
    if of.binding == "jsonrpc":
        try:
            return _of_envelope(operation, body)
        except (ValueError, RpcError) as error:
            raise ValueError(str(error) if success else f"it is HTTP {status} without a JSON-RPC answer") from error
    if success:
        return bridge_results.of_rest(operation, of.version, body)
    try:
        return bridge_errors.of_rest(operation, status, body)
    except ValueError:
        return bridge_errors.of_stranger(operation, status)


def _of_envelope(operation: str, body: bytes) -> Raw | Problem:
    envelope = jsonrpc.parse_one(body)
    if bytes(envelope.error) not in (b"", b"null"):
        return bridge_errors.of_rpc(envelope.error)
    if operation == PUSH_DELETE:
        return NULL
    if operation == PUSH_LIST and bytes(envelope.result)[:1] == b"[":
        items(envelope.result)
    else:
        fields(envelope.result)
    return envelope.result


def _say(asked: Asked, version: Version, found: Raw | Problem) -> Answered:
    """A result or an error of `version` in the caller's speech."""
    speech, id_ = asked.speech, bytes(asked.id) or b"null"
    if isinstance(found, Problem):
        if speech.binding == "rest":
            return bridge_errors.to_rest(found, speech.version)
        return Answered(200, jsonrpc.error(id_, bridge_errors.to_rpc(found, speech.version)))
    if speech.version != version:
        found = bridge_versions.result(asked.operation, found, speech.version)
    if speech.binding == "rest":
        return Answered(200, bridge_results.to_rest(asked.operation, speech.version, found))
    return Answered(200, jsonrpc.result(id_, found))


def _says_error(data: bytes, name: bytes) -> bool:
    if name == ERROR_EVENT:
        return True
    try:
        return is_object(fields(data).get("error"))
    except ValueError:
        return False


def _understood(translate: Callable[[bytes], Answered], said: bytes) -> Answered:
    """What `translate` makes of it; strings that were cut in the middle of an emoji are mended where they hinder it."""
    try:
        try:
            return translate(said)
        except ValueError:
            if (mended := well_formed(said)) == said:
                raise
            return translate(mended)
    except ValueError as error:
        raise UpstreamInvalid(f"the agent's answer cannot be understood: {error}") from error
