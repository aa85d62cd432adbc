"""OpenAI chat completions: a request read into the neutral form, and written from it.

Pure. Above: the relay that translates. Below: `openai_messages`, `openai_turns`, `openai_tools`.
"""

import hashlib
from typing import Any, Literal

from ..core.rawjson import encode
from .blocks import Losses, Written, renamed_tools
from .neutral import Format, Reasoning, Request, Sampling
from .openai_dialect import OPENAI, Dialect
from .openai_messages import Conversation
from .openai_tools import is_taken, read_choice, read_tools, write_choice, write_tools
from .openai_turns import write_messages
from .openai_wire import Request as WireRequest
from .openai_wire import requests
from .reading import asked, decode, others
from .wire import members, said, says

MAX_USER = 64
"""Characters of a user's id that every provider takes; a longer one is sent as its SHA-256."""

_KNOWN = frozenset(WireRequest.__struct_fields__)
_EFFORTS = ((1024, "low"), (8192, "medium"))
"""Budgets of thoughts up to which a word stands for them; beyond, `high`."""

CANNOT: dict[str, str] = {
    "reasoning.off": "there is no word for it that every model takes; without `reasoning_effort` models decide",
    "reasoning.adaptive": "leaving `reasoning_effort` out says the same",
    "reasoning.budget": "becomes the nearest `reasoning_effort`",
    "reasoning.show": "thoughts are shown or not, as the provider does it",
    "thinking": "earlier thoughts go back as `reasoning_content`, and only those that no provider signed;"
    " OpenRouter's dialect takes all",
    "previous": "chat completions keep no conversation",
    "top_k": "the official API does not know it; OpenRouter's and vLLM's dialects do",
    "n": "not in a stream: the neutral stream has one answer",
    "cache_control": "the official API caches by itself; OpenRouter's dialect takes the marks",
    "citations": "earlier turns are sent without their sources",
    "system.media": "a system prompt is text",
    "assistant.media": "the model's own turn is text",
    "image.id": "images come as an address or sent along",
    "image.name": "images have no name",
    "file.url": "files come sent along, or by the id of a stored file",
    "file.detail": "files have no detail",
    "audio": "sound must be sent along as WAV or MP3",
    "audio.url": "sound must be sent along",
    "audio.id": "sound must be sent along",
    "audio.name": "sound has no name",
    "video": "there is no video",
    "video.url": "there is no video",
    "video.id": "there is no video",
    "blocks.order": "within a turn results come first; thoughts, text and calls stand in this order",
    "blocks.merged": "an answer has one text; servers that imitate the API may take only one text per message",
    "tool_result.is_error": "results are text; whether a tool failed must stand in it",
    "tool_result.media": "results are text; images move to the user's message behind them",
    "tool_result.name": "results name their call only",
    "tool_call.id": "ids longer than 40 characters are replaced, in the call and its result alike",
    "tool_call.signature": "only Gemini's own imitation of the API takes it",
    "tool.custom": "imitations of the API know no free text: it is asked for as the one string of a function's"
    " arguments, and taken out again",
    "tool_call.custom": "imitations of the API know no free text: it becomes the one string of a function's arguments",
    "tool.namespace": "namespace and name become one name, which is taken apart again in the answer",
    "tool.foreign": "server tools of other providers do not exist here",
    "tool_choice": "is left out where there is no such tool, for the API refuses it then",
    "tool_choice.parallel": "is left out where there are no tools, for the API refuses it then",
    "file.name": "a sent file must have a name: one without gets one",
    "format.name": "a schema must have a name: one without is called `answer`",
    "user": f"an id longer than {MAX_USER} characters is sent as its SHA-256",
    "service_tier": "`batch` is no tier of this API",
    "foreign": "blocks of other formats' server tools do not exist here",
    "reason": "`pause` becomes `stop`, `context` becomes `length`, a refusal without a text `content_filter`, what is"
    " unknown `stop`",
    "stop_sequence": "an answer does not say which sequence ended it",
    "usage.unknown": "counts that are not known are written as 0",
}
"""What this format cannot carry, and why."""


def read_request(body: bytes) -> Request:
    """`BadRequest` names the member that is wrong."""
    return asked(_read, body)


def _read(body: bytes) -> Request:
    found = members(body)
    wire = decode(requests, body)
    if says(wire.functions) or says(wire.function_call):
        raise ValueError("functions, function_call: are no longer spoken, use tools and tool_choice")
    conversation = Conversation(body)
    conversation.read(wire.messages)
    unread = [*others(found, _KNOWN), *conversation.unread]
    options = wire.stream_options
    choice = read_choice(wire.tool_choice, wire.parallel_tool_calls, unread)
    return Request(
        model=wire.model,
        messages=tuple(conversation.messages),
        system=tuple(conversation.system),
        tools=read_tools(wire.tools, body),
        tool_choice=choice,
        max_tokens=wire.max_tokens if wire.max_completion_tokens is None else wire.max_completion_tokens,
        sampling=_read_sampling(wire),
        reasoning=_read_reasoning(wire),
        format=_read_format(wire),
        verbosity=wire.verbosity or "",
        stream=bool(wire.stream),
        usage_wanted=bool(options is not None and options.include_usage),
        user=wire.safety_identifier or wire.user or "",
        cache_key=wire.prompt_cache_key or "",
        service_tier=wire.service_tier or "",
        metadata=said(wire.metadata),
        store=wire.store,
        unread=tuple(unread),
    )


def _read_sampling(wire: WireRequest) -> Sampling:
    stop = (wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ())
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        stop=stop,
        seed=wire.seed,
        frequency_penalty=wire.frequency_penalty,
        presence_penalty=wire.presence_penalty,
        logprobs=wire.logprobs,
        top_logprobs=wire.top_logprobs,
        n=wire.n,
    )


def _read_reasoning(wire: WireRequest) -> Reasoning | None:
    effort, budget, show = wire.reasoning_effort or "", None, None
    mode: Literal["off", "on", "adaptive"] = "on"
    if wire.reasoning is not None:
        effort = effort or wire.reasoning.effort or ""
        budget = wire.reasoning.max_tokens
        show = None if wire.reasoning.exclude is None else not wire.reasoning.exclude
        if wire.reasoning.enabled is False:
            mode = "off"
    elif wire.thinking is not None:
        budget = wire.thinking.budget_tokens
        if wire.thinking.type == "disabled":
            mode = "off"
        elif wire.thinking.type == "adaptive":
            mode = "adaptive"
    elif not effort:
        return None
    return Reasoning("off" if effort == "none" else mode, effort, budget, show)


def _read_format(wire: WireRequest) -> Format | None:
    wanted = wire.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return Format()
    if wanted.type != "json_schema" or wanted.json_schema is None:
        raise ValueError("response_format: must be of type text, json_object, or json_schema with its json_schema")
    schema = wanted.json_schema
    if not says(schema.schema):
        raise ValueError("response_format.json_schema.schema: the schema is missing")
    return Format(schema.schema, schema.name, schema.description or "", schema.strict)


def write_request(request: Request, dialect: Dialect = OPENAI) -> Written:
    """The body for a provider of this format, which `dialect` describes."""
    losses = Losses(request.unread)
    body: dict[str, Any] = {"model": request.model, "messages": write_messages(request, dialect, losses)}
    if tools := write_tools(request.tools, dialect, losses):
        body["tools"] = tools
    if request.max_tokens is not None:
        body[dialect.max_tokens] = request.max_tokens
    body |= write_choice(request.tool_choice, tuple(filter(is_taken, request.tools)), dialect, losses)
    body |= _write_sampling(request, dialect, losses)
    body |= _write_reasoning(request.reasoning, losses)
    body |= _write_format(request.format)
    body |= _write_rest(request, losses)
    if request.stream:
        # The gateway counts tokens whether the caller wants to or not.
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Written(encode(body), losses.names(), renamed_tools(request.tools))


def _write_sampling(request: Request, dialect: Dialect, losses: Losses) -> dict[str, Any]:
    sampling = request.sampling
    written = {name: told for name in sampling.__struct_fields__ if (told := getattr(sampling, name)) is not None}
    if not sampling.stop:
        del written["stop"]
    if not dialect.top_k and written.pop("top_k", None) is not None:
        losses.add("top_k")
    if request.stream and written.get("n", 1) > 1:
        losses.add("n")
        del written["n"]
    return written


def _write_reasoning(reasoning: Reasoning | None, losses: Losses) -> dict[str, Any]:
    if reasoning is None:
        return {}
    losses.note("reasoning.show", reasoning.show is not None)
    losses.note("reasoning.budget", reasoning.budget is not None)
    losses.note("reasoning.adaptive", reasoning.mode == "adaptive")
    if reasoning.mode == "off":
        # Models that do not think at all refuse the word: it is said only if the caller said it.
        losses.note("reasoning.off", reasoning.effort != "none")
        return {"reasoning_effort": "none"} if reasoning.effort == "none" else {}
    if reasoning.effort:
        return {"reasoning_effort": reasoning.effort}
    if reasoning.mode == "adaptive":
        return {}
    if reasoning.budget is None:
        return {"reasoning_effort": "medium"}
    return {"reasoning_effort": next((word for most, word in _EFFORTS if reasoning.budget <= most), "high")}


def _write_format(wanted: Format | None) -> dict[str, Any]:
    if wanted is None:
        return {}
    if not bytes(wanted.schema):
        return {"response_format": {"type": "json_object"}}
    schema: dict[str, Any] = {"name": wanted.name or "answer", "schema": wanted.schema}
    if wanted.description:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _write_rest(request: Request, losses: Losses) -> dict[str, Any]:
    losses.note("previous", request.previous)
    user = request.user
    if len(user) > MAX_USER:
        user = hashlib.sha256(user.encode()).hexdigest()
    tier = request.service_tier
    if tier == "batch":
        losses.add("service_tier")
        tier = ""
    named = {
        "user": user,
        "prompt_cache_key": request.cache_key,
        "service_tier": tier,
        "verbosity": request.verbosity,
    }
    written: dict[str, Any] = {name: told for name, told in named.items() if told}
    if bytes(request.metadata):
        written["metadata"] = request.metadata
    if request.store is not None:
        written["store"] = request.store
    return written
