"""Gemini's API, and Vertex AI with Google's and Anthropic's models. Pure.

Vertex wants an access token as its key (or an API key in express mode); where the token comes from is
not this module's affair. Its Claude models are spoken to in the Anthropic format, without the model in
the body.
"""

from ..core.rawjson import fields, sub
from ..core.rawjson import join as join_members
from .presets import Auth
from .provider_wire import Order, Outgoing, Settled, head, in_path, join
from .splice import set_members
from .values import Format, Operation

VERTEX_VERSION = b'"vertex-2023-10-16"'
_API_KEY = "AIza"
_VERTEX_COUNTS = ("contents", "systemInstruction", "tools", "generationConfig")
"""What Vertex takes of a request when it counts."""


def _action(order: Order) -> str:
    if order.operation == "count_tokens":
        return "countTokens"
    return "streamGenerateContent" if order.stream else "generateContent"


class Gemini:
    def __init__(self, settled: Settled) -> None:
        self._settled = settled

    def formats(self, _model: str, /) -> tuple[Format, ...]:
        return self._settled.formats

    def can(self, operation: Operation, format_: Format, /) -> bool:
        return operation == "count_tokens" and format_ == "gemini"

    def outgoing(self, order: Order, _now: float, /) -> Outgoing:
        settled = self._settled
        path = f"/v1beta/models/{in_path(order.model.removeprefix('models/'))}:{_action(order)}"
        query = "alt=sse" if order.stream else ""
        return Outgoing(join(settled.target, path, query), head(settled, order), order.body)


class Vertex:
    """`place`: `projects/P/locations/L`; empty in express mode."""

    def __init__(self, settled: Settled, place: str) -> None:
        self._settled = settled
        self._place = place

    def formats(self, model: str, /) -> tuple[Format, ...]:
        return ("anthropic",) if _is_claude(model) else ("gemini",)

    def can(self, operation: Operation, format_: Format, /) -> bool:
        return operation == "count_tokens" and format_ in ("gemini", "anthropic")

    def outgoing(self, order: Order, _now: float, /) -> Outgoing:
        settled = self._settled
        if settled.key.startswith(_API_KEY) and not order.key:
            auth: Auth = "x-goog-api-key"
            settled = Settled(settled.target, settled.formats, auth, settled.key, settled.headers)
        above = f"/v1/{self._place}/publishers" if self._place else "/v1/publishers"
        if order.format == "anthropic":
            path, body = _claude(order)
            return Outgoing(join(settled.target, f"{above}/anthropic/models/{path}"), head(settled, order), body)
        path = f"{above}/google/models/{in_path(order.model)}:{_action(order)}"
        body = _plain_count(order.body) if order.operation == "count_tokens" else order.body
        return Outgoing(join(settled.target, path, "alt=sse" if order.stream else ""), head(settled, order), body)


def _claude(order: Order) -> tuple[str, bytes]:
    """The path below Anthropic's models, and the body: a count alone names its model there."""
    version = {"anthropic_version": VERTEX_VERSION}
    if order.operation == "count_tokens":
        return "count-tokens:rawPredict", set_members(order.body, version)
    action = "streamRawPredict" if order.stream else "rawPredict"
    return f"{in_path(order.model)}:{action}", set_members(order.body, version, remove="model")


def _plain_count(body: bytes) -> bytes:
    """Vertex counts what stands in the body itself; what Gemini's own API takes in one member is taken out of it."""
    inner = sub(fields(body), "generateContentRequest")
    return join_members({name: inner[name] for name in _VERTEX_COUNTS if name in inner}) if inner else body


def _is_claude(model: str) -> bool:
    return model.startswith("claude")
