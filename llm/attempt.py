"""One attempt of a request at one target: in which format, with which credentials, whole or streamed.

Above: `relay`, whose walk calls it as often as needed. Below: `call` (one question), `same` and `translated`
(in which words), `stream_relay` (streams).
"""

import msgspec

from ..core.call import Call, Header
from ..core.errors import ClientError, Forbidden, UpstreamError, UpstreamInvalid
from ..core.http_values import Timeouts
from ..core.ports import Credentials
from ..core.trail import Hop, opened
from .attempts import Means, Try
from .call import Http, ask
from .counted import Counted
from .encoding import Answer
from .errors import INVALID, of_error
from .exchange import Exchange, Pieces, Unable
from .headers import callers_key, to_caller, to_provider
from .provider_wire import Order
from .providers import Provider
from .routes import Route
from .same import Same
from .stream_relay import Held, hold
from .translated import Made, Reading, Translated
from .usage import Told
from .values import Asked, Failure, Format

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of a whole answer."""
JSON_BODY: Header = (b"content-type", b"application/json")
_EVENTS = (b"text/event-stream", b"application/vnd.amazon.eventstream")
_NO_KEY = (
    "This route needs your own key for the provider: send it as Authorization: Bearer KEY, x-api-key, or "
    "x-fedgate-provider-key."
)


class Whole(msgspec.Struct, frozen=True):
    """A whole answer, for the caller."""

    headers: tuple[Header, ...]
    body: bytes
    told: Told
    dropped: tuple[str, ...]


class Streaming(msgspec.Struct, frozen=True):
    """A stream that has committed."""

    headers: tuple[Header, ...]
    answer: Answer
    pieces: Pieces
    held: Held


class Attempt:
    """One request, as often as it is tried."""

    def __init__(self, http: Http, means: Means, call: Call, asked: Asked, route: Route) -> None:
        self._http = http
        self._means = means
        self._call = call
        self._asked = asked
        self._read: Reading | None = None
        self._headers = call.request.headers
        self._callers = route.settings.credentials == "caller"
        self._key = callers_key(self._headers, call.principal) if self._callers else ""

    async def __call__(self, tried: Try) -> Whole | Streaming:
        asked = self._asked
        if self._callers and not self._key:
            raise Unable(Failure("client", "authentication_error", 401, _NO_KEY))
        format_ = tried.provider.format_for(asked.format, asked.operation, tried.model)
        if format_ is None:
            text = f"The provider {tried.provider.name} has no {asked.operation} for clients of this format."
            raise Unable(Failure("unfit", INVALID, 400, text))
        try:
            return await self._in(tried, format_)
        except Unable as unable:
            other = tried.provider.instead_of(format_, unable.failure)
            if other is None:
                raise
        found = await self._in(tried, other)
        tried.provider.lacks(format_)
        return found

    @property
    def _reading(self) -> Reading:
        """The request as translations read it: not before one is needed."""
        if self._read is None:
            self._read = Reading(self._asked, Made(self._call.request.id, int(self._means.clock.now())))
        return self._read

    async def _in(self, tried: Try, format_: Format) -> Whole | Streaming:
        """The attempt in one format."""
        asked, provider, clock = self._asked, tried.provider, self._means.clock
        hop = self._hop(tried)
        try:
            exchange = self._exchange(tried, format_)
            order = self._order(tried, exchange, hop)
            timeouts = provider.timeouts(tried.target, stream=asked.stream, left=tried.left)
            started = clock.monotonic() if asked.stream else 0.0
            if provider.credentials is None:
                answer = await ask(self._http, clock, provider, exchange, order, timeouts)
            else:
                answer = await self._shown(provider, provider.credentials, exchange, order, timeouts)
            if asked.stream:
                patience = max(0.001, timeouts.first_byte - (clock.monotonic() - started))
                return await self._streaming(tried, exchange, answer, patience)
            whole = await self._whole(tried, exchange, answer)
        except Unable as unable:
            hop.end(unable.failure.reason)
            raise
        hop.end()
        return whole

    def _hop(self, tried: Try) -> Hop:
        provider, model = tried.provider, tried.model
        hop = opened(self._call.record.trail, "llm", f"{provider.name}/{model}", f"{self._asked.operation} {model}")
        hop.at(provider.endpoint)
        if hop.sampled:
            hop.tell("gen_ai.provider.name", provider.genai_name)
            hop.tell("gen_ai.request.model", model)
        return hop

    def _order(self, tried: Try, exchange: Exchange, hop: Hop) -> Order:
        asked = self._asked
        same = exchange.format == asked.format
        return Order(
            exchange.format,
            asked.operation,
            tried.model,
            exchange.body(),
            asked.stream,
            asked.query if same else "",
            (*to_provider(self._headers, same_format=same), *hop.headers),
            self._key,
        )

    async def _shown(
        self, provider: Provider, credentials: Credentials, exchange: Exchange, order: Order, timeouts: Timeouts
    ) -> Answer:
        """Ask with credentials that are got for this caller; once more with others, if these are refused."""
        again = True
        while True:
            got = await self._got(provider, credentials)
            shown = msgspec.structs.replace(order, credentials=got, owned=credentials.owned)
            try:
                return await ask(self._http, self._means.clock, provider, exchange, shown, timeouts)
            except Unable as unable:
                refused = unable.failure.provider_status == 401 and credentials.refused(got)
                if not (refused and again):
                    raise
                again = False

    async def _got(self, provider: Provider, credentials: Credentials) -> tuple[Header, ...]:
        try:
            return await credentials.headers(self._call.caller)
        except Forbidden as error:
            raise Unable(Failure("client", "permission_error", 403, error.message)) from error
        except UpstreamError as error:
            raise Unable(of_error(provider.name, error)) from error

    def _exchange(self, tried: Try, format_: Format) -> Exchange:
        try:
            if format_ == self._asked.format:
                return Same(self._asked, tried.model, asks_usage=tried.provider.asks_usage)
            how = Counted if self._asked.operation == "count_tokens" else Translated
            return how(self._reading, format_, tried.model, tried.provider.dialect)
        except ClientError as error:
            raise Unable(Failure("unfit", INVALID, 400, error.message)) from error

    async def _whole(self, tried: Try, exchange: Exchange, answer: Answer) -> Whole:
        try:
            body, told = exchange.whole(await answer.read(MAX_ANSWER))
        except UpstreamError as error:
            raise Unable(of_error(tried.provider.name, error)) from error
        tried.slot.won()
        return Whole((JSON_BODY, *to_caller(answer.headers)), body, told, exchange.dropped)

    async def _streaming(self, tried: Try, exchange: Exchange, answer: Answer, patience: float) -> Streaming:
        provider = tried.provider.name
        try:
            await self._check_type(tried, exchange, answer)
            pieces = exchange.stream()
            can_fall = not tried.last
            held = await hold(provider, answer, pieces, self._means.clock, patience=patience, can_fall=can_fall)
        except BaseException:
            await answer.aclose()
            raise
        return Streaming(to_caller(answer.headers), answer, pieces, held)

    async def _check_type(self, tried: Try, exchange: Exchange, answer: Answer) -> None:
        """A 200 that is no stream: an error after all, or a page of somebody in between."""
        kind = (answer.header(b"content-type") or b"text/event-stream").partition(b";")[0].strip().lower()
        if kind in _EVENTS:
            return
        try:
            if kind == b"application/json":
                exchange.whole(await answer.read(MAX_ANSWER))
            name = kind[:64].decode("latin-1")
            raise UpstreamInvalid(f"it is of type {name!r}, and a stream of events was asked for")
        except UpstreamError as error:
            raise Unable(of_error(tried.provider.name, error)) from error
