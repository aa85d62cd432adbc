"""The values that travel through the A2A part: what was asked, how a peer speaks, what an answer says of ids.

Plain data, no I/O. Operations carry their 1.0 names (`SendMessage`, `GetTask`, ...) and task
states their 1.0 spelling (`TASK_STATE_COMPLETED`), whatever version a peer speaks. Above: every
module of this part. Below: `core`.
"""

from typing import Literal, NamedTuple

import msgspec

from ..core.rawjson import EMPTY, Raw

Version = Literal["1.0", "0.3"]
Binding = Literal["jsonrpc", "rest"]


class Speech(NamedTuple):
    """How a peer speaks: the protocol version and the binding (JSON-RPC, or HTTP+JSON)."""

    version: Version
    binding: Binding


OWN = Speech("1.0", "jsonrpc")
"""How the gateway itself speaks when it is the one who asks."""


class Ids(msgspec.Struct, frozen=True, gc=False):
    """Ids that a request names; empty where it names none."""

    task: str = ""
    context: str = ""
    references: tuple[str, ...] = ()
    """`message.referenceTaskIds`."""
    message: str = ""
    """`message.messageId`."""
    config: str = ""
    """The push configuration's id."""
    bare: bool = False
    """It is known that no push configuration came with the message: nobody need look for one."""


class Asked(msgspec.Struct, frozen=True):
    """One request of a client, as it came."""

    operation: str
    """The canonical 1.0 name."""
    speech: Speech
    agent: str
    ids: Ids = Ids()
    id: Raw = EMPTY
    """The JSON-RPC id as it was written; empty in REST."""
    params: Raw = EMPTY
    """JSON-RPC: `params` (empty if absent). REST: the body (empty if there is none)."""
    path: str = ""
    """REST: the path below the agent's base, with its leading slash and without `/v1` of 0.3, decoded by nobody."""
    query: str = ""
    """REST: the query string without `A2A-Version`."""
    method: str = "POST"
    """The HTTP method."""
    body: bytes = b""
    """The HTTP body, every byte as it came."""
    extensions: str = ""
    """Value of `A2A-Extensions` (or `X-A2A-Extensions`): a comma-separated list of URIs."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One HTTP request to an agent, in the agent's speech. `path` (with its query) is below the interface's URL;
    empty for JSON-RPC."""

    method: str
    path: str
    body: bytes


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One whole answer: HTTP status and JSON body."""

    status: int
    body: bytes


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What an answer or a stream's event says at the top of its envelope. Empty where it says nothing."""

    task: str = ""
    context: str = ""
    state: str = ""
    """The 1.0 spelling."""


TERMINAL = frozenset({"TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELED", "TASK_STATE_REJECTED"})
INTERRUPTED = frozenset({"TASK_STATE_INPUT_REQUIRED", "TASK_STATE_AUTH_REQUIRED"})
