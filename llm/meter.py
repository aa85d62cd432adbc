"""What the LLM part may measure without knowing who counts.

`telemetry` implements it (`core/ports.py` says why it does not import this part); `NoModelMeter` counts
nothing. Labels are bounded: a model that only the caller named is `other`.
"""

from typing import Literal, Protocol

from .neutral import Usage

State = Literal["closed", "open", "half_open"]


class ModelMeter(Protocol):
    def request(self, model: str, provider: str, status: int, seconds: float, operation: str = "chat") -> None:
        """One request of a caller is over, for which this target answered or failed last. Streams: at their end."""
        ...

    def tokens(self, model: str, provider: str, operation: str, usage: Usage) -> None:
        """What one request cost in tokens; counts that are `None` are not known."""
        ...

    def first_token(self, model: str, provider: str, seconds: float) -> None:
        """Of a stream: from the request to the first text or tool call."""
        ...

    def per_token(self, model: str, provider: str, seconds: float) -> None:
        """Of a stream: mean seconds for each token after the first."""
        ...

    def cost(self, model: str, provider: str, usd: float | None) -> None:
        """None: nobody knows the price."""
        ...

    def error(self, error_type: str, provider: str) -> None:
        """One attempt failed: a status of the provider, or a `Failure.sort`."""
        ...

    def retry(self, provider: str, reason: str) -> None:
        """The same target is asked again."""
        ...

    def fallback(self, from_: str, to: str, reason: str) -> None:
        """Another target (`provider/model`) is asked instead."""
        ...

    def breaker(self, provider: str, model: str, state: State) -> None: ...

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        """One exchange with the provider `name` took this long until its answer began."""
        ...


class NoModelMeter:
    """Counts nothing."""

    def request(self, model: str, provider: str, status: int, seconds: float, operation: str = "chat") -> None:
        pass

    def tokens(self, model: str, provider: str, operation: str, usage: Usage) -> None:
        pass

    def first_token(self, model: str, provider: str, seconds: float) -> None:
        pass

    def per_token(self, model: str, provider: str, seconds: float) -> None:
        pass

    def cost(self, model: str, provider: str, usd: float | None) -> None:
        pass

    def error(self, error_type: str, provider: str) -> None:
        pass

    def retry(self, provider: str, reason: str) -> None:
        pass

    def fallback(self, from_: str, to: str, reason: str) -> None:
        pass

    def breaker(self, provider: str, model: str, state: State) -> None:
        pass

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        pass
