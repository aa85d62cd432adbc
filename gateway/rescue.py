"""The one place where errors become replies, in the caller's own protocol.

Known errors are rendered as they are. Anything else is a bug: it is logged with its
cause under the request's id and reported blandly.
"""

import logging

from ..core.call import Call, Handler, Reply
from ..core.errors import GatewayError, Internal
from ..core.ports import Endpoint

log = logging.getLogger("fedgate.gateway")


class Rescue:
    """For calls of one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        record = call.record
        try:
            return await inner(call)
        except GatewayError as error:
            record.error = record.error or f"{error.reason}: {error.message}"[:200]
            return self._endpoint.render(record, error)
        except Exception as error:
            log.exception("request %s failed: %s", record.request.id, type(error).__name__)
            record.error = Internal.reason
            return self._endpoint.render(record, Internal(f"internal error; the log has it as {record.request.id}"))
