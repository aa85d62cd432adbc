"""From ASGI to a `Call` and from a `Reply` to ASGI: the wire side of the data path.

Hot paths are picked by one look-up before anything else; the rest goes to the cold
application. A caller that disconnects cancels the work in progress, at whatever stage.
"""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from ..core.call import Call, Handler, Record, Reply, Request
from ..core.clock import Clock
from ..core.errors import BadRequest, RequestTimeout, TooLarge
from ..core.streams import closing
from ..core.tasks import Tasks

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_TIMEOUT = 60.0
"""Seconds for a request body to arrive."""
WATCH_AFTER = 0.05
"""Seconds until a call counts as slow and its caller is watched for leaving: quick calls need no watcher."""
NO_CONTENT = frozenset({204, 304})
CLOSE = ((b"connection", b"close"),)


class Hot(NamedTuple):
    """A data path and the protocol it belongs to."""

    protocol: str
    handler: Handler


class Wire:
    """The ASGI application. `prefixes`: first path segment → data path; the second segment is the view."""

    def __init__(
        self,
        prefixes: dict[str, Hot],
        cold: Application,
        clock: Clock,
        *,
        max_body: int,
        body_timeout: float = BODY_TIMEOUT,
    ) -> None:
        self.tasks = Tasks("disconnect watchers")
        self._prefixes = prefixes
        self._cold = cold
        self._clock = clock
        self._max_body = max_body
        self._body_timeout = body_timeout
        self._boot = secrets.token_hex(5)
        self._numbers = itertools.count(1)

    def swap(self, prefixes: dict[str, Hot], cold: Application) -> None:
        """Where requests go from now on; those under way go on as they began."""
        self._prefixes, self._cold = prefixes, cold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        _, _, rest = scope["path"].partition("/")
        first, _, view = rest.partition("/")
        hot = self._prefixes.get(first)
        if hot is None:
            await self._cold(scope, receive, send)
        else:
            await self._serve(hot, view.removesuffix("/"), scope, receive, send)

    async def _serve(self, hot: Hot, view: str, scope: Scope, receive: Receive, send: Send) -> None:
        watch = Watch(receive, self.tasks)
        request = self._request(scope, receive, watch)
        record = Record(request, hot.protocol, self._clock.monotonic(), route=scope["path"])
        call = Call(hot.protocol, request, record, view)
        if request.method != "POST":
            watch.arm()
        try:
            reply = await hot.handler(call)
            await _send(reply, request.method, send, watch)
        except asyncio.CancelledError:
            if not watch.gone:
                raise
            watch.forgive()
        finally:
            watch.stop()

    def _request(self, scope: Scope, receive: Receive, watch: "Watch") -> Request:
        headers = _folded(scope["headers"])
        client = scope.get("client")
        return Request(
            id=f"{self._boot}-{next(self._numbers):x}",
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            source=f"{client[0]}:{client[1]}" if client else "",
            host=headers.get(b"host", b"").decode("latin-1"),
            version=f"HTTP/{scope['http_version']}",
            read=lambda: self._read(receive, watch),
            raw_path=scope.get("raw_path", b"").decode("latin-1") or scope["path"],
        )

    async def _read(self, receive: Receive, watch: "Watch") -> bytes:
        try:
            async with asyncio.timeout(self._body_timeout):
                body = await self._body(receive)
        except TimeoutError as error:
            sentence = f"the body did not arrive within {self._body_timeout:g} s"
            raise RequestTimeout(sentence, headers=CLOSE) from error
        watch.arm()
        return body

    async def _body(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("the connection ended before the body was complete")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._max_body:
                raise TooLarge(f"the body is larger than {self._max_body} bytes (gateway.max_body)")
            more = message.get("more_body", False)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _folded(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Lines of one name become one list (RFC 9110 5.3), so that nobody before us took another one for the header."""
    headers: dict[bytes, bytes] = {}
    for name, value in lines:
        headers[name] = value if name not in headers else headers[name] + b", " + value
    return headers


class Watch:
    """Notices that the caller has gone and cancels the request's task; starts only for calls that last.

    Armed once the body is read: before, the watcher would take it away from its reader.
    """

    def __init__(self, receive: Receive, tasks: Tasks) -> None:
        self.gone = False
        self._receive = receive
        self._tasks = tasks
        owner = asyncio.current_task()
        assert owner is not None
        self._owner = owner
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def arm(self) -> None:
        """Begin in a while, if the call lasts that long."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self.start)

    def start(self) -> None:
        """Begin now."""
        if self._watcher is None and not self._stopped and not self._tasks.closed:
            self._watcher = self._tasks.start(self._watch(), "watch")

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._owner.cancel()

    def forgive(self) -> None:
        """The caller has left: this is its end, not the gateway's."""
        self._owner.uncancel()

    def stop(self) -> None:
        """The request is over. Nothing happens after this."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()


async def _send(reply: Reply, method: str, send: Send, watch: Watch) -> None:
    if isinstance(reply.body, bytes):
        await _send_whole(reply, reply.body, send)
        return
    # Closed whatever happens, and before the last message: the server calls the end of a reply a disconnect.
    async with closing(reply.body) as chunks:
        await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
        watch.start()
        if method != "HEAD":
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_whole(reply: Reply, body: bytes, send: Send) -> None:
    headers = list(reply.headers)
    if reply.status not in NO_CONTENT:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
