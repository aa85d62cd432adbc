"""Sealed request state: what the gateway lets a modern client carry from one round of a call to the next.

2026-07-28, multi-round requests: the state comes back from an untrusted place, so it is
encrypted and authenticated (AES-256-GCM), and names the caller, the request and an end
of its life. The key lives with the process: a restart makes open rounds invalid, as it
ends the calls that they belong to.
"""

import hashlib
from typing import Any, Literal

import msgspec

from ..core import jsonrpc
from ..core.clock import Clock
from ..core.errors import RpcError
from ..core.rawjson import Raw, value
from ..core.sealing import Box
from .inbound import Inbound

Kind = Literal["parked", "relayed"]
"""`parked`: a call that waits here. `relayed`: a server's own state, which only that server understands."""

LIFE = 600.0
"""Seconds that a sealed state is accepted."""
MAX_STATE = 256 * 1024
_ROUNDS = frozenset({"inputResponses", "requestState"})


class State(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed. `digest` says which request it belongs to, `owner` whose; `body` is the secret part."""

    kind: Kind
    owner: str
    server: str
    digest: str
    expires: float
    body: str


class Seal:
    """Seals and opens states with one key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._box = Box()

    def close(self, kind: Kind, owner: str, inbound: Inbound, body: str) -> str:
        """A new state for this caller and request."""
        assert inbound.route is not None
        expires = self._clock.now() + LIFE
        state = State(kind, owner, inbound.route.server, digest_of(inbound), expires, body)
        return self._box.seal(msgspec.json.encode(state))

    def open(self, sealed: str, owner: str, inbound: Inbound) -> State:
        """The state, if it is ours, unexpired, this caller's and this request's. Else `RpcError` -32602.

        One sentence for all reasons: which check failed is nobody's business.
        """
        assert inbound.route is not None
        refusal = RpcError(jsonrpc.INVALID_PARAMS, "requestState is not valid for this request", status=400)
        try:
            state = msgspec.json.decode(self._box.open(sealed, MAX_STATE), type=State)
        except ValueError as error:  # not sealed here, or not a state
            raise refusal from error
        same = state.owner == owner and state.server == inbound.route.server and state.digest == digest_of(inbound)
        if not same or state.expires < self._clock.now():
            raise refusal
        return state


def digest_of(inbound: Inbound) -> str:
    """Which request this is: its method and parameters, however they are spelled; rounds do not count."""
    kept = {key: _read(part) for key, part in inbound.params.items() if key not in _ROUNDS}
    canonical = msgspec.json.encode([inbound.message.method, kept], order="deterministic")
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def _read(part: Raw) -> Any:
    try:
        return value(part)
    except ValueError:  # a number that Python has no value for: then as it is spelled
        return bytes(part).decode()
