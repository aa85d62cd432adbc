"""What the sections of all kinds of servers share: time limit, notes, pins, headers. Values only."""

from urllib.parse import urlsplit

from pydantic import Field

from ..core.header_settings import Headers
from ..core.values import Duration, Section, written
from .profile_settings import Groups, PinMode

__all__ = ["AnyServer", "Headers", "host_and_port"]


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
    groups: Groups = Field(
        default=(), description="Groups whose members may use it; default: everybody who may use the gateway."
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
