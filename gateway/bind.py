"""The stage that finds the session or conversation of a call, and checks that the caller owns it."""

from collections.abc import Callable

from ..core.call import Call, Handler, Reply
from ..core.ports import Endpoint


class Bind:
    """Asks the endpoint, which knows its protocol."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        return await inner(await self._endpoint.bind(call))


class BindOne:
    """The same for one message of a batch, whose session was found with the batch."""

    def __init__(self, bind: Callable[[Call], Call]) -> None:
        self._bind = bind

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        return await inner(self._bind(call))
