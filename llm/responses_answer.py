"""OpenAI Responses: a whole answer and the neutral form, both ways.

Pure; the relay stands above, `responses_output` below.
"""

from typing import Any

import msgspec

from ..core.rawjson import EMPTY, NULL, Raw, encode
from .blocks import Losses, Written, made_id
from .neutral import Block, Foreign, Refusal, Request, Response, Text, Thinking, ToolCall
from .reading import answered, decode
from .responses_output import (
    WireItem,
    WireUsage,
    read_blocks,
    read_reason,
    read_usage,
    read_wire,
    token_of,
    write_call,
    write_message,
    write_part,
    write_signature,
    write_status,
    write_thinking,
    write_usage,
)
from .responses_parts import FORMAT, some
from .wire import members

_NOTHING = Request("", ())


class WireError(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None


class WireIncomplete(msgspec.Struct):
    reason: str | None = None


class WireResponse(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    status: str | None = None
    output: list[Raw] | None = None
    usage: WireUsage | None = None
    error: WireError | None = None
    incomplete_details: WireIncomplete | None = None
    service_tier: str | None = None


_response = msgspec.json.Decoder(WireResponse)


def read_response(body: bytes) -> Response:
    """`UpstreamInvalid` for what is no answer; also for one that failed after its 200."""
    return answered(_read, body)


def _read(body: bytes) -> Response:
    members(body)
    wire = decode(_response, body)
    if wire.status not in (None, "completed", "incomplete"):
        why = wire.error.message if wire.error else None
        raise ValueError(f"its status is {wire.status}: {why or 'no reason is given'}")
    if wire.output is None:
        raise ValueError("output is missing")
    content: list[Block] = []
    logprobs = EMPTY
    for number, each in enumerate(wire.output):
        item = read_wire(each, f"output[{number}]")
        if isinstance(item, WireItem):
            content += read_blocks(item)
            logprobs = _logprobs(item) if not bytes(logprobs) else logprobs
        else:
            content.append(item)
    why = wire.incomplete_details.reason if wire.incomplete_details else None
    return Response(
        wire.id or "",
        wire.model or "",
        tuple(content),
        reason=read_reason(wire.status or "", why or "", map(type, content)),
        usage=read_usage(wire.usage),
        created=int(wire.created_at or 0),
        service_tier=wire.service_tier or "",
        logprobs=logprobs,
    )


def _logprobs(item: WireItem) -> Raw:
    return next((part.logprobs for part in item.content or () if bytes(some(part.logprobs))), EMPTY)


def write_response(response: Response, model: str, request: Request | None = None) -> Written:
    """The answer as a caller of this format gets it; `request` is what it asked, parts of which are repeated."""
    request = request or _NOTHING
    lost = Losses()
    id_ = response_id(response.id, model, response.created)
    refused = any(isinstance(block, Refusal) for block in response.content)
    status, incomplete = write_status(response.reason, refused=refused)
    lost.note("n", response.others)
    lost.note("stop_sequence", response.stop_sequence)
    lost.note("reason", response.reason in ("context", "pause", "other", "error"))
    lost.note("reason", response.reason == "refusal" and not refused)
    lost.note("usage.unknown", None in (response.usage.input, response.usage.output))
    body = envelope(id_, model, response.created, request)
    body |= {
        "status": status,
        "error": FAILED if status == "failed" else None,
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "output": _Output(token_of(id_), lost).write(response),
        "service_tier": response.service_tier or "default",
        "usage": write_usage(response.usage),
    }
    return Written(encode(body), lost.names())


FAILED = {"code": "server_error", "message": "The model ended its answer with an error."}


def response_id(id_: str, model: str, created: int) -> str:
    """The provider's id in this format's spelling."""
    if not id_:
        return "resp_" + made_id(model, created).removeprefix("call_")
    return id_ if id_.startswith("resp_") else f"resp_{id_}"


def envelope(id_: str, model: str, created: int, request: Request) -> dict[str, Any]:
    """The members of an answer that do not depend on how it went."""
    reasoning, choice = request.reasoning, request.tool_choice
    return {
        "id": id_,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": request.max_tokens,
        "metadata": request.metadata if bytes(request.metadata) else {},
        "model": model,
        "output": [],
        "parallel_tool_calls": choice is None or choice.parallel is not False,
        "previous_response_id": request.previous or None,
        "reasoning": {"effort": (reasoning.effort if reasoning else "") or None, "summary": None},
        "service_tier": "auto",
        "store": False,
        "temperature": request.sampling.temperature,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": request.sampling.top_p,
        "truncation": "disabled",
        "usage": NULL,
        "user": None,
    }


class _Output:
    """Writes the output: texts that follow one another are parts of one message."""

    def __init__(self, token: str, lost: Losses) -> None:
        self._token = token
        self._lost = lost
        self._items: list[Any] = []

    def write(self, response: Response) -> list[Any]:
        parts: list[Any] | None = None
        logprobs = response.logprobs
        for block in response.content:
            if not isinstance(block, Text | Refusal):
                parts = None
                self._item(block)
                continue
            if parts is None:
                parts = []
                self._items.append(write_message(self._id("msg"), parts))
            if isinstance(block, Text):
                self._lost.note("citations", bytes(block.citations))
                parts.append(write_part(block, logprobs))
                logprobs = EMPTY
            else:
                parts.append(write_part(block))
        return self._items

    def _item(self, block: Block) -> None:
        if isinstance(block, Thinking):
            self._items.append(write_thinking(self._id("rs"), block))
        elif isinstance(block, ToolCall):
            if block.signature:
                self._items.append(write_signature(self._id("rs"), block))
            self._items.append(write_call(self._id("ctc" if block.custom else "fc"), block))
        elif isinstance(block, Foreign) and block.format == FORMAT:
            self._items.append(block.raw)
        else:
            self._lost.add("foreign" if isinstance(block, Foreign) else "assistant.media")

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._token}_{len(self._items)}"
