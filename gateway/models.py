"""The LLM side of the gateway, put together: routes, providers, breakers, chooser, prices, endpoint.

Above: `app.py`. Below: the parts.
"""

import random
from collections.abc import Callable

from ..core.clock import Clock
from ..core.http_client import HttpClient
from ..core.ports import FULL_SIGHT, Credentialing, Sight
from ..llm.attempts import Means
from ..llm.breaker import Breakers, State
from ..llm.capabilities import Capabilities
from ..llm.conversations import Conversations
from ..llm.endpoint import LlmEndpoint
from ..llm.intents import Intents
from ..llm.ledger import OTHER, Ledger
from ..llm.meter import ModelMeter
from ..llm.prices import Prices
from ..llm.providers import providers
from ..llm.relay import Relay
from ..llm.routes import Routes
from ..llm.routing import Knowledge, Routing
from ..llm.settings import ModelsSettings
from ..sessions.table import SessionTable
from .conditions import CelExpressions
from .paths import MODELS


def _told(meter: ModelMeter, models: ModelsSettings) -> Callable[[str, str, State], None]:
    """Breakers of models that only callers name are counted as one: labels are bounded."""
    known = {(target.provider, target.model) for route in models.routes.values() for target in route.targets}
    known |= {(name, model) for name, provider in models.providers.items() for model in provider.models}

    def told(provider: str, model: str, state: State) -> None:
        meter.breaker(provider, model if (provider, model) in known else OTHER, state)

    return told


class ModelSide:
    """`endpoint` is what the data path ends in; `prefixes` are the first segments of its paths."""

    def __init__(
        self,
        models: ModelsSettings,
        http: HttpClient,
        clock: Clock,
        meter: ModelMeter,
        credentialing: Credentialing,
        sessions: SessionTable,
        sight: Sight = FULL_SIGHT,
    ) -> None:
        self.routes = Routes(models)
        self.breakers = Breakers(clock, _told(meter, models))
        self.providers = providers(models.providers, credentialing)
        self.prices = Prices(models.providers, clock)
        expressions = CelExpressions()
        said = {name: provider.models for name, provider in self.providers.items()}
        knowledge = Knowledge(Capabilities(said), Conversations(sessions), self.prices, clock, random.random)
        routing = Routing(self.routes, knowledge, expressions)
        means = Means(self.providers, self.breakers, routing, clock, meter, random.random)
        relay = Relay(http, means, Ledger(clock, meter, self.prices, routing.spent))
        self.endpoint = LlmEndpoint(self.routes, relay, sight, Intents(models.intents, expressions).of)
        self.prefixes = MODELS | self.routes.prefixes
