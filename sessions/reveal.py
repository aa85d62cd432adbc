"""No reply leaves before the session that it opened is stored: who knows an id can rely on it.

Stands in front of an endpoint where sessions are stored, and only there. Initializations
that come together share a commit, so this is a wait and hardly any work.
"""

from ..core.call import Call, Record, Reply
from ..core.errors import GatewayError
from ..core.ports import Endpoint
from .table import SessionTable


class Reveal:
    """An `Endpoint` before another one."""

    def __init__(self, endpoint: Endpoint, sessions: SessionTable) -> None:
        self.protocol = endpoint.protocol
        self.operations = endpoint.operations
        self._endpoint = endpoint
        self._sessions = sessions

    async def bind(self, call: Call) -> Call:
        return await self._endpoint.bind(call)

    async def dispatch(self, call: Call) -> Reply:
        """Raises `Overloaded` if the session cannot be stored."""
        reply = await self._endpoint.dispatch(call)
        opened = call.record.session
        if opened and call.session is None:
            await self._sessions.reveal(call.protocol, opened)
        return reply

    def render(self, record: Record, error: GatewayError) -> Reply:
        return self._endpoint.render(record, error)
