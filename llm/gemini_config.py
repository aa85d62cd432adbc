"""Gemini: `generationConfig` (sampling, thinking, the answer's form), both ways.

Pure; `gemini_request` stands above.
"""

from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw, fields
from . import gemini_members as wire
from .blocks import Losses
from .gemini_members import absent, camel, read
from .gemini_schema import json_schema
from .gemini_turns import is_third
from .neutral import Format, Reasoning, Request, Sampling
from .reading import others

JSON = "application/json"
BUDGETS = {"minimal": 512, "low": 2048, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
"""Tokens of thinking that stand for an effort; every model before Gemini 3 takes the highest."""
LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
"""Efforts as Gemini 3 knows them; others are the highest."""

_config = msgspec.json.Decoder(wire.Config)
_thinking = msgspec.json.Decoder(wire.Thinking)
_KNOWN = frozenset(wire.Config.__struct_encode_fields__)


class Config(msgspec.Struct, frozen=True):
    """What `generationConfig` says."""

    max_tokens: int | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    format: Format | None = None
    unread: tuple[str, ...] = ()


def read_config(config: Raw) -> Config:
    if absent(config):
        return Config()
    where = "generationConfig"
    told = read(_config, config, where)
    unread = [f"{where}.{name}" for name in others(camel(fields(config)), _KNOWN)]
    form = _read_format(told, unread)
    sampling = Sampling(
        temperature=told.temperature,
        top_p=told.top_p,
        top_k=None if told.top_k is None else int(told.top_k),
        stop=tuple(told.stop_sequences or ()),
        seed=told.seed,
        frequency_penalty=told.frequency_penalty,
        presence_penalty=told.presence_penalty,
        logprobs=told.response_logprobs,
        top_logprobs=told.logprobs,
        n=told.candidate_count,
    )
    return Config(told.max_output_tokens, sampling, _read_reasoning(told.thinking_config), form, tuple(unread))


def _read_reasoning(config: Raw) -> Reasoning | None:
    if absent(config):
        return None
    told = read(_thinking, config, "generationConfig.thinkingConfig")
    effort, budget, show = (told.thinking_level or "").lower(), told.thinking_budget, told.include_thoughts
    if effort == "thinking_level_unspecified":
        effort = ""
    if budget == 0:
        return Reasoning("off", effort="none", show=show)
    if effort or (budget is not None and budget > 0):
        return Reasoning("on", effort, budget, show)
    return Reasoning("adaptive", show=show) if budget is not None or show is not None else None


def _read_format(told: wire.Config, unread: list[str]) -> Format | None:
    kind = (told.response_mime_type or "text/plain").lower()
    if kind == "text/plain":
        return None
    if kind != JSON:
        unread.append("generationConfig.responseMimeType")
        return None
    if not absent(told.response_json_schema):
        return Format(told.response_json_schema)
    if not absent(told.response_schema):
        return Format(json_schema(told.response_schema, "generationConfig.responseSchema"))
    return Format(EMPTY)


def write_config(request: Request, lost: Losses) -> dict[str, Any]:
    sampling, form = request.sampling, request.format
    told: dict[str, Any] = {
        "maxOutputTokens": request.max_tokens,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "stopSequences": list(sampling.stop) or None,
        "seed": sampling.seed,
        "candidateCount": None if request.stream else sampling.n,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
        "responseLogprobs": sampling.logprobs,
        "logprobs": sampling.top_logprobs,
        "thinkingConfig": _write_reasoning(request, lost) or None,
    }
    lost.note("n", request.stream and (sampling.n or 1) > 1)
    if form is not None:
        told["responseMimeType"] = JSON
        told["responseJsonSchema"] = form.schema if bytes(form.schema) else None
        lost.note("format.name", form.name)
        lost.note("format.description", form.description)
        lost.note("format.strict", form.strict is not None)
    return {name: value for name, value in told.items() if value is not None}


def _write_reasoning(request: Request, lost: Losses) -> dict[str, Any]:
    reasoning = request.reasoning
    if reasoning is None:
        return {}
    if reasoning.mode == "off":
        return _write_off(reasoning, request.model, lost)
    told: dict[str, Any] = {} if reasoning.show is None else {"includeThoughts": reasoning.show}
    if is_third(request.model):
        return told | _write_level(reasoning, lost)
    if reasoning.budget is not None:
        lost.note("reasoning.effort", reasoning.effort)
        told["thinkingBudget"] = reasoning.budget
    elif reasoning.effort:
        lost.add("reasoning.effort")
        told["thinkingBudget"] = BUDGETS.get(reasoning.effort, BUDGETS["high"])
    elif reasoning.mode == "adaptive":
        told["thinkingBudget"] = -1
    return told


def _write_off(reasoning: Reasoning, model: str, lost: Losses) -> dict[str, Any]:
    # Models that do not think at all refuse the word: it is said only if the caller said it.
    lost.note("reasoning.off", reasoning.effort != "none" or is_third(model))
    if reasoning.effort != "none":
        return {}
    return {"thinkingLevel": "MINIMAL"} if is_third(model) else {"thinkingBudget": 0}


def _write_level(reasoning: Reasoning, lost: Losses) -> dict[str, Any]:
    lost.note("reasoning.adaptive", reasoning.mode == "adaptive")
    if reasoning.effort:
        lost.note("reasoning.budget", reasoning.budget is not None)
        lost.note("reasoning.effort", reasoning.effort not in LEVELS)
        return {"thinkingLevel": LEVELS.get(reasoning.effort, "HIGH")}
    return {} if reasoning.budget is None else {"thinkingBudget": reasoning.budget}
