"""What the sections of all kinds of servers share: time limit, notes, pins, headers. Values only."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from ..core.values import Duration, Refusal, Section, refuse_all, written
from .profile_settings import PinMode

# Sent by the HTTP client itself: a second value would break the framing of the request.
_FRAMING = {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


def _headers(headers: dict[str, str]) -> dict[str, str]:
    found: list[Refusal] = []
    seen: dict[str, str] = {}
    for name, value in headers.items():
        first = seen.setdefault(name.lower(), name)
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            found.append(Refusal("is not a header name", "use letters, digits and -", (name,)))
        elif name.lower() in _FRAMING:
            found.append(Refusal("is set by the gateway itself", "leave this header out", (name,)))
        elif first != name:
            found.append(Refusal("is given twice", "header names do not mind case", (name,), (first,)))
        if not re.fullmatch(r"[\t -~\x80-\xff]*", value):
            found.append(
                Refusal(
                    "cannot be sent in a header",
                    "it has a line break or a character outside Latin-1",
                    (name,),
                )
            )
    if found:
        raise refuse_all(found)
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_headers)]


class AnyServer(Section):
    """What may be said of any server."""

    timeout: Duration = Field(
        default=60.0,
        json_schema_extra=written("60s"),
        description="How long one request to this server may take.",
    )
    disabled: bool = Field(default=False, description="Keep the entry, but do not use the server.")
    description: str | None = Field(
        default=None, max_length=1000, description="What it is for: people read it, and models that search for tools."
    )
    pin: PinMode = Field(
        default="warn",
        description="When a tool's definition changes after it was accepted: warn, withhold it (strict), or nothing.",
    )


def host_and_port(url: str) -> str:
    """What logs call a URL: no path and no query, which may hold a credential."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
