"""What an HTTP API is shown beside a request: the manifest's headers, and credentials that are got for each caller.

Knows neither documents nor tools. Requests come in as functions of the headers that are laid over them, answers go
out; a 401 says that nothing was done, so a request is made once more with other credentials where there are. Above:
the connection, and the source of its document. Below: the port `Credentials`.
"""

from collections.abc import Awaitable, Callable

from ..core.call import Caller, Header
from ..core.errors import UpstreamDenied
from ..core.ports import Credentials, shown
from .openapi_answer import HttpAnswer

Send = Callable[[tuple[Header, ...]], Awaitable[HttpAnswer]]
"""Makes the request with these headers over its own."""


class Showing:
    """`fixed`: the manifest's headers, names in lower case."""

    def __init__(self, fixed: tuple[Header, ...] = (), credentials: Credentials | None = None) -> None:
        self._fixed = fixed
        self._credentials = credentials

    def __repr__(self) -> str:
        kind = "nothing" if self._credentials is None else type(self._credentials).__name__
        return f"<Showing {len(self._fixed)} headers and {kind}>"

    async def check(self) -> None:
        """Whether there is the token without which nobody's request would be answered. Raises `UpstreamError`.

        Callers in whose names the API is asked need none of the gateway's own.
        """
        if self._credentials is not None and not self._credentials.per_caller:
            await self._credentials.headers(None)

    async def ask(self, send: Send, caller: Caller | None) -> HttpAnswer:
        """The answer to what `send` sends in the caller's name, or (`None`) the gateway's own.

        Raises what `Credentials.headers` and `send` do, and `UpstreamDenied` for credentials that are refused.
        """
        credentials = self._credentials
        own = await shown(self._fixed, credentials, caller)
        answer = await send(own)
        if credentials is None or answer.status != 401:
            return answer
        if credentials.refused(own):
            answer = await send(await shown(self._fixed, credentials, caller))
        if answer.status == 401:
            whose = "the caller's" if credentials.per_caller and caller is not None else "the gateway's"
            raise UpstreamDenied(f"it refuses {whose} credentials (HTTP 401); see its auth in the manifest")
        return answer
