"""A gateway's LLM part without the gateway: settings, endpoint, the stages around it, and what came back."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fedgate.core.call import ANONYMOUS, Call, Principal, Record, Reply, Request
from fedgate.core.clock import SystemClock
from fedgate.core.http_client import HttpClient
from fedgate.core.ports import Credentialing, NoCredentialing
from fedgate.core.streams import closing
from fedgate.core.values import MANIFEST
from fedgate.gateway.rescue import Rescue
from fedgate.llm.attempts import Means
from fedgate.llm.breaker import Breakers
from fedgate.llm.capabilities import Capabilities
from fedgate.llm.conversations import Conversations
from fedgate.llm.endpoint import LlmEndpoint
from fedgate.llm.expressions import NO_EXPRESSIONS, Expressions
from fedgate.llm.intents import Intents
from fedgate.llm.ledger import Ledger, Price, no_price
from fedgate.llm.meter import NoModelMeter, State
from fedgate.llm.neutral import Usage
from fedgate.llm.providers import providers
from fedgate.llm.relay import Relay
from fedgate.llm.routes import Routes
from fedgate.llm.routing import Knowledge, Routing
from fedgate.llm.settings import ModelsSettings
from fedgate.sessions.table import SessionTable

_NONE = NoCredentialing()


def settings(manifest: Mapping[str, Any]) -> ModelsSettings:
    return ModelsSettings.model_validate(manifest, context=MANIFEST)


class QuickClock(SystemClock):
    """The real clock, but waiting moves it on instead: `slept` says for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.ahead = 0.0

    def monotonic(self) -> float:
        return SystemClock.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.ahead += seconds


class Counted(NoModelMeter):
    """A meter that remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [each[1:] for each in self.seen if each[0] == name]

    def request(self, model: str, provider: str, status: int, seconds: float, operation: str = "chat") -> None:
        self.seen.append(("request", model, provider, status))

    def tokens(self, model: str, provider: str, operation: str, usage: Usage) -> None:
        self.seen.append(("tokens", model, provider, operation, usage))

    def first_token(self, model: str, provider: str, seconds: float) -> None:
        self.seen.append(("first_token", model, provider))

    def cost(self, model: str, provider: str, usd: float | None) -> None:
        self.seen.append(("cost", model, provider, usd))

    def error(self, error_type: str, provider: str) -> None:
        self.seen.append(("error", error_type, provider))

    def retry(self, provider: str, reason: str) -> None:
        self.seen.append(("retry", provider, reason))

    def fallback(self, from_: str, to: str, reason: str) -> None:
        self.seen.append(("fallback", from_, to, reason))

    def breaker(self, provider: str, model: str, state: State) -> None:
        self.seen.append(("breaker", provider, model, state))


@dataclass
class Got:
    """A reply, read to its end."""

    status: int
    headers: dict[bytes, bytes]
    chunks: list[bytes]
    record: Record

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Front:
    """The endpoint with the rescue around it."""

    endpoint: LlmEndpoint
    clock: QuickClock
    meter: Counted
    breakers: Breakers
    means: Means
    http: HttpClient
    sessions: SessionTable
    routing: Routing
    records: list[Record] = field(default_factory=list)

    async def open(
        self,
        path: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        principal: Principal = ANONYMOUS,
    ) -> Reply:
        where, _, query = path.partition("?")
        sent = {name.lower().encode(): value.encode("latin-1") for name, value in (headers or {}).items()}

        async def read() -> bytes:
            return body

        request = Request("1", method, where, query.encode(), sent, "127.0.0.1:1", "localhost", "HTTP/1.1", read)
        record = Record(request, "llm", self.clock.monotonic(), route=where)
        self.records.append(record)

        async def inner(call: Call) -> Reply:
            return await self.endpoint.dispatch(await self.endpoint.bind(call))

        return await Rescue(self.endpoint)(Call("llm", request, record, principal=principal), inner)

    async def send(self, path: str, body: bytes = b"", *, reading: asyncio.Event | None = None, **how: Any) -> Got:
        """`reading` is set when the first chunk of a stream has come."""
        reply = await self.open(path, body, **how)
        chunks: list[bytes] = []
        if isinstance(reply.body, bytes):
            chunks.append(reply.body)
        else:
            async with closing(reply.body) as stream:
                async for chunk in stream:
                    chunks.append(chunk)
                    if reading is not None:
                        reading.set()
        return Got(reply.status, dict(reply.headers), chunks, self.records[-1])


@asynccontextmanager
async def front(
    manifest: Mapping[str, Any],
    *,
    price: Price = no_price,
    credentialing: Credentialing = _NONE,
    expressions: Expressions = NO_EXPRESSIONS,
) -> AsyncIterator[Front]:
    models = settings(manifest)
    clock, meter = QuickClock(), Counted()
    routes = Routes(models)
    breakers = Breakers(clock, meter.breaker)
    http = HttpClient()
    known = providers(models.providers, credentialing)
    sessions = SessionTable(clock, idle=1800, limit=1000)
    said = {name: each.models for name, each in known.items()}
    knowledge = Knowledge(Capabilities(said), Conversations(sessions), price, clock, lambda: 0.5)
    routing = Routing(routes, knowledge, expressions)
    means = Means(known, breakers, routing, clock, meter, lambda: 0.5)
    relay = Relay(http, means, Ledger(clock, meter, price, routing.spent))
    endpoint = LlmEndpoint(routes, relay, intent=Intents(models.intents, expressions).of)
    try:
        yield Front(endpoint, clock, meter, breakers, means, http, sessions, routing)
    finally:
        await http.aclose()


def manifest(base: str, type_: str = "openai", model: str = "gpt", **more: Any) -> dict[str, Any]:
    """One provider `up` and one route `m` to a model of it."""
    return {
        "providers": {"up": {"type": type_, "base_url": base, "api_key": "sk-up"}},
        "routes": {"m": {"targets": [{"provider": "up", "model": model}]}},
        **more,
    }


def two(first: str, second: str, type_: str = "openai", **target: Any) -> dict[str, Any]:
    """Two providers and a route `m` that falls from one to the other, each time anew; without retries."""
    targets = [{"provider": "one", "model": "a"}, {"provider": "two", "model": "b", **target}]
    return {
        "providers": {
            "one": {"type": type_, "base_url": first, "api_key": "sk-one"},
            "two": {"type": type_, "base_url": second, "api_key": "sk-two"},
        },
        "retry": {"attempts": 0},
        "routes": {"m": {"affinity": "none", "targets": targets}},
    }
