"""Where an OpenAPI document comes from: a file or a URL, read whole and made into tools in a thread.

Above: the connection, which gets `Api` values or an `UpstreamError` that says what is
wrong with the document. A file is looked at again by `changed`; a URL only when loaded.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import Any, TypeVar

import msgspec

from ..core.call import Header
from ..core.errors import UpstreamDenied, UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.http_values import Target, Timeouts
from .eras import MODERN
from .listing import Greeting
from .openapi_answer import HttpAnswer
from .openapi_document import Broken, Document, origin_of, text
from .openapi_keywords import short
from .openapi_names import Choice
from .openapi_settings import OpenApiServer, is_url
from .openapi_shown import Showing
from .openapi_tools import Tools, build
from .openapi_yaml import parse_yaml

log = logging.getLogger("fedgate.server")

MAX_DOCUMENT = 64 * 1024 * 1024
"""Bytes."""
MAX_INSTRUCTIONS = 600
MAX_WARNINGS = 20
"""Sentences logged about what was left out of one document."""
_ACCEPT: Header = (b"accept", b"application/json, application/yaml;q=0.9, */*;q=0.1")
_NOTHING = Showing()

_T = TypeVar("_T")
Stamp = tuple[int, int]
"""Size and time of change: another one means another document."""


class Api(msgspec.Struct, frozen=True):
    """A document in use."""

    greeting: Greeting
    tools: Tools


class Source:
    """The document of one server. `server` is its name in the manifest.

    `owned`: headers that come from its credentials or not at all, so that no argument sets them.
    """

    def __init__(
        self, server: str, settings: OpenApiServer, http: HttpClient, owned: frozenset[bytes] = frozenset()
    ) -> None:
        self.endpoint = settings.endpoint
        self._server = server
        self._place = settings.openapi
        self._is_url = is_url(settings.openapi)
        self._choice = Choice(
            settings.base_url or "",
            settings.include,
            settings.exclude,
            frozenset((*(name.lower() for name in settings.headers), *(name.decode() for name in owned))),
        )
        self._http = http
        self._timeout = settings.timeout
        self._stamp: Stamp | None = None

    async def load(self, showing: Showing) -> Api:
        """Read it and make its tools; what is left out is logged. `showing`: for the fetch, if the document's host
        may see it. Raises `UpstreamError`."""
        content = await self._fetch(showing) if self._is_url else await self._read()
        location = self._place if self._is_url else ""
        try:
            api = await in_thread(lambda stop: _made(content, location, self._choice, stop))
        except Broken as error:
            raise UpstreamInvalid(f"its document cannot be used: {error}") from error
        self._report(api.tools.warnings)
        return api

    async def changed(self) -> bool:
        """Whether the file is another one than was loaded. One that is gone is none."""
        stamp = None if self._is_url else await asyncio.to_thread(_stamp, self._place)
        return stamp is not None and stamp != self._stamp

    async def _read(self) -> bytes:
        try:
            self._stamp, content = await asyncio.to_thread(_content, self._place)
        except OSError as error:
            name = Path(self._place).name
            raise UpstreamInvalid(f"its document {name} cannot be read: {error.strerror or 'not a file'}") from error
        return content

    async def _fetch(self, showing: Showing) -> bytes:
        # Credentials are for the API, wherever its description lies.
        own = not self._choice.base_url or origin_of(self._choice.base_url) == origin_of(self._place)
        answer = await (showing if own else _NOTHING).ask(self._get, None)
        if answer.status != 200:
            kind = UpstreamDenied if answer.status in (401, 403) else UpstreamInvalid
            raise kind(f"its document was not given: {answer.told((b'location',))}".replace("\n", ", "))
        return answer.body

    async def _get(self, headers: tuple[Header, ...]) -> HttpAnswer:
        timeouts = Timeouts(connect=min(5.0, self._timeout), first_byte=self._timeout, idle=self._timeout)
        sent = tuple({**dict([_ACCEPT]), **dict(headers)}.items())
        response = await self._http.request("GET", Target.parse(self._place), headers=sent, timeouts=timeouts)
        try:
            content = await response.read(MAX_DOCUMENT)
        finally:
            await response.aclose()
        return HttpAnswer(response.status, response.headers, content, MAX_DOCUMENT)

    def _report(self, warnings: tuple[str, ...]) -> None:
        for sentence in warnings[:MAX_WARNINGS]:
            log.warning("server %s: %s", self._server, sentence)
        if len(warnings) > MAX_WARNINGS:
            log.warning("server %s: %d more of this kind", self._server, len(warnings) - MAX_WARNINGS)


async def in_thread(work: Callable[[Flag], _T]) -> _T:
    """Run `work` beside the loop; when the caller is cancelled, it is told to stop."""
    stop = Flag()
    try:
        return await asyncio.to_thread(work, stop)
    finally:
        stop.set()


def _stamp(place: str) -> Stamp | None:
    try:
        found = Path(place).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _content(place: str) -> tuple[Stamp, bytes]:
    with Path(place).open("rb") as file:
        found = os.fstat(file.fileno())
        content = file.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise OSError(0, f"it is larger than {MAX_DOCUMENT >> 20} MiB")
    return (found.st_size, found.st_mtime_ns), content


def _made(content: bytes, location: str, choice: Choice, stop: Flag) -> Api:
    document = Document(parsed(content, stop), location)
    return Api(_greeting(document), build(document, choice, stop))


def parsed(content: bytes, stop: Flag) -> Any:
    """The data of a JSON or YAML text. Raises `Broken`."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    kind = "JSON" if content.lstrip()[:1] == b"{" else "YAML"
    try:
        return msgspec.json.decode(content) if kind == "JSON" else parse_yaml(content.decode(), stop)
    except (ValueError, RecursionError) as error:
        raise Broken(f"it is not valid {kind}: {error}") from error


def _greeting(document: Document) -> Greeting:
    title, version = text(document.info.get("title")).strip(), document.info.get("version")
    info = {"name": short(title, 100) or "OpenAPI", "version": str(version or "")[:100]}
    words = short(text(document.info.get("description")).strip(), MAX_INSTRUCTIONS)
    return Greeting(MODERN, {"tools": {}}, info, words)
