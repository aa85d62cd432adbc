"""The formats' readers and writers by name, loaded when first needed: a gateway that only passes on needs none.

Above: `translated`, `rendering`, `counting`. Below: the modules of each format.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

from . import neutral
from .blocks import Written
from .presets import Dialect
from .values import Asked, Format


class Reader(Protocol):
    """Events of a provider's stream, read."""

    def feed(self, data: bytes, name: bytes, /) -> list[neutral.Event]: ...

    def end(self) -> list[neutral.Event]: ...


class Writer(Protocol):
    """Events for a caller's stream, written as whole frames."""

    def write(self, event: neutral.Event, /) -> bytes: ...


class In(NamedTuple):
    """A format that callers speak."""

    read_request: Callable[[Asked], neutral.Request]
    write_response: Callable[[neutral.Response, neutral.Request], Written]
    """For the request, whose model is what the caller is told."""
    writer: Callable[[Asked, neutral.Request], Writer]


class Out(NamedTuple):
    """A format that providers speak."""

    write_request: Callable[[neutral.Request, Dialect], Written]
    read_response: Callable[[bytes], neutral.Response]
    reader: Callable[[], Reader]


@cache
def caller(format_: Format) -> In:
    return _CALLERS[format_]()


@cache
def provider(format_: Format) -> Out:
    return _PROVIDERS[format_]()


def is_kept_elsewhere(request: neutral.Request) -> bool:
    """Whether the request rests on what only another provider can look up."""
    from .responses_request import STATEFUL

    return bool(request.previous) or not STATEFUL.isdisjoint(request.unread)


@cache
def error_writer(format_: Format) -> Callable[[int, str, str], bytes]:
    """`(status, kind, message)` as an error body; needs nothing else of the format."""
    if format_ == "anthropic":
        from .anthropic_errors import write_error as anthropic

        return anthropic
    if format_ == "gemini":
        from .gemini_errors import write_error as gemini

        return gemini
    if format_ == "responses":
        from .responses_errors import write_error as responses

        return responses
    from .openai_errors import write_error as openai

    return openai


def _openai_in() -> In:
    from .openai_answer import write_response
    from .openai_request import read_request
    from .openai_stream import WriteStream

    return In(
        lambda asked: read_request(asked.body),
        lambda response, request: write_response(response, request.model),
        lambda asked, request: WriteStream(request.model, asked.wants_usage),
    )


def _openai_out() -> Out:
    from . import openai_dialect
    from .openai_answer import read_response
    from .openai_request import write_request
    from .openai_stream import ReadStream

    dialects = {
        "openai": openai_dialect.OPENAI,
        "compatible": openai_dialect.COMPATIBLE,
        "openrouter": openai_dialect.OPENROUTER,
        "vllm": openai_dialect.VLLM,
    }
    return Out(lambda request, dialect: write_request(request, dialects[dialect]), read_response, ReadStream)


def _responses_in() -> In:
    from .responses_answer import write_response
    from .responses_request import read_request
    from .responses_stream import WriteStream

    return In(
        lambda asked: read_request(asked.body),
        lambda response, request: write_response(response, request.model, request),
        lambda _asked, request: WriteStream(request.model, request=request),
    )


def _responses_out() -> Out:
    from .responses_answer import read_response
    from .responses_request import write_request
    from .responses_stream import ReadStream

    return Out(lambda request, _dialect: write_request(request), read_response, ReadStream)


def _anthropic_in() -> In:
    from .anthropic_answer import write_response
    from .anthropic_request import read_request
    from .anthropic_stream import WriteStream

    return In(
        lambda asked: read_request(asked.body),
        lambda response, request: write_response(response, request.model),
        lambda _asked, request: WriteStream(request.model),
    )


def _anthropic_out() -> Out:
    from .anthropic_answer import read_response
    from .anthropic_request import write_request
    from .anthropic_stream import ReadStream

    return Out(lambda request, _dialect: write_request(request), read_response, ReadStream)


def _gemini_in() -> In:
    from .gemini_answer import write_response
    from .gemini_count import read_count_request
    from .gemini_request import read_request
    from .gemini_stream import WriteStream

    def read(asked: Asked) -> neutral.Request:
        if asked.operation == "count_tokens":
            return read_count_request(asked.body, asked.model)
        return read_request(asked.body, asked.model, stream=asked.stream)

    return In(
        read,
        lambda response, request: write_response(response, request.model),
        lambda asked, request: WriteStream(request.model, array=asked.array),
    )


def _gemini_out() -> Out:
    from .gemini_answer import read_response
    from .gemini_request import write_request
    from .gemini_stream import ReadStream

    return Out(lambda request, _dialect: write_request(request), read_response, ReadStream)


def _bedrock_out() -> Out:
    from .bedrock_answer import read_response
    from .bedrock_request import write_request
    from .bedrock_stream import ReadStream

    return Out(lambda request, _dialect: write_request(request), read_response, ReadStream)


_CALLERS: dict[Format, Callable[[], In]] = {
    "openai": _openai_in,
    "responses": _responses_in,
    "anthropic": _anthropic_in,
    "gemini": _gemini_in,
}
_PROVIDERS: dict[Format, Callable[[], Out]] = {
    "openai": _openai_out,
    "responses": _responses_out,
    "anthropic": _anthropic_out,
    "gemini": _gemini_out,
    "bedrock": _bedrock_out,
}
