"""The `gateway` section: where to listen, under which names, and how much to take on.

Only values: nothing here opens a socket. `manifest/model.py` composes it and adds the one
rule that needs a second section (who may listen beyond loopback); `gateway/serve.py` and
`gateway/app.py` read it.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from ..core.values import Section, Size, Url, refuse, written

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*", re.I)
LISTEN_PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]*):[0-9]{1,5}$"
ALLOWED_HOST_PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{1,5})?$"


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to bind. `host` is an IP address (without brackets) or a name; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach it. A name other than `localhost` is not looked up: it counts as open."""
        if self.host.lower() == "localhost":
            return True
        try:
            address = ip_address(self.host)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return (mapped or address).is_loopback

    @property
    def reachable(self) -> "Listen":
        """The loopback address of a listener on every interface: "0.0.0.0" is nothing to connect to."""
        try:
            address = ip_address(self.host)
        except ValueError:
            return self
        if not address.is_unspecified:
            return self
        return Listen("::1" if address.version == 6 else "127.0.0.1", self.port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> Listen:
    """`HOST:PORT`, `[IPV6]:PORT`, or `:PORT` for every IPv4 interface. Raises `ValueError` with what is wrong."""
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("has no port between 0 and 65535")
    if host.startswith("[") and host.endswith("]"):
        return Listen(str(IPv6Address(host[1:-1])), int(port))
    if ":" in host:
        raise ValueError("has an IPv6 address without brackets")
    if host and not _HOST_NAME.fullmatch(host):
        raise ValueError("has no valid host")
    if re.fullmatch("[0-9.]+", host):
        host = str(ip_address(host))
    return Listen(host or "0.0.0.0", int(port))  # noqa: S104  `:PORT` means every interface; the manifest then asks for keys


def _listen(value: object) -> Listen:
    if isinstance(value, Listen):
        return value
    why = 'write "HOST:PORT", such as "127.0.0.1:8080" or "[::1]:8080"'
    if not isinstance(value, str):
        raise refuse("must be an address", why)
    try:
        return parse_listen(value)
    except ValueError:
        raise refuse("must be an address", why) from None


def _allowed_host(text: str) -> str:
    match = re.fullmatch(ALLOWED_HOST_PATTERN[1:-1], text)
    if match is None or int((match[2] or ":0")[1:]) > 65535:
        raise refuse(
            "must be a host name, with a port if only that port is meant",
            'write for example "gw.example.com", without scheme, path or wildcard',
        )
    return text.lower()


def _public_url(text: str) -> str:
    if "?" in text:
        raise refuse("must not carry a query", 'write for example "https://gw.example.com"')
    return text.rstrip("/")


_AllowedHost = Annotated[
    str, AfterValidator(_allowed_host), WithJsonSchema({"type": "string", "pattern": ALLOWED_HOST_PATTERN})
]


class GatewaySettings(Section):
    """The gateway itself: its address, its names, its limits."""

    listen: Annotated[
        Listen,
        PlainValidator(_listen),
        WithJsonSchema({"type": "string", "pattern": LISTEN_PATTERN, "examples": ["127.0.0.1:8080", "[::1]:8080"]}),
    ] = Field(
        default=Listen("127.0.0.1", 8080),
        json_schema_extra=written("127.0.0.1:8080"),
        description="Address to listen on, HOST:PORT; :PORT means every IPv4 interface. "
        "An address that other machines can reach needs access.keys.",
    )
    public_url: Annotated[Url, AfterValidator(_public_url)] | None = Field(
        default=None, description="The URL under which clients reach the gateway, when it stands behind a proxy."
    )
    allowed_hosts: tuple[_AllowedHost, ...] = Field(
        default=(),
        description="Host and Origin names accepted besides loopback and the host of public_url (HOST or HOST:PORT).",
    )
    max_body: Size = Field(
        default=16 << 20, json_schema_extra=written("16MiB"), description="Largest request body that is read."
    )
    signing_key: Path | None = Field(
        default=None,
        description="PEM file with the P-256 private key that agent cards are signed with, relative to the manifest's "
        "folder; default: a new key at each start. Gateways that stand side by side share one.",
    )
    max_concurrent: int = Field(
        default=1024, ge=1, le=1_000_000, description="Requests served at a time; more are answered 503."
    )
