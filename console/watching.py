"""What administrators can watch: operations as they happen, the story of one request, the manifest that is served.

Above: `admin.py`. Below: `telemetry/` (live view, stories), the port to whoever reloads.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ..core.errors import Conflict, NotFound
from ..telemetry.live import Live
from ..telemetry.stories import Stories
from .guard import administrator, answer
from .ports import Reload

STREAM = {"cache-control": "no-store", "x-accel-buffering": "no"}
LONGEST_ID = 100

Sessions = Callable[[], Awaitable[Any]]


class Watching(msgspec.Struct, frozen=True):
    """The handlers. What is `None` is not there."""

    live: Live | None = None
    stories: Stories | None = None
    reload: Reload | None = None

    async def stream(self, request: Request) -> Response:
        """`GET /admin/live`: events `snapshot`, `delta`, `sessions`; with `?once` the snapshot alone, as JSON."""
        if self.live is None:
            raise NotFound("nothing is watched here")
        if "once" in request.query_params:
            sessions = None if self.live.sessions is None else await self.live.sessions()
            return answer({**self.live.snapshot(), "sessions": sessions})
        return StreamingResponse(self.live.watch(), 200, STREAM, "text/event-stream")

    async def story(self, request: Request) -> Response:
        """`GET /admin/requests/{id}`."""
        id_ = request.path_params["id"]
        found = [] if self.stories is None else self.stories.find(id_)
        if not found:
            raise NotFound(
                f'no request "{id_[:LONGEST_ID]}" is remembered: its id stands in x-fedgate-request-id of the reply, '
                "and the last telemetry.requests.keep are kept"
            )
        return answer({"request": id_, "operations": found})

    async def manifest(self, _request: Request) -> Response:
        """`GET /admin/reload`: which manifest is served, and what became of the last attempt."""
        return answer(self._reload.standing)

    async def again(self, request: Request) -> Response:
        """`POST /admin/reload`. A manifest that is refused is answered with 422 and why."""
        outcome = await self._reload.reload(f"{administrator(request).owner}")
        return answer(outcome, 422 if outcome.result == "refused" else 200)

    @property
    def _reload(self) -> Reload:
        if self.reload is None:
            raise Conflict("this gateway was not started from a manifest file, so there is nothing to read again")
        return self.reload
