"""How a connection is opened: TCP, TLS, and the way through a proxy. Runs under the caller's timeout.

Whatever goes wrong here went wrong before a request was sent: `UpstreamRefused`.
No environment variable is read. Above: `http_pool`. Below: `http_connection`.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from .errors import UpstreamError, UpstreamInvalid, UpstreamRefused
from .http_connection import Connection
from .http_response import HttpResponse
from .http_values import HttpLimits, Target, Timeouts

_CLOSE_NOTIFY = 1.0
"""Seconds for a TLS peer to say goodbye."""


class Connector:
    """Opens connections, directly or through `proxy`. `tls` is ours from now on: its ALPN is set to http/1.1."""

    def __init__(self, tls: ssl.SSLContext | None, proxy: Target | None, limits: HttpLimits) -> None:
        self._tls = tls
        self._making: asyncio.Future[ssl.SSLContext] | None = None
        self._proxy = proxy
        self._limits = limits
        if tls is not None:
            tls.set_alpn_protocols(["http/1.1"])

    def is_absolute(self, target: Target) -> bool:
        """Does a request to `target` carry the whole URL in its first line?"""
        return self._proxy is not None and target.scheme == "http"

    async def open(self, target: Target, connection: Connection) -> None:
        """Connect, so that `connection` can send. The caller closes it after any failure."""
        if self._proxy is None:
            await self._dial(target, connection)
        elif target.scheme == "https":
            await self._dial_through(self._proxy, target, connection)
        elif target.addresses:
            # The proxy would resolve the name again, and nobody would have checked what it finds.
            raise UpstreamRefused(f"{target.origin} cannot be reached through a proxy: use https")
        else:
            await self._dial(self._proxy, connection)

    async def _dial(self, hop: Target, connection: Connection) -> None:
        with _refusals(hop):
            *others, last = hop.addresses or (hop.host,)
            for address in others:
                try:
                    await self._dial_address(hop, address, connection)
                except ssl.SSLError:
                    raise  # it was reached: the same host would show the same certificate elsewhere
                except OSError:
                    continue
                return
            await self._dial_address(hop, last, connection)

    async def _dial_address(self, hop: Target, address: str, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        if hop.scheme == "http":
            await loop.create_connection(lambda: connection, address, hop.port)
            return
        await loop.create_connection(
            lambda: connection,
            address,
            hop.port,
            ssl=await self._context(),
            server_hostname=hop.host,
            ssl_shutdown_timeout=_CLOSE_NOTIFY,
        )

    async def _dial_through(self, proxy: Target, target: Target, connection: Connection) -> None:
        """CONNECT (RFC 9110 9.3.6), then TLS with the target inside."""
        # Made first: between the proxy's answer and `start_tls` nothing may be awaited.
        context = await self._context()
        transport = await self._tunnel(proxy, target)
        try:
            with _refusals(target):
                inner = await asyncio.get_running_loop().start_tls(
                    transport,
                    connection,
                    context,
                    server_hostname=target.host,
                    ssl_shutdown_timeout=_CLOSE_NOTIFY,
                )
                if inner is None:
                    raise ConnectionResetError("the tunnel was closed")
        except BaseException:
            transport.abort()
            raise
        connection.connection_made(inner)

    async def _tunnel(self, proxy: Target, target: Target) -> asyncio.Transport:
        owner = _Tunnel()
        tunnel = Connection(owner, f"the proxy {proxy.origin}", self._limits)
        peer = target.dialled
        try:
            await self._dial(proxy, tunnel)
            answer = HttpResponse(tunnel, asyncio.get_running_loop(), _PATIENT, inf)
            head = f"CONNECT {peer} HTTP/1.1\r\nhost: {peer}\r\n\r\n"
            tunnel.start(answer, head.encode(), bodiless=True)
            await answer.arrive()
            if not 200 <= answer.status < 300 or not owner.exact or not tunnel.usable:
                raise UpstreamInvalid(f"it answered {answer.status}")
            return tunnel.detach()
        except UpstreamError as error:
            tunnel.close()
            raise UpstreamRefused(f"the proxy {proxy.origin} did not connect to {peer}: {error}") from error
        except BaseException:
            tunnel.close()
            raise

    async def _context(self) -> ssl.SSLContext:
        if self._tls is not None:
            return self._tls
        if self._making is None:
            # Reading the system's certificates takes tens of milliseconds: not on the event loop.
            self._making = asyncio.get_running_loop().run_in_executor(None, _make_context)
        self._tls = await asyncio.shield(self._making)
        return self._tls


_PATIENT = Timeouts(first_byte=inf)
"""The timeout around `Connector.open` counts for a tunnel."""


class _Tunnel:
    """Owns a connection to a proxy for the time of one CONNECT."""

    exact = True

    def made(self, connection: Connection) -> None: ...

    def finished(self, connection: Connection) -> None:
        self.exact = connection.exact

    def ended(self, connection: Connection) -> None: ...

    def gone(self, connection: Connection) -> None: ...


def _make_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@contextmanager
def _refusals(hop: Target) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UpstreamRefused(f"{hop.origin} {_reason(error)}") from error


def _reason(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"showed a certificate that is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"did not agree on TLS ({error.reason or 'the handshake was cut short'})"
        case socket.gaierror():
            return "has a name that cannot be resolved"
        case ConnectionRefusedError():
            return "refused the connection"
        case _:
            return "could not be reached"
