"""An HTTP API described by an OpenAPI document, as an MCP server of the modern era.

It has tools and nothing else, keeps no state for anybody, and lives here: only
`tools/call` goes over the network. A document in a file is read again when it changes,
at the next health check; a change that cannot be used leaves the old tools in place.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable

from ..core import jsonrpc
from ..core.call import Header
from ..core.errors import UpstreamError, UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.http_values import Timeouts
from ..core.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND
from ..core.rawjson import Fields, encode, fields, text
from .eras import CHANGED, MODERN_VERSIONS, Era
from .listing import Greeting
from .messages import Answer, Event, Inbox, Notice, Outbound
from .openapi_answer import HttpAnswer
from .openapi_encode import BadArgument
from .openapi_request import HttpRequest, request
from .openapi_result import failed, result
from .openapi_shown import Showing
from .openapi_source import Api, Source
from .openapi_tools import Operation

log = logging.getLogger("fedgate.server")

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an API's answer, as it is sent and decompressed."""
CONNECT = 5.0
_NOTHING: Fields = {}
_NO_CREDENTIALS = Showing()


class OpenApi:
    """A `Connection`, shared by all clients: nothing is kept of any of them, and what it shows is got for each call."""

    era: Era = "modern"
    shared = True
    stateful = False
    ended = ""
    busy = False
    """It is shared, so nobody waits for it to be free."""

    def __init__(
        self, source: Source, http: HttpClient, inbox: Inbox, *, agent: str, showing: Showing = _NO_CREDENTIALS
    ) -> None:
        self.endpoint = source.endpoint
        self.greeting = Greeting("", {}, {})
        self._source = source
        self._http = http
        self._inbox = inbox
        self._showing = showing
        self._agent = agent
        self._api: Api | None = None

    async def open(self) -> None:
        """Load the document. Raises `UpstreamError`."""
        await self._showing.check()
        await self._load()

    async def _load(self) -> None:
        self._api = await self._source.load(self._showing)
        self.greeting = self._api.greeting

    async def call(self, outbound: Outbound) -> AsyncGenerator[Event, None]:
        yield await self._answer(outbound)

    async def _answer(self, outbound: Outbound) -> Answer:
        if outbound.method == "tools/call":
            return await self._call(outbound)
        if outbound.method == "tools/list":
            return Answer(result=self._loaded.tools.listing)
        if outbound.method == "server/discover":
            await self._showing.check()
            await self._look_again()
            return Answer(result=self._discovered())
        return _refused(METHOD_NOT_FOUND, f"Method not found: {outbound.method[:100]}")

    @property
    def _loaded(self) -> Api:
        if self._api is None:
            raise UpstreamInvalid("its document is not loaded")
        return self._api

    def _discovered(self) -> bytes:
        greeting = self._loaded.greeting
        return encode({"supportedVersions": MODERN_VERSIONS, "capabilities": greeting.capabilities})

    async def _look_again(self) -> None:
        try:
            if not await self._source.changed():
                return
            await self._load()
        except UpstreamError as error:
            log.warning("the document of %s has changed, but %s; the old one stays in use", self.endpoint, error)
        else:
            self._inbox(Notice(CHANGED["tools"]))

    async def _call(self, outbound: Outbound) -> Answer:
        name = text(outbound.params.get("name")) or ""
        operation = self._loaded.tools.operations.get(name)
        if operation is None:
            return _refused(INVALID_PARAMS, f"Unknown tool: {name[:200]}")
        try:
            arguments = _arguments(outbound.params)
        except ValueError:
            return _refused(INVALID_PARAMS, "params.arguments must be an object")
        try:
            made = request(operation, arguments, (), self._agent)
        except BadArgument as error:
            return Answer(result=failed(str(error)))

        def send(own: tuple[Header, ...]) -> Awaitable[HttpAnswer]:
            return self._send(operation, made.under((*outbound.trace, *own)), outbound.timeout)

        answer = await self._showing.ask(send, outbound.client.caller)
        head = operation.method == "HEAD"
        return Answer(result=result(answer, tool=name, head=head, structured=operation.structured))

    async def _send(self, operation: Operation, made: HttpRequest, seconds: float) -> HttpAnswer:
        timeouts = Timeouts(connect=min(CONNECT, seconds), first_byte=seconds, idle=seconds, total=seconds)
        try:
            response = await self._http.request(
                made.method, operation.target, path=made.path, headers=made.headers, body=made.body, timeouts=timeouts
            )
        except ValueError as error:
            raise UpstreamInvalid(f"the request for {operation.tool} cannot be sent: {error}") from error
        try:
            body = await response.read(MAX_ANSWER)
        finally:
            await response.aclose()
        return HttpAnswer(response.status, response.headers, body, MAX_ANSWER)

    async def notify(self, method: str, params: bytes) -> None:
        """Nothing: there is nobody to hear it."""

    async def listen(self, notifications: Fields) -> bool:
        """`False`: changes are told to the inbox, on no stream."""
        del notifications
        return False

    async def aclose(self) -> None:
        """Nothing to end: the pool's connections belong to the client."""


def _arguments(params: Fields) -> Fields:
    given = params.get("arguments")
    return _NOTHING if given is None or bytes(given) == b"null" else fields(given)


def _refused(code: int, message: str) -> Answer:
    return Answer(error=jsonrpc.error_object(code, message))
