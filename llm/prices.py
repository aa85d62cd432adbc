"""What answers cost: prices of the manifest, else the offline data of `genai-prices`. Nobody's guess is ever 0.

The library's own calculation takes longer than a request may; so of each model its rates are taken once, and again
after a while, for some depend on the day or the hour. A price that nobody knows is None. The data is loaded when
first needed, or by `load` before. Above: `ledger`, and who chooses by cost. Below: `provider_settings`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ..core.clock import Clock
from .neutral import Usage
from .provider_settings import Prices as Said
from .provider_settings import ProviderSettings

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot

MILLION = 1_000_000
REFRESH = 300.0
"""Seconds after which a model's rates are looked up again."""
MAX_MODELS = 1024
"""Models whose rates are remembered; callers may name any."""

SELLERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "vertex": "google",
    "bedrock": "aws",
    "azure": "azure",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "xai": "x-ai",
    "openrouter": "openrouter",
    "together": "together",
    "fireworks": "fireworks",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "cohere": "cohere",
}
"""The manifest's `type` -> the library's name. What runs on somebody's own machine has no price."""


class Rate(msgspec.Struct, frozen=True):
    """US dollars per million tokens; with more tokens read than a tier's start, all of them cost what it says."""

    base: float
    tiers: tuple[tuple[int, float], ...] = ()

    def at(self, read: int) -> float:
        return next((price for start, price in reversed(self.tiers) if read > start), self.base)


class Rates(msgspec.Struct, frozen=True):
    """Of one model. `None`: not said."""

    input: Rate
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    request: float = 0.0
    """US dollars for each request, beside the tokens."""

    def cost(self, usage: Usage) -> float | None:
        """In US dollars. What was read from a cache or put into one counts as input where it has no rate."""
        read = usage.input
        if read is None or (usage.output and self.output is None):
            return None
        cached, kept = usage.cache_read or 0, usage.cache_write or 0
        usd = max(0, read - cached - kept) * self.input.at(read)
        usd += cached * (self.cache_read or self.input).at(read) + kept * (self.cache_write or self.input).at(read)
        if usage.output and self.output is not None:
            usd += usage.output * self.output.at(read)
        return usd / MILLION + self.request


class Seller(msgspec.Struct, frozen=True):
    """Where a provider's prices stand: under its name, or by its address."""

    name: str = ""
    address: str = ""


class Prices:
    """The `Price` of the ledger: `(provider, model, usage)` in US dollars, or None."""

    def __init__(self, providers: Mapping[str, ProviderSettings], clock: Clock) -> None:
        self._clock = clock
        self._said = {
            (name, model): _said(known.prices)
            for name, provider in providers.items()
            for model, known in provider.models.items()
            if known.prices is not None
        }
        self._sellers = {name: seller(provider) for name, provider in providers.items()}
        self._known: OrderedDict[tuple[str, str], tuple[Rates | None, float]] = OrderedDict()
        self._data: DataSnapshot | None = None

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, provider: str, model: str, usage: Usage) -> float | None:
        rates = self.rates(provider, model)
        return None if rates is None else rates.cost(usage)

    def rates(self, provider: str, model: str) -> Rates | None:
        """None: nobody knows."""
        key = (provider, model)
        said = self._said.get(key)
        if said is not None:
            return said
        now = self._clock.monotonic()
        known = self._known.get(key)
        if known is None or now >= known[1]:
            known = self._known[key] = (self._look_up(provider, model), now + REFRESH)
            self._known.move_to_end(key)
            if len(self._known) > MAX_MODELS:
                self._known.popitem(last=False)
        return known[0]

    def load(self) -> None:
        """Takes a quarter of a second: for a thread, before the first request."""
        if self._data is None and any(each != Seller() for each in self._sellers.values()):
            from genai_prices.data_snapshot import get_snapshot

            self._data = get_snapshot()

    def _look_up(self, provider: str, model: str) -> Rates | None:
        where = self._sellers.get(provider, Seller())
        if where == Seller():
            return None
        self.load()
        assert self._data is not None
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        for name, address in ((None, where.address), (where.name, None)):
            if not (name or address):
                continue
            try:
                _, found = self._data.find_provider_model(model, None, name, address)
                return _rates(found.get_prices(now))
            except LookupError:
                continue
        return None


def seller(settings: ProviderSettings) -> Seller:
    """Who says "type: openai" and another address means a server that has other prices, or none.

    Nobody sells over plain HTTP: for what runs nearby the data need not even be loaded.
    """
    base, name = settings.base_url, SELLERS.get(settings.type, "")
    if base is None or base == settings.preset.base_url:
        return Seller(name)
    return Seller("" if settings.type == "openai" else name, base if base.lower().startswith("https:") else "")


def _said(prices: Said | None) -> Rates | None:
    if prices is None:
        return None
    read, write = prices.cache_read, prices.cache_write
    return Rates(
        Rate(prices.input),
        Rate(prices.output),
        None if read is None else Rate(read),
        None if write is None else Rate(write),
    )


def _rates(prices: Any) -> Rates | None:
    """Models that are listed without a price for what they read are sold in some other way, or for nothing."""
    read = _rate(prices.input_mtok)
    if read is None:
        return None
    request = prices.requests_kcount
    return Rates(
        read,
        _rate(prices.output_mtok),
        _rate(prices.cache_read_mtok),
        _rate(prices.cache_write_mtok),
        0.0 if request is None else float(request) / 1000,
    )


def _rate(price: Any) -> Rate | None:
    if price is None:
        return None
    if hasattr(price, "tiers"):
        return Rate(float(price.base), tuple((tier.start, float(tier.price)) for tier in price.tiers))
    return Rate(float(price))
