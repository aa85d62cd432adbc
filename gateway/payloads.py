"""The stage that writes down what is said, if the manifest wants that: the request as it came, the reply as it goes.

Bodies pass untouched; of each as much is kept as will be written. Nothing is written of who could not be identified.
Above: `identify`. Below: `bind`; `telemetry/payloads.py` redacts and writes.
"""

from collections.abc import AsyncIterator, Callable

from ..core.call import Call, Handler, Reply, replace
from ..core.clock import Clock
from ..core.streams import closing
from ..telemetry.payloads import READABLE, PayloadLines
from ..telemetry.spelling import timestamp


class Said:
    """The beginning of a body, and how long it is."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if len(self.kept) < READABLE:
            self.kept += chunk[: READABLE - len(self.kept)]


class PayloadLog:
    """For calls of all endpoints."""

    def __init__(self, lines: PayloadLines, clock: Clock) -> None:
        self._lines = lines
        self._clock = clock

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        read, asked, said = call.request.read, Said(), Said()

        async def kept() -> bytes:
            body = await read()
            asked.add(body)
            return body

        def over() -> None:
            self._write(call, asked, said)

        try:
            reply = await inner(replace(call, request=replace(call.request, read=kept)))
        except BaseException:
            over()  # what it is answered with is made from the error, further out
            raise
        if isinstance(reply.body, bytes):
            said.add(reply.body)
            over()
            return reply
        return replace(reply, body=_Kept(reply.body, said, over))

    def _write(self, call: Call, asked: Said, said: Said) -> None:
        redactor, most = self._lines.redactor, self._lines.max
        self._lines.write(
            {
                "timestamp": timestamp(self._clock.now()),
                "request_id": call.request.id,
                "user": call.principal.id,
                "protocol": call.protocol,
                "operation": call.record.operation,
                "error": call.record.error,
                "request_headers": redactor.headers(call.request.headers),
                "request": redactor.body(bytes(asked.kept), most, asked.size),
                "response": redactor.body(bytes(said.kept), most, said.size),
            }
        )


class _Kept:
    """A body that is written down when it is over."""

    def __init__(self, body: AsyncIterator[bytes], said: Said, over: Callable[[], None]) -> None:
        self._body = body
        self._said = said
        self._over: Callable[[], None] | None = over

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._body)
        except BaseException:
            self._end()
            raise
        self._said.add(chunk)
        return chunk

    async def aclose(self) -> None:
        try:
            async with closing(self._body):
                pass
        finally:
            self._end()

    def _end(self) -> None:
        over, self._over = self._over, None
        if over is not None:
            over()
