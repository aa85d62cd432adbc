"""The vendors' SDKs, each as one and the same talker: what it is told in our words it says through the SDK.

Answers are parsed strictly by the SDKs' own models. A talker keeps its turns in the SDK's own form, as a
program would. `sent` are the bodies that left this side. Above: the `test_vendor_sdks_` modules.
"""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx2
import openai
from google import genai
from google.genai import types as genai_types

from tests.llm.vendor_wire import Calls
from tests.llm.vendor_world import KEY

_NO_REQUEST = httpx2.Request("POST", "http://localhost")
CLIENTS = ("openai", "responses", "anthropic", "gemini")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_TEXT = base64.b64encode(PNG).decode()
ADD = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Wants:
    """What a turn asks for besides an answer."""

    tools: bool = False
    schema: bool = False
    thoughts: bool = False
    system: str = ""


@dataclass(frozen=True)
class Heard:
    """What the SDK told its caller."""

    text: str
    thought: str
    signature: str
    calls: tuple[Calls, ...]
    finish: str
    usage: tuple[int, int, int]
    """Read, of these from a cache, written."""


class Talker(ABC):
    """One conversation."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.turns: list[Any] = []

    @abstractmethod
    def say(self, text: str, image: bool = False) -> None:
        """A user's turn."""

    @abstractmethod
    def give(self, results: Sequence[tuple[Calls, str]]) -> None:
        """The results of tools."""

    @abstractmethod
    def hear(self, wants: Wants = Wants(), *, stream: bool = False) -> Heard:
        """Ask, and keep the answer as a turn."""


class OpenAiTalker(Talker):
    def __init__(self, model: str, sdk: openai.OpenAI) -> None:
        super().__init__(model)
        self.sdk = sdk

    def say(self, text: str, image: bool = False) -> None:
        parts: list[Any] = [{"type": "text", "text": text}]
        if image:
            parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG_TEXT}"}})
        self.turns.append({"role": "user", "content": parts if image else text})

    def give(self, results: Sequence[tuple[Calls, str]]) -> None:
        self.turns += [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in results]

    def hear(self, wants: Wants = Wants(), *, stream: bool = False) -> Heard:
        asked: dict[str, Any] = {"model": self.model, "messages": list(self.turns)}
        if wants.system:
            asked["messages"].insert(0, {"role": "system", "content": wants.system})
        if wants.tools:
            function = {"name": "add", "description": "Add two numbers.", "parameters": ADD}
            asked["tools"] = [{"type": "function", "function": function}]
        if wants.schema:
            asked["response_format"] = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
        if wants.thoughts:
            asked["reasoning_effort"] = "low"
        done = self._streamed(asked) if stream else self.sdk.chat.completions.create(**asked)
        (choice,) = done.choices
        message = choice.message
        self.turns.append(message.model_dump(exclude_none=True, exclude={"parsed"}))
        calls = tuple(
            Calls(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()
        )
        details = done.usage.prompt_tokens_details
        usage = (done.usage.prompt_tokens, details.cached_tokens, done.usage.completion_tokens)
        thought = getattr(message, "reasoning_content", None) or ""
        finish = {"stop": "stop", "tool_calls": "tool"}[choice.finish_reason]
        return Heard(message.content or "", thought, "", calls, finish, usage)

    def _streamed(self, asked: dict[str, Any]) -> Any:
        with self.sdk.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
            thought = "".join(
                getattr(choice.delta, "reasoning_content", None) or ""
                for event in events
                if event.type == "chunk"
                for choice in event.chunk.choices
            )
            done = events.get_final_completion()
        if thought:
            done.choices[0].message.reasoning_content = thought  # type: ignore[attr-defined]
        for call in done.choices[0].message.tool_calls or ():
            del call.function.parsed_arguments
        return done


class ResponsesTalker(Talker):
    def __init__(self, model: str, sdk: openai.OpenAI) -> None:
        super().__init__(model)
        self.sdk = sdk

    def say(self, text: str, image: bool = False) -> None:
        parts: list[Any] = [{"type": "input_text", "text": text}]
        if image:
            parts.append({"type": "input_image", "image_url": f"data:image/png;base64,{PNG_TEXT}", "detail": "auto"})
        self.turns.append({"role": "user", "content": parts if image else text})

    def give(self, results: Sequence[tuple[Calls, str]]) -> None:
        self.turns += [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text in results]

    def hear(self, wants: Wants = Wants(), *, stream: bool = False) -> Heard:
        asked: dict[str, Any] = {"model": self.model, "input": list(self.turns), "store": False}
        if wants.system:
            asked["instructions"] = wants.system
        if wants.tools:
            function = {"name": "add", "description": "Add two numbers.", "parameters": ADD, "strict": True}
            asked["tools"] = [{"type": "function", **function}]
        if wants.schema:
            asked["text"] = {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}}
        if wants.thoughts:
            asked |= {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
        done = self._streamed(asked) if stream else self.sdk.responses.create(**asked)
        assert done.status == "completed"
        dumped = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in done.output]
        for item in dumped:
            for part in item.get("content", ()):
                part.pop("parsed", None)
        self.turns += dumped
        thought, signature, calls = "", "", []
        for item in done.output:
            if item.type == "reasoning":
                thought += "".join(part.text for part in item.summary)
                signature = item.encrypted_content or ""
            if item.type == "function_call":
                calls.append(Calls(item.call_id, item.name, json.loads(item.arguments)))
        usage = done.usage
        counts = (usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens)
        return Heard(done.output_text, thought, signature, tuple(calls), "tool" if calls else "stop", counts)

    def _streamed(self, asked: dict[str, Any]) -> Any:
        with self.sdk.responses.stream(**asked) as events:
            for event in events:
                if event.type == "response.failed":
                    # The SDK tells this and does not raise; programs look at it.
                    raise openai.APIError(event.response.error.message, _NO_REQUEST, body=None)  # type: ignore[union-attr]
            return events.get_final_response()


class AnthropicTalker(Talker):
    def __init__(self, model: str, sdk: anthropic.Anthropic) -> None:
        super().__init__(model)
        self.sdk = sdk

    def say(self, text: str, image: bool = False) -> None:
        parts: list[Any] = [{"type": "text", "text": text}]
        if image:
            source = {"type": "base64", "media_type": "image/png", "data": PNG_TEXT}
            parts.append({"type": "image", "source": source})
        self.turns.append({"role": "user", "content": parts if image else text})

    def give(self, results: Sequence[tuple[Calls, str]]) -> None:
        blocks = [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in results]
        self.turns.append({"role": "user", "content": blocks})

    def hear(self, wants: Wants = Wants(), *, stream: bool = False) -> Heard:
        asked: dict[str, Any] = {"model": self.model, "max_tokens": 4096, "messages": list(self.turns)}
        if wants.system:
            asked["system"] = wants.system
        if wants.tools:
            asked["tools"] = [{"name": "add", "description": "Add two numbers.", "input_schema": ADD}]
        if wants.schema:
            asked["output_config"] = {"format": {"type": "json_schema", "schema": PERSON}}
        if wants.thoughts:
            asked["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        done = self._streamed(asked) if stream else self.sdk.messages.create(**asked)
        dumped = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in done.content]
        self.turns.append({"role": "assistant", "content": dumped})
        text = "".join(block.text for block in done.content if block.type == "text")
        thoughts = [block for block in done.content if block.type == "thinking"]
        calls = tuple(Calls(each.id, each.name, each.input) for each in done.content if each.type == "tool_use")
        finish = {"end_turn": "stop", "tool_use": "tool"}[done.stop_reason]
        cached = done.usage.cache_read_input_tokens or 0
        written = done.usage.cache_creation_input_tokens or 0
        usage = (done.usage.input_tokens + cached + written, cached, done.usage.output_tokens)
        thought, signature = "".join(each.thinking for each in thoughts), "".join(each.signature for each in thoughts)
        return Heard(text, thought, signature, calls, finish, usage)

    def _streamed(self, asked: dict[str, Any]) -> Any:
        with self.sdk.messages.stream(**asked) as events:
            for _ in events:
                pass
            return events.get_final_message()


class GeminiTalker(Talker):
    def __init__(self, model: str, sdk: genai.Client) -> None:
        super().__init__(model)
        self.sdk = sdk

    def say(self, text: str, image: bool = False) -> None:
        parts = [genai_types.Part.from_text(text=text)]
        if image:
            parts.append(genai_types.Part.from_bytes(data=PNG, mime_type="image/png"))
        self.turns.append(genai_types.Content(role="user", parts=parts))

    def give(self, results: Sequence[tuple[Calls, str]]) -> None:
        parts = [
            genai_types.Part(
                function_response=genai_types.FunctionResponse(
                    id=call.id or None, name=call.name, response={"result": text}
                )
            )
            for call, text in results
        ]
        self.turns.append(genai_types.Content(role="user", parts=parts))

    def hear(self, wants: Wants = Wants(), *, stream: bool = False) -> Heard:
        config = genai_types.GenerateContentConfig(system_instruction=wants.system or None)
        if wants.tools:
            add = genai_types.FunctionDeclaration(
                name="add", description="Add two numbers.", parameters_json_schema=ADD
            )
            config.tools = [genai_types.Tool(function_declarations=[add])]
        if wants.schema:
            config.response_mime_type, config.response_json_schema = "application/json", PERSON
        if wants.thoughts:
            config.thinking_config = genai_types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        asked: dict[str, Any] = {"model": self.model, "contents": list(self.turns), "config": config}
        models = self.sdk.models
        answers = list(models.generate_content_stream(**asked)) if stream else [models.generate_content(**asked)]
        parts = [part for each in answers for part in _parts(each)]
        self.turns.append(genai_types.Content(role="model", parts=parts))
        thought = "".join(part.text or "" for part in parts if part.thought)
        text = "".join(part.text or "" for part in parts if not part.thought)
        calls = tuple(_call(part.function_call) for part in parts if part.function_call is not None)
        signed = b"".join(part.thought_signature or b"" for part in parts)
        last = answers[-1]
        assert last.candidates is not None
        assert last.candidates[0].finish_reason == "STOP"
        counts = last.usage_metadata
        assert counts is not None
        written = (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0)
        usage = (counts.prompt_token_count or 0, counts.cached_content_token_count or 0, written)
        signature = base64.b64encode(signed).decode()
        return Heard(text, thought, signature, calls, "tool" if calls else "stop", usage)


def _parts(answer: genai_types.GenerateContentResponse) -> list[genai_types.Part]:
    content = answer.candidates[0].content if answer.candidates else None
    return list(content.parts or ()) if content is not None else []


def _call(call: genai_types.FunctionCall) -> Calls:
    return Calls(call.id or "", call.name or "", dict(call.args or {}))


@dataclass
class Clients:
    """The SDKs, pointed at one gateway with one key."""

    openai: openai.OpenAI
    anthropic: anthropic.Anthropic
    gemini: genai.Client
    sent: list[bytes] = field(default_factory=list)

    def talker(self, name: str, model: str) -> Talker:
        if name == "openai":
            return OpenAiTalker(model, self.openai)
        if name == "responses":
            return ResponsesTalker(model, self.openai)
        if name == "anthropic":
            return AnthropicTalker(model, self.anthropic)
        return GeminiTalker(model, self.gemini)


@contextmanager
def clients(url: str, key: str = KEY) -> Iterator[Clients]:
    sent: list[bytes] = []

    def keep(request: httpx2.Request) -> None:
        sent.append(request.read())

    with ExitStack() as stack:
        http = stack.enter_context(httpx2.Client(event_hooks={"request": [keep]}, trust_env=False, timeout=20))
        strict: Any = {"api_key": key, "max_retries": 0, "http_client": http, "_strict_response_validation": True}
        options = genai_types.HttpOptions(base_url=url, httpx_client=http)
        yield Clients(
            openai.OpenAI(base_url=f"{url}/v1", **strict),
            anthropic.Anthropic(base_url=url, **strict),
            genai.Client(api_key=key, http_options=options),
            sent,
        )
