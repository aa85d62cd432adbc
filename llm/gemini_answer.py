"""Gemini generateContent: a whole answer and the neutral form, both ways.

Pure; the relay and `gemini_stream` stand above, `gemini_parts` below.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw, encode, raw
from . import gemini_members as wire
from .blocks import Losses, Written, made_id
from .gemini_errors import read_member
from .gemini_members import FORMAT, MAX_PARTS, absent, read
from .gemini_parts import read_blocks, read_part, write_answer_call, write_answer_thinking, write_media
from .neutral import Block, Foreign, Media, Reason, Refusal, Response, Text, Thinking, ToolCall, Usage
from .reading import answered
from .wire import members, says, tokens

_answer = msgspec.json.Decoder(wire.Answer)

REASONS: dict[str, Reason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "filter",
    "RECITATION": "filter",
    "LANGUAGE": "filter",
    "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter",
    "SPII": "filter",
    "IMAGE_SAFETY": "filter",
    "IMAGE_PROHIBITED_CONTENT": "filter",
    "IMAGE_RECITATION": "filter",
    "MODEL_ARMOR": "filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "CONTINUATION": "pause",
}
WORDS: dict[Reason, str] = {
    "stop": "STOP",
    "tools": "STOP",
    "length": "MAX_TOKENS",
    "context": "MAX_TOKENS",
    "filter": "SAFETY",
    "refusal": "SAFETY",
}
"""Why it ended, as callers are told; everything else is `OTHER`."""
INEXACT = frozenset({"context", "refusal", "pause", "error", "other"})


def decode_answer(data: bytes) -> wire.Answer:
    return read(_answer, data, "the answer")


def read_response(body: bytes) -> Response:
    """`UpstreamInvalid` says what the provider did wrong."""
    return answered(_read, body)


def _read(body: bytes) -> Response:
    members(body)
    answer = decode_answer(body)
    if says(answer.error):
        raise ValueError("it is an error: " + read_member(answer.error)[1])
    seed = answer.response_id or bytes(body[:256])
    found = [_read_candidate(each, at, seed) for at, each in enumerate(answer.candidates or ())]
    if not found:
        if answer.prompt_feedback is None or not answer.prompt_feedback.block_reason:
            raise ValueError("candidates: there is none")
        found = [Response("", "", (), reason="filter")]
    first = answer.candidates[0] if answer.candidates else wire.Candidate()
    return msgspec.structs.replace(
        found[0],
        id=answer.response_id or "",
        model=answer.model_version or "",
        usage=read_usage(answer.usage_metadata),
        logprobs=read_logprobs(first.logprobs_result),
        others=tuple(found[1:]),
    )


def _read_candidate(candidate: wire.Candidate, at: int, seed: object) -> Response:
    where = f"candidates[{at}].content"
    parts = (candidate.content.parts if candidate.content else None) or []
    if len(parts) > MAX_PARTS:
        raise ValueError(f"{where}.parts: has more than {MAX_PARTS} parts")
    blocks: list[Block] = []
    for number, each in enumerate(parts):
        found = read_answer_part(each, f"{where}.parts[{number}]")
        blocks += [known_call(block, seed, at, number) for block in found]
    return Response("", "", tuple(blocks), read_reason(candidate.finish_reason, map(type, blocks)))


def known_call(block: Block, *seed: object) -> Block:
    """With an id made of `seed`, if it is a call that came without one."""
    if isinstance(block, ToolCall) and not block.id:
        return msgspec.structs.replace(block, id=made_id(*seed))
    return block


def read_answer_part(each: Raw, where: str) -> list[Block]:
    part, _ = read_part(each, where)
    if not absent(part.function_response):
        return [Foreign(FORMAT, each)]
    return read_blocks(part, each, where)


def read_reason(word: str | None, kinds: Iterable[type[Block]]) -> Reason:
    reason = REASONS.get(word or "", "other")
    return "tools" if reason == "stop" and ToolCall in set(kinds) else reason


def read_usage(usage: wire.Usage | None) -> Usage:
    if usage is None:
        return Usage()
    told, thought = tokens(usage.candidates_token_count), tokens(usage.thoughts_token_count)
    prompt = tokens(usage.prompt_token_count)
    return Usage(
        input=None if prompt is None else prompt + (tokens(usage.tool_use_prompt_token_count) or 0),
        output=None if told is None and thought is None else (told or 0) + (thought or 0),
        cache_read=tokens(usage.cached_content_token_count),
        reasoning=thought,
    )


def read_logprobs(result: wire.Logprobs | None) -> Raw:
    """As OpenAI's list."""
    if result is None or not result.chosen_candidates:
        return EMPTY
    tops = result.top_candidates or []
    told = []
    for number, chosen in enumerate(result.chosen_candidates):
        top = (tops[number].candidates if number < len(tops) else None) or []
        told.append(_logprob(chosen) | {"top_logprobs": [_logprob(each) for each in top]})
    return raw(told)


def _logprob(told: wire.Logprob) -> dict[str, Any]:
    return {"token": told.token, "logprob": told.log_probability, "bytes": list(told.token.encode())}


class _Wanted(msgspec.Struct):
    token: str = ""
    logprob: float = 0.0
    top_logprobs: list["_Wanted"] | None = None


_wanted = msgspec.json.Decoder(list[_Wanted])


def write_logprobs(logprobs: Raw) -> dict[str, Any] | None:
    """Of OpenAI's list; `None` if there is none."""
    if not bytes(logprobs):
        return None
    try:
        told = _wanted.decode(logprobs)
    except msgspec.DecodeError:
        return None
    return {
        "chosenCandidates": [{"token": each.token, "logProbability": each.logprob} for each in told],
        "topCandidates": [
            {"candidates": [{"token": top.token, "logProbability": top.logprob} for top in each.top_logprobs or ()]}
            for each in told
        ],
    }


def write_usage(usage: Usage) -> dict[str, int]:
    read_, written, thought = usage.input or 0, usage.output or 0, usage.reasoning or 0
    told = {
        "promptTokenCount": read_,
        "candidatesTokenCount": max(0, written - thought),
        "totalTokenCount": read_ + written,
    }
    if usage.cache_read is not None:
        told["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning is not None:
        told["thoughtsTokenCount"] = thought
    return told


def write_response(response: Response, model: str) -> Written:
    """The answer as a caller of this format gets it."""
    lost = Losses()
    lost.note("stop_sequence", response.stop_sequence)
    lost.note("created", response.created)
    lost.note("service_tier", response.service_tier)
    lost.note("usage.cache_write", response.usage.cache_write)
    lost.note("usage.unknown", None in (response.usage.input, response.usage.output))
    candidates = [_write_candidate(each, at, lost) for at, each in enumerate((response, *response.others))]
    if logprobs := write_logprobs(response.logprobs):
        candidates[0]["logprobsResult"] = logprobs
    body: dict[str, Any] = {"candidates": candidates, "usageMetadata": write_usage(response.usage)}
    body["modelVersion"] = model
    return Written(encode(body | ({"responseId": response.id} if response.id else {})), lost.names())


def _write_candidate(response: Response, at: int, lost: Losses) -> dict[str, Any]:
    lost.note("reason", response.reason in INEXACT)
    parts = [part for part in (write_part(block, lost) for block in response.content) if part is not None]
    content = {"parts": parts, "role": "model"}
    return {"content": content, "finishReason": WORDS.get(response.reason, "OTHER"), "index": at}


def write_part(block: Block, lost: Losses) -> Any:
    """A part of an answer; `None` if there is none for it."""
    match block:
        case Text() | Refusal():
            lost.note("refusal", isinstance(block, Refusal))
            lost.note("citations", isinstance(block, Text) and bytes(block.citations))
            return {"text": block.text}
        case Thinking():
            return write_answer_thinking(block)
        case ToolCall():
            return write_answer_call(block, lost)
        case Media():
            return write_media(block, lost)
        case Foreign(format=format_, raw=told) if format_ == FORMAT:
            return told
        case _:
            lost.add("foreign")
            return None
