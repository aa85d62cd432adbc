"""`subscriptions/listen` towards a modern client (2026-07-28, subscriptions): the stream of what changes.

The first frame acknowledges what will be sent; every frame carries the subscription's id;
the end of the gateway is a result. The stream ends with the client's connection.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

from ..core import jsonrpc
from ..core.errors import GatewayError, Overloaded, RpcError
from ..core.rawjson import Fields, Raw, encode, fields, items, join, raw, sub, text, value
from .catalog import Catalog, Route
from .eras import ACKNOWLEDGED, CHANGED, META_SUBSCRIPTION
from .hub import Hub, uri_of
from .messages import Notice
from .routing import owner_of
from .stream import EventStream

MAX_LISTENERS = 10_000
MAX_URIS = 1000


class Listeners:
    """All open listen streams."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._open: dict[EventStream, bytes] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def open(self, view: str, catalog: Catalog, id_: Raw, params: Fields) -> AsyncGenerator[bytes, None]:
        """Subscribe; the frames follow. Raises `RpcError` for a filter that is none, `Overloaded` at the limit."""
        wanted, uris = _filter(params)
        if len(self._open) >= MAX_LISTENERS:
            raise Overloaded(f"{MAX_LISTENERS} subscriptions are open; close some")
        kinds = tuple(kind for kind in wanted if kind in catalog.capabilities)
        routes = await self._subscribe(catalog, uris)
        stream = EventStream()
        ident = bytes(id_)
        accepted: dict[str, object] = {f"{kind}ListChanged": True for kind in kinds}
        if routes:
            accepted["resourceSubscriptions"] = list(routes)
        stream.put_nowait(_tagged(ACKNOWLEDGED, {"notifications": raw(accepted)}, ident))
        self._open[stream] = ident
        end = self._hub.listen(view, _listener(stream, ident, frozenset(kinds), frozenset(routes)))
        return self._frames(stream, end, routes)

    async def _subscribe(self, catalog: Catalog, uris: list[str]) -> dict[str, Route]:
        """What cannot be watched is left out of the acknowledgement."""
        routes: dict[str, Route] = {}
        try:
            for uri in uris:
                if (route := owner_of(catalog, uri)) is not None and await self._watches(route):
                    routes[uri] = route
        except asyncio.CancelledError:
            self._release(routes)
            raise
        return routes

    async def _watches(self, route: Route) -> bool:
        try:
            await self._hub.subscribe(route.server, route.name)
        except GatewayError:
            return False
        return True

    def _release(self, routes: dict[str, Route]) -> None:
        for route in routes.values():
            self._hub.unsubscribe(route.server, route.name)

    async def _frames(
        self, stream: EventStream, end: Callable[[], None], routes: dict[str, Route]
    ) -> AsyncGenerator[bytes, None]:
        frames = stream.frames()
        try:
            async for frame in frames:
                yield frame
        finally:
            await frames.aclose()
            end()
            self._open.pop(stream, None)
            self._release(routes)

    def close(self) -> None:
        """The gateway stops: every stream gets its result."""
        for stream, ident in list(self._open.items()):
            meta = encode({"resultType": "complete", "_meta": {META_SUBSCRIPTION: Raw(ident)}})
            stream.end(jsonrpc.result(ident, meta))


def _filter(params: Fields) -> tuple[list[str], list[str]]:
    """The kinds of lists and the URIs that a client wants to hear of."""
    try:
        wanted = fields(params["notifications"])
        uris = [text(uri) for uri in items(wanted.get("resourceSubscriptions", Raw(b"[]")))]
    except (KeyError, ValueError) as error:
        raise RpcError(jsonrpc.INVALID_PARAMS, "params.notifications must be an object", status=400) from error
    if len(uris) > MAX_URIS:
        raise RpcError(jsonrpc.INVALID_PARAMS, f"at most {MAX_URIS} resourceSubscriptions are allowed", status=400)
    kinds = [kind for kind in CHANGED if value(wanted.get(f"{kind}ListChanged", Raw(b"false"))) is True]
    return kinds, list(dict.fromkeys(uri for uri in uris if uri is not None))


def _listener(
    stream: EventStream, ident: bytes, kinds: frozenset[str], uris: frozenset[str]
) -> Callable[[tuple[str, ...], Notice | None], None]:
    def hear(changed: tuple[str, ...], notice: Notice | None) -> None:
        for kind in changed:
            if kind in kinds:
                stream.put_nowait(_tagged(CHANGED[kind], {}, ident))
        if notice is not None and uri_of(notice) in uris:
            stream.put_nowait(_tagged(notice.method, fields(notice.params), ident))

    return hear


def _tagged(method: str, params: Fields, ident: bytes) -> bytes:
    meta = {**sub(params, "_meta"), META_SUBSCRIPTION: Raw(ident)}
    return jsonrpc.notification(method, join({**params, "_meta": raw(meta)}))
