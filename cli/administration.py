"""What the commands for operators ask of a running gateway: its administration, one question at a time.

Every failure is a `Stop` with the command to try. Above: `sessions` and `agents`. Below: HTTP.
"""

import contextlib
import shlex
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from ..core.rawjson import value
from .screen import one_line
from .stop import UNREACHABLE, USAGE, Stop

MAX_ANSWER = 64 * 1024 * 1024
_OLD = "it has no administration that can be used"


class Administration:
    """The gateway at `base`, over an HTTP client that somebody else closes. `look`: the command that lists."""

    def __init__(self, http: httpx2.AsyncClient, base: str, look: str, key: str | None) -> None:
        self._http = http
        self._base = base
        self._look = look
        self._headers = {"accept": "application/json"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"

    async def ask(
        self, method: str, path: str, params: Mapping[str, str] | None = None, *, body: bytes | None = None
    ) -> dict[str, Any]:
        """The object that is answered. Raises `Stop`."""
        url = f"{self._base}/admin{path}"
        try:
            async with self._http.stream(method, url, params=params, headers=self._headers, content=body) as response:
                found = await self._body(response)
        except httpx2.TimeoutException as error:
            raise Stop(f"{self._base} did not answer in time", UNREACHABLE) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._unreached(error) from error
        if response.is_success and isinstance(found, dict):
            return found
        raise self._refusal(response.status_code, found)

    async def stream(self, path: str, silence: float) -> AsyncIterator[bytes]:
        """What is sent, as it comes; `silence`: seconds without a word that count as the end. Raises `Stop`."""
        url = f"{self._base}/admin{path}"
        headers = {**self._headers, "accept": "text/event-stream"}
        known = self._http.timeout
        timeout = httpx2.Timeout(connect=known.connect, read=silence, write=known.write, pool=known.pool)
        try:
            async with self._http.stream("GET", url, headers=headers, timeout=timeout) as response:
                if not response.is_success:
                    raise self._refusal(response.status_code, await self._body(response))
                async for chunk in response.aiter_bytes():
                    yield chunk
        except httpx2.TimeoutException as error:
            raise Stop(f"{self._base} did not answer in time", UNREACHABLE) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._unreached(error) from error

    def _unreached(self, error: Exception) -> Stop:
        why = one_line(str(error)) or type(error).__name__
        return Stop(f"cannot reach {self._base}: {why}", UNREACHABLE, "fedgate serve")

    async def _body(self, response: httpx2.Response) -> object:
        """As JSON; `None` if it is none."""
        found = bytearray()
        async for chunk in response.aiter_bytes():
            found += chunk
            if len(found) > MAX_ANSWER:
                raise self._odd(f"its answer is larger than {MAX_ANSWER} bytes")
        try:
            return value(bytes(found))
        except ValueError:
            return None

    def _refusal(self, status: int, body: object) -> Stop:
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            return self._odd(f"{_OLD} (HTTP {status})")
        said = one_line(error["message"])
        if status in (401, 403):
            hint = f"{self._look} --key KEY  (or set FEDGATE_KEY)"
            return Stop(f"{self._base} refuses the caller (HTTP {status}): {said}", UNREACHABLE, hint)
        return Stop(said, USAGE if 400 <= status < 500 else UNREACHABLE, self._look)

    def _odd(self, what: str) -> Stop:
        return Stop(f"{self._base} is no fedgate gateway: {what}", UNREACHABLE)


@contextlib.asynccontextmanager
async def administration(arguments: Namespace, command: str) -> AsyncIterator[Administration]:
    """Of the gateway at `--url`. `command`: the one that lists what there is. Raises `Stop`."""
    base = base_of(arguments.url)
    look = shlex.join(["fedgate", command, "--url", base])
    async with httpx2.AsyncClient(timeout=arguments.timeout) as http:
        yield Administration(http, base, look, arguments.key)


def base_of(url: str) -> str:
    """The gateway's root; the address of its catalog means it too. Raises `Stop`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Stop(f'--url "{url}" is no URL: write for example http://127.0.0.1:8080', USAGE)
    path = parts.path.rstrip("/").removesuffix("/mcp")
    return f"{parts.scheme}://{parts.netloc}{path}"
