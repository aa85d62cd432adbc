"""Anthropic's own API. Pure."""

from .provider_wire import Order, Outgoing, Settled, head, join
from .values import Format, Operation

VERSION = (b"anthropic-version", b"2023-06-01")
"""Required of every request; callers who speak another format do not send one."""
_OAUTH = "sk-ant-oat"


class Anthropic:
    def __init__(self, settled: Settled) -> None:
        self._settled = settled

    def formats(self, _model: str, /) -> tuple[Format, ...]:
        return self._settled.formats

    def can(self, operation: Operation, format_: Format, /) -> bool:
        return operation == "count_tokens" and format_ == "anthropic"

    def outgoing(self, order: Order, _now: float, /) -> Outgoing:
        settled = self._settled
        path = "/v1/messages/count_tokens" if order.operation == "count_tokens" else "/v1/messages"
        headers = dict(head(settled, order))
        headers.setdefault(*VERSION)
        key = order.key or settled.key
        if key.startswith(_OAUTH) and headers.get(b"x-api-key") == key.encode("latin-1"):
            del headers[b"x-api-key"]  # a subscription's token, which is taken as a bearer only
            headers[b"authorization"] = f"Bearer {key}".encode("latin-1")
        return Outgoing(join(settled.target, path, order.query), tuple(headers.items()), order.body)
