"""OpenAI, Azure, and everything that is compatible with them. Pure.

A compatible server may also speak the Anthropic format (`formats` in the manifest): below the same base.
"""

from .provider_wire import Order, Outgoing, Settled, head, in_path, join
from .values import Format, Operation

_PATHS: dict[str, str] = {"openai": "/chat/completions", "responses": "/responses", "anthropic": "/messages"}


class OpenAi:
    """`version`: of Azure's older API, which has the deployment (the model) in its path."""

    def __init__(self, settled: Settled, version: str | None = None) -> None:
        self._settled = settled
        self._base = join(settled.target, "")
        self._version = version

    def formats(self, _model: str, /) -> tuple[Format, ...]:
        return self._settled.formats

    def can(self, operation: Operation, format_: Format, /) -> bool:
        return operation == "embeddings" or (operation == "count_tokens" and format_ == "anthropic")

    def outgoing(self, order: Order, _now: float, /) -> Outgoing:
        settled = self._settled
        path = "/embeddings" if order.operation == "embeddings" else _PATHS[order.format]
        if order.operation == "count_tokens":
            path += "/count_tokens"
        if self._version is None:
            return Outgoing(self._base + path, head(settled, order), order.body)
        if order.format != "responses":
            path = f"/deployments/{in_path(order.model)}{path}"
        query = f"api-version={self._version}"
        return Outgoing(join(settled.target, _azure(settled) + path, query), head(settled, order), order.body)


def _azure(settled: Settled) -> str:
    """Azure's older API lies below /openai, which people leave out of its base address."""
    return "" if settled.target.path.rstrip("/").endswith("/openai") else "/openai"
