"""Tools that answer at once: every content type, logging, progress, errors, schemas.

Names, texts and shapes are those the official conformance suite calls for. Built on
`kit`; nothing here talks to the client except to report.
"""

import asyncio
import base64
import struct
import zlib

from mcp import types

from tests.conformance.kit import FixtureFailed, Shelf, ToolOutput, Turn

STEP_SECONDS = 0.05  # the suite asks for about 50 ms between notifications
WATCHED_URI = "test://watched-resource"

shelf = Shelf()


def red_pixel() -> bytes:
    """A PNG of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def short_silence() -> bytes:
    """A WAV of eight silent samples (8 kHz, mono, 8 bit)."""
    samples = b"\x80" * 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI", b"RIFF", len(body)) + body


PNG = base64.b64encode(red_pixel()).decode()
WAV = base64.b64encode(short_silence()).decode()


def image() -> types.ImageContent:
    return types.ImageContent(data=PNG, mime_type="image/png")


def embedded(uri: str, mime_type: str, text: str) -> types.EmbeddedResource:
    return types.EmbeddedResource(resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=text))


@shelf.tool("test_simple_text", "Answers with one text block.")
async def simple_text(turn: Turn) -> ToolOutput:
    return "This is a simple text response for testing."


@shelf.tool("test_image_content", "Answers with a PNG of one pixel.")
async def image_content(turn: Turn) -> ToolOutput:
    return [image()]


@shelf.tool("test_audio_content", "Answers with a WAV of a few samples.")
async def audio_content(turn: Turn) -> ToolOutput:
    return [types.AudioContent(data=WAV, mime_type="audio/wav")]


@shelf.tool("test_embedded_resource", "Answers with an embedded text resource.")
async def embedded_resource(turn: Turn) -> ToolOutput:
    return [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


@shelf.tool("test_resource_link", "Answers with a link to a resource of this server.")
async def resource_link(turn: Turn) -> ToolOutput:
    return [types.ResourceLink(uri="test://static-text", name="static-text", mime_type="text/plain")]


@shelf.tool("test_multiple_content_types", "Answers with text, an image and an embedded resource.")
async def multiple_content_types(turn: Turn) -> ToolOutput:
    return [
        types.TextContent(text="Multiple content types test:"),
        image(),
        embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ]


async def _log_in_steps(turn: Turn) -> None:
    await turn.log("Tool execution started")
    await asyncio.sleep(STEP_SECONDS)
    await turn.log("Tool processing data")
    await asyncio.sleep(STEP_SECONDS)
    await turn.log("Tool execution completed")


@shelf.tool("test_tool_with_logging", "Sends three log lines while it runs.")
async def tool_with_logging(turn: Turn) -> ToolOutput:
    await _log_in_steps(turn)
    return "three log lines were sent"


@shelf.tool("test_logging_tool", "Logs, which a modern client sees only if its request opts in.")
async def logging_tool(turn: Turn) -> ToolOutput:
    await _log_in_steps(turn)
    return "logged as far as this request allows"


@shelf.tool("test_tool_with_progress", "Reports 0, 50 and 100 of 100 to the caller's token.")
async def tool_with_progress(turn: Turn) -> ToolOutput:
    for done in (0, 50, 100):
        await turn.progress(done, 100, f"{done} of 100 steps")
        await asyncio.sleep(STEP_SECONDS)
    return "progress was reported"


@shelf.tool("test_error_handling", "Always fails.")
async def error_handling(turn: Turn) -> ToolOutput:
    raise FixtureFailed("This tool intentionally returns an error for testing")


@shelf.tool("test_reconnection", "Closes its stream in the middle; the rest is read after a reconnect.")
async def reconnection(turn: Turn) -> ToolOutput:
    await turn.log("the stream closes now")
    if turn.ctx.close_sse_stream is not None:  # only where an event log makes it resumable
        await turn.ctx.close_sse_stream()
        await asyncio.sleep(4 * STEP_SECONDS)
    await turn.log("written while the client was away")
    return "the stream was closed and the call went on"


@shelf.tool("test_missing_capability", "Refuses a client that does not declare sampling.")
async def missing_capability(turn: Turn) -> ToolOutput:
    turn.require("sampling")
    return "the client declares sampling"


@shelf.tool("test_trigger_tool_change", "Adds or removes test_dynamic_tool and announces it.")
async def trigger_tool_change(turn: Turn) -> ToolOutput:
    await turn.world.flip_tool()
    return f"test_dynamic_tool is {'there' if turn.world.extra_tool else 'gone'}"


@shelf.tool("test_trigger_prompt_change", "Adds or removes test_dynamic_prompt and announces it.")
async def trigger_prompt_change(turn: Turn) -> ToolOutput:
    await turn.world.flip_prompt()
    return f"test_dynamic_prompt is {'there' if turn.world.extra_prompt else 'gone'}"


@shelf.tool("test_trigger_resource_change", "Adds or removes test://dynamic-resource and announces it.")
async def trigger_resource_change(turn: Turn) -> ToolOutput:
    await turn.world.flip_resource()
    return f"test://dynamic-resource is {'there' if turn.world.extra_resource else 'gone'}"


@shelf.tool("test_touch_watched_resource", "Changes test://watched-resource and tells its subscribers.")
async def touch_watched_resource(turn: Turn) -> ToolOutput:
    await turn.world.touch(WATCHED_URI)
    return f"revision {turn.world.watched_revision}"


@shelf.tool(
    "test_x_mcp_header",
    "Takes an argument that modern clients mirror into the Mcp-Param-Region header.",
    {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
)
async def x_mcp_header(turn: Turn) -> ToolOutput:
    return f"region={turn.arguments.get('region', '')}"


@shelf.tool(
    "json_schema_2020_12_tool",
    "Lists an input schema full of JSON Schema 2020-12 keywords.",
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
)
async def json_schema_tool(turn: Turn) -> ToolOutput:
    return f"{len(turn.arguments)} arguments"
