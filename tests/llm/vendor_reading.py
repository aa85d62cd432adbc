"""What a provider of each format understands of a request: read by the book, to be compared with what was meant.

Strict: what is not expected in its place raises. Above: the `test_vendor_sdks_` modules.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.llm.vendor_wire import Calls, Json
from tests.llm.vendor_world import Asked


@dataclass
class Meant:
    """`texts` are the user's; `results` are pairs of a call's id and a text; gemini may leave ids out."""

    system: str = ""
    texts: list[str] = field(default_factory=list)
    images: list[tuple[str, str]] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    calls: list[Calls] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    schema: Json | None = None
    thinks: bool = False


def read(asked: Asked) -> Meant:
    meant = Meant()
    _READERS[asked.format](asked.body, meant)
    return meant


def _data_url(url: str) -> tuple[str, str]:
    head, _, data = url.partition(",")
    kind, _, encoding = head.removeprefix("data:").partition(";")
    assert encoding == "base64"
    return kind, data


def _openai(body: Json, meant: Meant) -> None:
    for message in body["messages"]:
        content = message.get("content")
        if message["role"] in ("system", "developer"):
            meant.system += _openai_text(content)
        elif message["role"] == "tool":
            meant.results.append((message["tool_call_id"], _openai_text(content)))
        elif message["role"] == "user":
            parts: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
            meant.texts += [part["text"] for part in parts if part["type"] == "text"]
            meant.images += [_data_url(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]
        else:
            assert message["role"] == "assistant"
            for call in message.get("tool_calls") or ():
                function = call["function"]
                meant.calls.append(Calls(call["id"], function["name"], json.loads(function["arguments"])))
    meant.tools = [tool["function"]["name"] for tool in body.get("tools", ())]
    wanted = body.get("response_format")
    meant.schema = wanted["json_schema"]["schema"] if wanted else None
    meant.thinks = body.get("reasoning_effort") in ("low", "medium", "high")


def _openai_text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _responses(body: Json, meant: Meant) -> None:
    meant.system = body.get("instructions") or ""
    items = body["input"]
    for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
        kind = item.get("type", "message")
        if kind == "function_call":
            meant.calls.append(Calls(item["call_id"], item["name"], json.loads(item["arguments"])))
        elif kind == "function_call_output":
            meant.results.append((item["call_id"], _openai_text(item["output"])))
        elif kind == "reasoning":
            meant.signatures.append(item["encrypted_content"])
        elif item["role"] in ("system", "developer"):
            meant.system += _openai_text(item["content"])
        elif item["role"] == "user":
            content = item["content"]
            parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
            meant.texts += [part["text"] for part in parts if part["type"] == "input_text"]
            meant.images += [_data_url(part["image_url"]) for part in parts if part["type"] == "input_image"]
    meant.tools = [tool["name"] for tool in body.get("tools", ())]
    wanted = (body.get("text") or {}).get("format") or {}
    meant.schema = wanted.get("schema")
    meant.thinks = "reasoning" in body


def _anthropic(body: Json, meant: Meant) -> None:
    meant.system = _openai_text(body.get("system") or "")
    for message in body["messages"]:
        content: Any = message["content"]
        blocks: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if block["type"] == "tool_use":
                meant.calls.append(Calls(block["id"], block["name"], block["input"]))
            elif block["type"] == "tool_result":
                meant.results.append((block["tool_use_id"], _openai_text(block.get("content") or "")))
            elif block["type"] == "thinking":
                meant.signatures.append(block["signature"])
            elif block["type"] == "image":
                meant.images.append((block["source"]["media_type"], block["source"]["data"]))
            elif message["role"] == "user":
                meant.texts.append(block["text"])
    meant.tools = [tool["name"] for tool in body.get("tools", ())]
    wanted = (body.get("output_config") or {}).get("format") or {}
    meant.schema = wanted.get("schema")
    meant.thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")


def _gemini(body: Json, meant: Meant) -> None:
    meant.system = "".join(part["text"] for part in (body.get("systemInstruction") or {}).get("parts", ()))
    for content in body["contents"]:
        for part in content["parts"]:
            if "thoughtSignature" in part:
                meant.signatures.append(_standard(part["thoughtSignature"]))
            if "functionCall" in part:
                call = part["functionCall"]
                meant.calls.append(Calls(call.get("id", ""), call["name"], call["args"]))
            elif "functionResponse" in part:
                result = part["functionResponse"]
                (said,) = result["response"].values()
                meant.results.append((result.get("id", ""), said))
            elif "inlineData" in part:
                blob = part["inlineData"]
                meant.images.append((blob.get("mimeType") or blob["mime_type"], _standard(blob["data"])))
            elif content["role"] == "user":
                meant.texts.append(part["text"])
    meant.tools = [one["name"] for tool in body.get("tools", ()) for one in tool["functionDeclarations"]]
    config = body.get("generationConfig") or {}
    meant.schema = config.get("responseJsonSchema") or config.get("responseSchema")
    meant.thinks = bool(config.get("thinkingConfig"))


def _standard(data: str) -> str:
    """Google's SDK writes the URL-safe alphabet, its API takes both."""
    return data.replace("-", "+").replace("_", "/")


def _bedrock(body: Json, meant: Meant) -> None:
    meant.system = "".join(part["text"] for part in body.get("system", ()) if "cachePoint" not in part)
    for message in body["messages"]:
        for block in message["content"]:
            if "toolUse" in block:
                use = block["toolUse"]
                meant.calls.append(Calls(use["toolUseId"], use["name"], use["input"]))
            elif "toolResult" in block:
                result = block["toolResult"]
                said = "".join(
                    part["text"] if "text" in part else json.dumps(part["json"]) for part in result["content"]
                )
                meant.results.append((result["toolUseId"], said))
            elif "reasoningContent" in block:
                meant.signatures.append(block["reasoningContent"]["reasoningText"]["signature"])
            elif "image" in block:
                meant.images.append((f"image/{block['image']['format']}", block["image"]["source"]["bytes"]))
            elif message["role"] == "user" and "cachePoint" not in block:
                meant.texts.append(block["text"])
    config = body.get("toolConfig") or {}
    meant.tools = [tool["toolSpec"]["name"] for tool in config.get("tools", ()) if "cachePoint" not in tool]
    wanted = body.get("outputConfig") or {}
    if "textFormat" in wanted:
        meant.schema = json.loads(wanted["textFormat"]["structure"]["jsonSchema"]["schema"])
    more = body.get("additionalModelRequestFields") or {}
    meant.thinks = "thinking" in more or "reasoning_config" in more


_READERS: dict[str, Callable[[Json, Meant], None]] = {
    "openai": _openai, "responses": _responses, "anthropic": _anthropic, "gemini": _gemini, "bedrock": _bedrock
}  # fmt: skip
