"""The providers of a manifest, ready to be asked: address, way of speaking, time limits, room.

Joins `provider_settings` with the module of each kind. No I/O. Above: `call` and `endpoint`.
"""

from collections.abc import Mapping
from functools import lru_cache

from ..core.http_values import Target as Address
from ..core.http_values import Timeouts
from ..core.ports import Credentialing, Credentials, NoCredentialing
from .presets import Dialect
from .provider_anthropic import Anthropic
from .provider_bedrock import Bedrock
from .provider_google import Gemini, Vertex
from .provider_openai import OpenAi
from .provider_settings import ModelSettings, ProviderSettings
from .provider_wire import Kind, Settled
from .sigv4 import AwsKey
from .values import Failure, Format, Model, Operation, Target

_UNKNOWN = frozenset({404, 405, 501})
"""Statuses of a path that a server does not have."""
_HEAD_TIMEOUT = 10.0
"""Seconds to get a connection."""
MAX_TIMEOUTS = 256
"""Sets of time limits that are kept: first tries mostly have the same ones."""


_NO_CREDENTIALING = NoCredentialing()


class Provider:
    """One entry of `models.providers`. `active` requests are under way, `limit` may be."""

    def __init__(self, name: str, settings: ProviderSettings, credentialing: Credentialing = _NO_CREDENTIALING) -> None:
        preset = settings.preset
        self.name = name
        self.genai_name = preset.name
        """As the GenAI conventions call it."""
        self.address = Address.parse(settings.base_url or _address(settings))
        self.endpoint = self.address.host_and_port
        self.active = 0
        self.limit = settings.max_concurrent
        # Who says only "type: openai" and names an address means some compatible server.
        elsewhere = settings.type == "openai" and settings.base_url not in (None, preset.base_url)
        self.dialect: Dialect = "compatible" if elsewhere else preset.dialect
        self._guesses = elsewhere and settings.formats is None
        self._lacks: set[Format] = set()
        self.asks_usage = preset.stream_usage if settings.stream_usage is None else settings.stream_usage
        self.models = {model: _model(known) for model, known in settings.models.items()}
        self.kind = _kind(settings, self.address)
        self.credentials: Credentials | None = None
        """Got for each request, beside the key."""
        if settings.auth is not None:
            self.credentials = credentialing.of(f"models.providers.{name}", settings.auth)
        self._timeout = settings.timeout
        self._idle = settings.idle_timeout
        self._first_byte = settings.first_byte_timeout
        self._patient = "first_byte_timeout" not in settings.model_fields_set

    def __repr__(self) -> str:
        return f"<Provider {self.name} at {self.endpoint}, {self.active} under way>"

    def format_for(self, asked: Format, operation: Operation, model: str) -> Format | None:
        """The format in which it is asked: the caller's own if it speaks that. None: it cannot do this."""
        spoken = self.kind.formats(model)
        if self._lacks:
            spoken = tuple([each for each in spoken if each not in self._lacks])
        format_ = asked if asked in spoken else spoken[0]
        if operation in ("chat", "generate_content"):
            return format_
        if format_ == asked and self.kind.can(operation, format_):
            return format_
        if operation != "count_tokens":
            return None
        return next((each for each in spoken if self.kind.can(operation, each)), None)

    def instead_of(self, format_: Format, failure: Failure) -> Format | None:
        """After a refusal: the format to try, because the server may not know this one at all.

        OpenAI's clients speak two formats to one address; of compatible servers, not all know the newer one.
        """
        unknown = self._guesses and format_ == "responses" and failure.provider_status in _UNKNOWN
        # A server that knows the path but not the model says so.
        return "openai" if unknown and "model" not in failure.message.lower() else None

    def lacks(self, format_: Format) -> None:
        """It turned out not to know this format; it is not asked in it again."""
        self._lacks.add(format_)

    def timeouts(self, target: Target, *, stream: bool, left: float) -> Timeouts:
        """`left`: seconds that the caller's request may still take.

        What does not stream begins when it is complete: only a time that somebody chose bounds its first byte.
        """
        first = self._first_byte if stream or not self._patient else self._timeout
        total = left if left < self._timeout else self._timeout
        return _timeouts(target.first_byte_timeout or first, self._idle, total)


@lru_cache(MAX_TIMEOUTS)
def _timeouts(first_byte: float, idle: float, total: float) -> Timeouts:
    total = max(0.001, total)
    return Timeouts(connect=min(_HEAD_TIMEOUT, total), first_byte=min(first_byte, total), idle=idle, total=total)


def providers(
    settings: Mapping[str, ProviderSettings], credentialing: Credentialing = _NO_CREDENTIALING
) -> dict[str, Provider]:
    return {name: Provider(name, each, credentialing) for name, each in settings.items()}


def _address(settings: ProviderSettings) -> str:
    if settings.type == "bedrock":
        return f"https://bedrock-runtime.{settings.region}.amazonaws.com"
    if settings.type == "vertex":
        place = "" if settings.location == "global" else f"{settings.location}-"
        return f"https://{place}aiplatform.googleapis.com"
    return settings.preset.base_url


def _kind(settings: ProviderSettings, address: Address) -> Kind:
    preset = settings.preset
    headers = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in settings.headers.items())
    auth = "bearer" if settings.type == "bedrock" else preset.auth
    settled = Settled(address, settings.formats or preset.formats, auth, settings.api_key or "", headers)
    if preset.kind == "anthropic":
        return Anthropic(settled)
    if preset.kind == "gemini":
        return Gemini(settled)
    if preset.kind == "vertex":
        return Vertex(settled, f"projects/{settings.project}/locations/{settings.location}" if settings.project else "")
    if preset.kind == "bedrock":
        return Bedrock(settled, _aws(settings))
    return OpenAi(settled, settings.api_version)


def _aws(settings: ProviderSettings) -> AwsKey | None:
    if settings.access_key_id is None or settings.secret_access_key is None:
        return None
    token = settings.session_token or ""
    return AwsKey(settings.access_key_id, settings.secret_access_key, token, settings.region or "")


def _model(settings: ModelSettings) -> Model:
    prices = settings.prices
    return Model(
        context=settings.context,
        max_output=settings.max_output,
        tools=settings.tools,
        images=settings.images,
        reasoning=settings.reasoning,
        structured=settings.structured_output,
        cache=settings.prompt_cache,
        input_price=prices.input if prices else None,
        output_price=prices.output if prices else None,
        cache_read_price=prices.cache_read if prices else None,
        cache_write_price=prices.cache_write if prices else None,
    )
