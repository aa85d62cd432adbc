"""OpenAI Responses: the options of a request (sampling, thinking, the answer's form), both ways.

Pure; `responses_request` stands above.
"""

import hashlib
from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw
from .blocks import Losses
from .neutral import Format, Reasoning, Request, Sampling
from .wire import said

LEAST = 16
"""`max_output_tokens` below is refused by OpenAI."""
MAX_USER = 64
"""Characters of a user's id; a longer one is sent as its digest, which is as stable."""
EFFORTS = ((4096, "low"), (16384, "medium"))
"""Budgets up to which thinking is an effort; beyond, it is `high`."""
TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
LOGPROBS = "message.output_text.logprobs"
SEALED = "reasoning.encrypted_content"


class ReasoningOptions(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class _Format(msgspec.Struct):
    type: str = "text"
    name: str | None = None
    description: str | None = None
    schema: Raw = EMPTY
    strict: bool | None = None


class TextOptions(msgspec.Struct):
    format: _Format | None = None
    verbosity: str | None = None


def read_reasoning(reasoning: ReasoningOptions | None) -> Reasoning | None:
    if reasoning is None:
        return None
    show = True if reasoning.summary or reasoning.generate_summary else None
    if reasoning.effort == "none":
        return Reasoning("off", effort="none", show=show)
    if not reasoning.effort and show is None:
        return None
    return Reasoning("on" if reasoning.effort else "adaptive", effort=reasoning.effort or "", show=show)


def read_format(text: TextOptions | None) -> Format | None:
    form = text.format if text else None
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return Format()
    if form.type != "json_schema" or not bytes(said(form.schema)):
        raise ValueError("text.format: must be text, json_object, or json_schema with a schema")
    return Format(form.schema, form.name or "", form.description or "", form.strict)


def write_sampling(sampling: Sampling, body: dict[str, Any], lost: Losses) -> None:
    for name in ("temperature", "top_p", "top_logprobs"):
        if (number := getattr(sampling, name)) is not None:
            body[name] = number
    if sampling.logprobs:
        body["include"] = [LOGPROBS]
    for name in ("top_k", "seed", "frequency_penalty", "presence_penalty"):
        if getattr(sampling, name) is not None:
            lost.add(name)
    if sampling.stop:
        lost.add("stop")
    if (sampling.n or 1) > 1:
        lost.add("n")


def write_reasoning(reasoning: Reasoning | None, body: dict[str, Any], lost: Losses) -> None:
    if reasoning is None:
        return
    told: dict[str, Any] = {}
    if reasoning.mode == "off":
        # Models that do not think refuse to be told so.
        if reasoning.effort != "none":
            lost.add("reasoning.off")
            return
        told["effort"] = "none"
    elif reasoning.effort:
        told["effort"] = reasoning.effort
    elif reasoning.budget is not None:
        lost.add("reasoning.budget")
        told["effort"] = next((word for most, word in EFFORTS if reasoning.budget <= most), "high")
    if reasoning.show:
        told["summary"] = "auto"
    if told:
        body["reasoning"] = told
    if reasoning.mode != "off":
        # Thoughts come back with the next turn only if they are sent here sealed.
        body["include"] = [*body.get("include", ()), SEALED]


def write_text(request: Request, body: dict[str, Any]) -> None:
    text: dict[str, Any] = {}
    form = request.format
    if form is not None and bytes(form.schema):
        text["format"] = {"type": "json_schema", "name": form.name or "answer", "schema": form.schema}
        if form.description:
            text["format"]["description"] = form.description
        if form.strict is not None:
            text["format"]["strict"] = form.strict
    elif form is not None:
        text["format"] = {"type": "json_object"}
    if request.verbosity:
        text["verbosity"] = request.verbosity
    if text:
        body["text"] = text


def write_about(request: Request, body: dict[str, Any], lost: Losses) -> None:
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(LEAST, request.max_tokens)
    # Other formats' providers keep nothing unless they are told to.
    body["store"] = bool(request.store)
    if request.previous:
        body["previous_response_id"] = request.previous
    if request.cache_key:
        body["prompt_cache_key"] = request.cache_key
    if request.user:
        long = len(request.user) > MAX_USER
        body["safety_identifier"] = hashlib.sha256(request.user.encode()).hexdigest() if long else request.user
    if bytes(request.metadata):
        body["metadata"] = request.metadata
    if request.service_tier in TIERS:
        body["service_tier"] = request.service_tier
    elif request.service_tier:
        lost.add("service_tier")
