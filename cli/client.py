"""A small MCP client for one question at a time: handshake, list or call, goodbye (2025-11-25, streamable HTTP).

Raw results come out as the bytes that came in. It offers the server no capabilities, so
it is never asked anything. The official SDK could do all this, at four times the start-up
time. Above: `tools` and `call`, by way of `reach`.
"""

import itertools
from collections.abc import AsyncIterator

import httpx2

from .. import __version__
from ..core import jsonrpc, sse
from ..core.errors import GatewayError
from ..core.jsonrpc import Message
from ..core.rawjson import Fields, Raw, encode, fields, items, text, value
from .screen import one_line
from .stop import UNREACHABLE, Stop

VERSION = "2025-11-25"
MAX_ANSWER = 64 * 1024 * 1024
MAX_REFUSAL = 64 * 1024
MAX_PAGES = 1000

_WITH_KEY = "fedgate tools --url {} --key KEY  (or set FEDGATE_KEY)"


class Refused(Exception):
    """The server answered with a JSON-RPC error; `str(error)` is its message."""

    def __init__(self, code: int, message: str, raw: bytes) -> None:
        super().__init__(message)
        self.code = code
        self.raw = raw


class Client:
    """One session at `url`, over an HTTP client that somebody else closes. Every failure is a `Stop` or `Refused`."""

    def __init__(self, http: httpx2.AsyncClient, url: str, key: str | None = None) -> None:
        self.url = url
        self._http = http
        self._key = key
        self._ids = itertools.count(1)
        self._headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"

    def beside(self, url: str) -> "Client":
        """Another one, for a session of its own at `url`, with the same key."""
        return Client(self._http, url, self._key)

    async def open(self) -> None:
        """The handshake."""
        client = {"name": "fedgate-cli", "version": __version__}
        hello = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client}
        result = await self.request("initialize", hello)
        self._headers["mcp-protocol-version"] = text(result.get("protocolVersion")) or VERSION
        await self._post(jsonrpc.notification("notifications/initialized"), None)

    async def aclose(self) -> None:
        """Say goodbye, if there is a session to end. Whether that is heard does not matter any more."""
        if "mcp-session-id" in self._headers:
            try:
                await self._http.delete(self.url, headers=self._headers)
            except httpx2.HTTPError:
                return

    async def tools(self) -> list[Raw]:
        """All tools, page by page, as the server spells them."""
        found: list[Raw] = []
        params: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            page = await self.request("tools/list", params)
            found += self._items(page.get("tools", Raw(b"[]")))
            cursor = text(page.get("nextCursor"))
            if cursor is None:
                return found
            params = {"cursor": cursor}
        raise self._odd(f"its list of tools has more than {MAX_PAGES} pages")

    def _items(self, array: Raw) -> list[Raw]:
        try:
            return items(array)
        except ValueError:
            raise self._odd("its list of tools is no list") from None

    async def request(self, method: str, params: object) -> Fields:
        """The members of the result. Raises `Refused` for a JSON-RPC error."""
        ident = next(self._ids)
        message = await self._post(jsonrpc.request(ident, method, encode(params)), ident)
        if message is None:
            raise self._odd(f"it ended its answer to {method} before it was complete")
        if bytes(message.error):
            raise _refused(bytes(message.error))
        try:
            return fields(message.result)
        except ValueError:
            raise self._odd(f"its result of {method} is no object") from None

    async def _post(self, body: bytes, ident: int | None) -> Message | None:
        """Send one message; the response to `ident`, if one is wanted."""
        try:
            async with self._http.stream("POST", self.url, content=body, headers=self._headers) as response:
                if not response.is_success:
                    await self._explain(response)
                if session := response.headers.get("mcp-session-id"):
                    self._headers["mcp-session-id"] = session
                async for message in self._messages(response):
                    if ident is not None and message.is_response and message.key == ident:
                        return message
        except httpx2.InvalidURL as error:
            raise Stop(f"{self.url} is no URL: {error}", UNREACHABLE) from error
        except httpx2.TimeoutException as error:
            raise Stop(f"{self.url} did not answer in time", UNREACHABLE) from error
        except httpx2.HTTPError as error:
            why = one_line(str(error)) or type(error).__name__
            raise Stop(f"cannot reach {self.url}: {why}", UNREACHABLE, "fedgate serve") from error
        return None

    async def _messages(self, response: httpx2.Response) -> AsyncIterator[Message]:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if kind == "text/event-stream":
                reader = sse.Reader(MAX_ANSWER)
                async for chunk in response.aiter_bytes():
                    for event in reader.feed(chunk):
                        if event.data:
                            yield jsonrpc.parse_one(event.data)
            elif kind == "application/json":
                if body := await self._body(response, MAX_ANSWER):  # a bare "accepted" may have this type, too
                    yield jsonrpc.parse_one(body)
            elif await self._body(response, MAX_REFUSAL):
                raise self._odd(f"it answered with {kind or 'no content type'} instead of JSON or an event stream")
        except GatewayError as error:
            raise self._odd(error.message) from error

    async def _body(self, response: httpx2.Response, limit: int) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > limit:
                raise self._odd(f"its answer is larger than {limit} bytes")
        return bytes(body)

    async def _explain(self, response: httpx2.Response) -> None:
        """Raise what an answer without success means."""
        status = response.status_code
        body = await self._body(response, MAX_REFUSAL)
        try:
            error = jsonrpc.parse_one(body).error
        except GatewayError:
            error = Raw(b"")
        if status in (401, 403):
            raise Stop(
                f"{self.url} refuses the caller (HTTP {status}): {_said(body)}", UNREACHABLE, _WITH_KEY.format(self.url)
            )
        if bytes(error):
            raise _refused(bytes(error))
        if "location" in response.headers:
            raise self._odd(f"it redirects to {one_line(response.headers['location'])}: give that URL")
        raise self._odd(f"it answered HTTP {status}: {_said(body)}")

    def _odd(self, what: str) -> Stop:
        return Stop(f"{self.url} is no MCP server that can be used: {what}", UNREACHABLE)


def _refused(raw: bytes) -> Refused:
    try:
        error = value(raw)
    except ValueError:
        error = {}
    known = error if isinstance(error, dict) else {}
    code, message = known.get("code"), known.get("message")
    return Refused(code if isinstance(code, int) else 0, str(message or "an error without a message"), raw)


def _said(body: bytes) -> str:
    """What a refusal says, if it is text for people or a JSON-RPC error."""
    try:
        return str(_refused(bytes(jsonrpc.parse_one(body).error)))
    except GatewayError:
        return one_line(body.decode("utf-8", "replace"))[:300] or "no reason given"
