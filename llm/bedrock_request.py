"""Bedrock Converse: a request written for the provider. The model's name stands in the URL.

What only one family of models knows (thinking, top_k) goes into `additionalModelRequestFields`
in that family's words. Pure; the relay stands above, `bedrock_blocks` below.
"""

from typing import Any

from ..core.rawjson import Raw, encode
from .anthropic_models import abilities_of
from .anthropic_reasoning import write_reasoning
from .bedrock_blocks import FORMAT, Blocks, own_name
from .blocks import Losses, Written, called_tools, merge_turns, tool_name
from .custom_calls import TEXT_SCHEMA
from .neutral import Format, Message, Request, Sampling, Tool, ToolChoice, ToolResult

CANNOT: dict[str, str] = {
    "message.name": "turns have no names",
    "message.empty": "an empty text is refused",
    "message.first": "a conversation that the model opens is refused; the user says `(continue)` before it",
    "system.inline": "a system prompt in mid-conversation becomes the user's words: few models know the role",
    "system.media": "the system prompt is text",
    "blocks.order": "results of tools come before what else the user says",
    "citations": "sources are part of answers only",
    "refusal": "a refusal is text like any other",
    "cache_control": "only Claude and Nova know cache points",
    "cache_key": "the format has no such member",
    "image.url": "images are sent along, or lie in S3",
    "image.id": "images are sent along, or lie in S3",
    "image.name": "images have no names",
    "image.detail": "the format has no such member",
    "image": "images are PNG, JPEG, GIF or WebP",
    "file.url": "documents are sent along, or lie in S3",
    "file.id": "documents are sent along, or lie in S3",
    "file.name": "names have few characters, and no two are alike",
    "file.detail": "the format has no such member",
    "file": "documents are PDF, CSV, Word, Excel, HTML, text or Markdown",
    "audio.url": "sound is sent along, or lies in S3",
    "audio.id": "sound is sent along, or lies in S3",
    "audio.name": "sound has no name",
    "audio": "sound is in one of the formats that the API lists",
    "video.url": "video is sent along, or lies in S3",
    "video.id": "video is sent along, or lies in S3",
    "video": "video is in one of the formats that the API lists",
    "thinking": "thoughts are taken as their provider signed them",
    "thinking.signature": "another provider's signature means nothing here",
    "thinking.sealed": "another provider's sealed thoughts cannot be read here",
    "thinking.id": "thoughts have no ids",
    "tool.namespace": "namespace and name become one name, which is taken apart again in the answer",
    "tool.custom": "free text is asked for as the one string of a function's arguments, and taken out again",
    "tool.foreign": "a tool that another provider runs itself",
    "tool_call.id": "ids have few characters; others are replaced by a digest, in the call and its result alike",
    "tool_call.custom": "free text becomes the one string of a function's arguments",
    "tool_call.arguments": "arguments are an object; anything else becomes its one string",
    "tool_call.signature": "another provider's signature means nothing here",
    "tool_result.name": "results are known by the call's id",
    "tool_choice": "calls cannot be forbidden; nor forced while Claude thinks",
    "tool_choice.parallel": "the format has no such member",
    "temperature": "is at most 1, and refused while Claude thinks, and by Claude since 4.7",
    "top_p": "is refused while Claude thinks, beside a temperature, and by Claude since 4.7",
    "top_k": "only Claude and Nova know it, Claude not while it thinks, nor since 4.7",
    "seed": "the format has no such member",
    "frequency_penalty": "the format has no such member",
    "presence_penalty": "the format has no such member",
    "logprobs": "the format has no such member",
    "top_logprobs": "the format has no such member",
    "n": "there is one answer to a request",
    "format.json_object": "an answer in JSON needs a schema",
    "format.strict": "schemas are always enforced",
    "reasoning": "only Claude, Nova and gpt-oss can be told to think; Claude not beside a tool that must be called, nor"
    " in a turn that another model began with a call, nor where `max_tokens` leaves no room for it",
    "reasoning.off": "models that think by themselves cannot be told not to",
    "reasoning.adaptive": "only Claude since 4.6 knows it",
    "reasoning.effort": "for Claude before 4.6 a budget stands for it; Nova and gpt-oss know three",
    "reasoning.budget": "is at least 1024 and less than the most tokens of the answer; Claude since 4.7 and others know"
    " efforts",
    "reasoning.show": "only Claude can be told",
    "verbosity": "the format has no such member",
    "user": "the format has no such member",
    "metadata": "labels have other rules here",
    "store": "the format has no such member",
    "previous": "the conversation is always sent along",
    "service_tier": "only default, flex and priority are known",
    "foreign": "content that only another format knows",
}
"""Feature -> why this format cannot carry it."""

ROOM = 4096
"""Tokens of answer that are left beside the thinking, where the caller did not say."""
TIERS = frozenset({"default", "flex", "priority"})
_WORDS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')


def family(model: str) -> str:
    """Whose words the model knows: `claude`, `nova`, `gpt-oss`, or none."""
    name = model.lower()
    return next((each for each in ("claude", "nova", "gpt-oss") if each in name), "")


def write_request(request: Request) -> Written:
    """The body for a provider of this format; the relay puts the model (and whether to stream) into the URL."""
    lost = Losses(request.unread)
    kind = family(request.model)
    blocks = Blocks(lost, caches=kind in ("claude", "nova"))
    body: dict[str, Any] = {"messages": _write_messages(request, blocks, lost)}
    if system := blocks.system(request.system):
        body["system"] = system
    if config := _write_tools(request, blocks, lost):
        body["toolConfig"] = config
    thinking = _write_reasoning(request, kind, body, lost)
    _write_sampling(request, kind, body, lost, thinks=thinking)
    _write_format(request.format, body, lost)
    _write_about(request, body, lost)
    tools = [*request.tools, *called_tools(request)]
    renamed = {sent: tool for tool in tools if (sent := own_name(tool)) != tool.name}
    return Written(encode(body), lost.names(), renamed)


def _write_messages(request: Request, blocks: Blocks, lost: Losses) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for message in merge_turns([_spoken(message, lost) for message in request.messages]):
        content = message.content
        if message.role == "user":
            results = tuple(block for block in content if isinstance(block, ToolResult))
            lost.note("blocks.order", results and content[: len(results)] != results)
            content = results + tuple(block for block in content if not isinstance(block, ToolResult))
        written = blocks.write(content)
        if not written:
            continue
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += written  # what stood between them was empty
        else:
            turns.append({"role": message.role, "content": written})
    if turns and turns[0]["role"] != "user":
        lost.add("message.first")
        turns.insert(0, {"role": "user", "content": [{"text": "(continue)"}]})
    return turns


def _spoken(message: Message, lost: Losses) -> Message:
    lost.note("message.name", message.name)
    lost.note("system.inline", message.role == "system")
    return Message("assistant" if message.role == "assistant" else "user", message.content)


def _write_tools(request: Request, blocks: Blocks, lost: Losses) -> dict[str, Any]:
    written: list[Any] = []
    for tool in request.tools:
        if tool.foreign is None:
            written += [{"toolSpec": _write_tool(tool, lost)}, *blocks.cache_point(tool.cache)]
        elif tool.foreign.format == FORMAT:
            written.append(tool.foreign.raw)
        else:
            lost.add("tool.foreign")
    choice = request.tool_choice
    lost.note("tool_choice.parallel", choice is not None and choice.parallel is False)
    if not written:
        lost.note("tool_choice", choice is not None and choice.mode != "auto")
        # A conversation with calls is refused where no tool is declared.
        written = [{"toolSpec": _write_tool(tool, lost)} for tool in called_tools(request)]
        return {"tools": written} if written else {}
    if choice is None:
        return {"tools": written}
    lost.note("tool_choice", choice.mode == "none")
    return {"tools": written} | _write_choice(choice, request.tools)


def _write_tool(tool: Tool, lost: Losses) -> dict[str, Any]:
    lost.note("tool.custom", bytes(tool.custom))
    written: dict[str, Any] = {"name": own_name(tool)}
    if tool.description:
        written["description"] = tool.description
    parameters = TEXT_SCHEMA if bytes(tool.custom) else tool.parameters
    written["inputSchema"] = {"json": parameters if bytes(parameters) else _NO_PARAMETERS}
    return written | ({} if tool.strict is None else {"strict": tool.strict})


def _write_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> dict[str, Any]:
    if choice.mode == "named":
        tool = next((tool for tool in tools if choice.name in (tool.name, tool_name(tool))), Tool(choice.name))
        return {"toolChoice": {"tool": {"name": own_name(tool)}}}
    return {} if choice.mode == "none" else {"toolChoice": {choice.mode: {}}}


def _write_reasoning(request: Request, kind: str, body: dict[str, Any], lost: Losses) -> bool:
    """Whether the model is told to think."""
    reasoning = request.reasoning
    if reasoning is None:
        return False
    if reasoning.mode == "off":
        lost.note("reasoning.off", kind not in ("claude", "nova"))
        return False
    if kind == "claude":
        return _claude_thinks(request, body, lost)
    lost.note("reasoning.show", reasoning.show is not None)
    if kind not in ("nova", "gpt-oss"):
        lost.add("reasoning")
        return False
    lost.note("reasoning.budget", reasoning.budget is not None)
    lost.note("reasoning.adaptive", reasoning.mode == "adaptive")
    word = _WORDS.get(reasoning.effort, "medium")
    lost.note("reasoning.effort", reasoning.effort not in ("", word))
    if kind == "nova":
        told: dict[str, Any] = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": word}}
    else:
        told = {"reasoning_effort": word}
    body["additionalModelRequestFields"] = told
    return False


def _claude_thinks(request: Request, body: dict[str, Any], lost: Losses) -> bool:
    """As this generation of Claude takes it in Anthropic's own format, too."""
    thinking, effort = write_reasoning(request, abilities_of(request.model), lost)
    if effort:
        body["outputConfig"] = {"effort": effort}
    if thinking is None:
        return False
    body["additionalModelRequestFields"] = {"thinking": thinking}
    return True


def _write_sampling(request: Request, kind: str, body: dict[str, Any], lost: Losses, *, thinks: bool) -> None:
    sampling = request.sampling
    told: dict[str, Any] = {"maxTokens": request.max_tokens, "stopSequences": list(sampling.stop) or None}
    if thinks or (kind == "claude" and not abilities_of(request.model).sampling):
        for name in ("temperature", "top_p", "top_k"):
            lost.note(name, getattr(sampling, name) is not None)
        if thinks and request.max_tokens is None:
            thinking = body["additionalModelRequestFields"]["thinking"]
            told["maxTokens"] = thinking.get("budget_tokens", 0) + ROOM
    else:
        _write_temperature(sampling, kind, told, lost)
        _write_top_k(sampling.top_k, kind, body, lost)
    if config := {name: value for name, value in told.items() if value is not None}:
        body["inferenceConfig"] = config
    for name in ("seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs"):
        lost.note(name, getattr(sampling, name) is not None)
    lost.note("n", (sampling.n or 1) > 1)


def _write_temperature(sampling: Sampling, kind: str, told: dict[str, Any], lost: Losses) -> None:
    if sampling.temperature is not None:
        lost.note("temperature", sampling.temperature > 1)
        told["temperature"] = min(sampling.temperature, 1.0)
    if kind == "claude" and sampling.temperature is not None:
        lost.note("top_p", sampling.top_p is not None)
    else:
        told["topP"] = sampling.top_p


def _write_top_k(top_k: int | None, kind: str, body: dict[str, Any], lost: Losses) -> None:
    if top_k is None:
        return
    more = body.setdefault("additionalModelRequestFields", {}) if kind in ("claude", "nova") else {}
    if kind == "claude":
        more["top_k"] = top_k
    elif kind == "nova":
        more["inferenceConfig"] = {"topK": top_k}
    else:
        lost.add("top_k")


def _write_format(wanted: Format | None, body: dict[str, Any], lost: Losses) -> None:
    if wanted is None:
        return
    if not bytes(wanted.schema):
        lost.add("format.json_object")
        return
    lost.note("format.strict", wanted.strict is not None)
    schema = {"schema": bytes(wanted.schema).decode(), "name": wanted.name or "answer"}
    if wanted.description:
        schema["description"] = wanted.description
    output = body.setdefault("outputConfig", {})
    output["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": schema}}


def _write_about(request: Request, body: dict[str, Any], lost: Losses) -> None:
    for name in ("verbosity", "user", "cache_key", "previous", "store"):
        lost.note(name, getattr(request, name))
    lost.note("metadata", bytes(request.metadata) not in (b"", b"{}"))
    if request.service_tier in TIERS:
        body["serviceTier"] = {"type": request.service_tier}
    else:
        lost.note("service_tier", request.service_tier not in ("", "auto", "standard_only"))
