"""What requests and answers said, one JSON object a line, to a stream of its own: off unless the manifest says so.

Values of members and headers that hold credentials are left out, and those that the manifest names; a body is cut at
a limit. What is no JSON is written as text. Written by a thread, as the access line is. Above: the payload stage.
Below: `writer.py`.
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .settings import PayloadSettings
from .spelling import bound, json_line
from .writer import Writer

LEFT_OUT = "[redacted]"
SECRETS = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key"),
        *("x-fedgate-provider-key", "apikey", "api_key", "password", "passwd", "secret", "client_secret", "token"),
        *("access_token", "refresh_token", "id_token", "subject_token", "private_key", "credentials", "credential"),
        *("mcp-session-id", "www-authenticate", "sec-websocket-key", "x-amz-security-token", "assertion"),
        *("client_assertion", "signature"),
    }
)
"""Members and headers, in lower case, whose values are never written."""
MAX_DEPTH = 64
READABLE = 256 << 10
"""Bytes of a body that is read to be redacted; a longer one could hold anything where it is cut, so only its size is
written."""
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_KEY = re.compile(r"\b(sk-|fg-|fgk_|AIza|ghp_|xox[abp]-)[A-Za-z0-9_-]{8,}")


class Redactor:
    """`more`: names besides `SECRETS`, however they are capitalised."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._names = SECRETS | {name.lower() for name in more}

    def headers(self, headers: Mapping[bytes, bytes]) -> dict[str, str]:
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers.items()}
        return {name: LEFT_OUT if name in self._names else bound(scrubbed(value)) for name, value in named.items()}

    def body(self, body: bytes, limit: int, size: int | None = None) -> str:
        """As text of at most `limit` characters. `size`: of the whole, of which `body` is the beginning."""
        whole = len(body) if size is None else size
        if whole > READABLE:
            return f"[{whole} bytes]"
        text = self._json(body) if whole == len(body) else None
        if text is None:
            text = self._events(body.decode("utf-8", "replace"))
        return text if len(text) <= limit else f"{text[:limit]}... [{whole} bytes]"

    def _json(self, body: bytes) -> str | None:
        try:
            return msgspec.json.encode(self._cleaned(msgspec.json.decode(body), 0)).decode()
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None

    def _events(self, text: str) -> str:
        """Event streams, with what each event says cleaned; other text without what looks like a credential."""
        return "\n".join(self._event(line) for line in text.splitlines())

    def _event(self, line: str) -> str:
        field, colon, data = line.partition(":")
        said = self._json(data.strip().encode("utf-8", "replace")) if field == "data" and colon else None
        return scrubbed(line) if said is None else f"data: {said}"

    def _cleaned(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return "[deeper]"
        if isinstance(value, dict):
            return {
                key: LEFT_OUT if key.lower() in self._names else self._cleaned(each, depth + 1)
                for key, each in value.items()
            }
        if isinstance(value, list):
            return [self._cleaned(each, depth + 1) for each in value]
        return scrubbed(value) if isinstance(value, str) else value


def scrubbed(text: str) -> str:
    """Text without what looks like a credential."""
    return _KEY.sub(LEFT_OUT, _BEARER.sub(LEFT_OUT, text))


class PayloadLines:
    """The stream. `max`: characters of one body."""

    def __init__(self, fd: int, settings: PayloadSettings, *, owned: bool) -> None:
        self.redactor = Redactor(settings.redact)
        self.max = settings.max
        self._fd = fd
        self._owned = owned
        self._writer = Writer(fd, capacity=1000)

    @property
    def dropped(self) -> int:
        """Lines lost so far."""
        return self._writer.dropped

    def write(self, fields: Mapping[str, object]) -> None:
        """Never blocks; drops (and counts) at capacity."""
        self._writer.put(json_line(fields) + b"\n")

    def close(self, timeout: float = 5.0) -> None:
        self._writer.close(timeout)
        if self._owned:
            os.close(self._fd)
            self._owned = False


def payload_lines(settings: PayloadSettings) -> PayloadLines:
    """Raises `OSError` if its file cannot be opened. The file is for its owner alone."""
    if settings.file == "stderr":
        return PayloadLines(2, settings, owned=False)
    fd = os.open(settings.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return PayloadLines(fd, settings, owned=True)
