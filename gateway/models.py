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
from ..llm.choosing import InOrder
from ..llm.endpoint import LlmEndpoint
from ..llm.ledger import OTHER, Ledger
from ..llm.meter import ModelMeter
from ..llm.providers import providers
from ..llm.relay import Relay
from ..llm.routes import Routes
from ..llm.settings import ModelsSettings

PATHS = frozenset({"v1", "v1beta"})
"""First segments of the paths that clients of models know."""


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
        sight: Sight = FULL_SIGHT,
    ) -> None:
        self.routes = Routes(models)
        self.breakers = Breakers(clock, _told(meter, models))
        self.providers = providers(models.providers, credentialing)
        chooser = InOrder(self.routes)
        means = Means(self.providers, self.breakers, chooser, clock, meter, random.random)
        self.endpoint = LlmEndpoint(self.routes, Relay(http, means, Ledger(clock, meter)), sight)
        self.prefixes = PATHS | self.routes.prefixes
