"""Resources, prompts and completions under the names the suite reads.

Values only: what exists and what it contains. `everything_server` turns them into answers.
"""

import json
import re
from collections.abc import Iterator

from mcp import types

from tests.conformance.fixtures_content import PNG, WATCHED_URI, embedded, image
from tests.conformance.kit import Shelf, Turn
from tests.conformance.world import World

shelf = Shelf()

TEMPLATE = types.ResourceTemplate(
    uri_template="test://template/{id}/data",
    name="template-data",
    description="Data of one id.",
    mime_type="application/json",
)
TEMPLATE_URI = re.compile(r"test://template/([^/]+)/data")
DYNAMIC_URI = "test://dynamic-resource"
COMPLETIONS = {
    "arg1": ["paris", "park", "party", "testing"],
    "arg2": ["hello", "help", "world"],
    "id": ["1", "12", "123"],
}


def resources(world: World) -> Iterator[types.Resource]:
    """Every listed resource, the one that comes and goes included."""
    yield _resource("test://static-text", "Text that never changes.", "text/plain")
    yield _resource("test://static-binary", "A PNG of one pixel.", "image/png")
    yield _resource(WATCHED_URI, "Text that changes when it is touched.", "text/plain")
    if world.extra_resource:
        yield _resource(DYNAMIC_URI, "Comes and goes.", "text/plain")


def _resource(uri: str, description: str, mime_type: str) -> types.Resource:
    name = uri.removeprefix("test://")
    return types.Resource(uri=uri, name=name, description=description, mime_type=mime_type)


def read(uri: str, world: World) -> types.TextResourceContents | types.BlobResourceContents | None:
    """The contents of one resource, or None when there is no such resource."""
    if uri == "test://static-binary":
        return types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
    if match := TEMPLATE_URI.fullmatch(uri):
        data = {"id": match[1], "templateTest": True, "data": f"Data for ID: {match[1]}"}
        return types.TextResourceContents(uri=uri, mime_type="application/json", text=json.dumps(data))
    texts = {
        "test://static-text": "This is the content of the static text resource.",
        WATCHED_URI: f"revision {world.watched_revision}",
    }
    if world.extra_resource:
        texts[DYNAMIC_URI] = "here for now"
    return types.TextResourceContents(uri=uri, mime_type="text/plain", text=texts[uri]) if uri in texts else None


def complete(argument: types.CompletionArgument) -> types.Completion:
    """Known values of the argument that begin with what was typed."""
    values = [value for value in COMPLETIONS.get(argument.name, ()) if value.startswith(argument.value)]
    return types.Completion(values=values, total=len(values), has_more=False)


def _says(content: types.ContentBlock) -> types.PromptMessage:
    return types.PromptMessage(role="user", content=content)


def _says_text(text: str) -> types.PromptMessage:
    return _says(types.TextContent(text=text))


@shelf.prompt("test_simple_prompt", "One user message.")
async def simple_prompt(turn: Turn) -> list[types.PromptMessage]:
    return [_says_text("This is a simple prompt for testing.")]


@shelf.prompt(
    "test_prompt_with_arguments", "Repeats its two arguments.", {"arg1": "First value", "arg2": "Second value"}
)
async def prompt_with_arguments(turn: Turn) -> list[types.PromptMessage]:
    return [_says_text(f"Prompt with arguments: arg1='{turn.arguments['arg1']}', arg2='{turn.arguments['arg2']}'")]


@shelf.prompt("test_prompt_with_embedded_resource", "Embeds the named resource.", {"resourceUri": "URI to embed"})
async def prompt_with_embedded_resource(turn: Turn) -> list[types.PromptMessage]:
    resource = embedded(turn.arguments["resourceUri"], "text/plain", "Embedded resource content for testing.")
    return [_says(resource), _says_text("Please process the embedded resource above.")]


@shelf.prompt("test_prompt_with_image", "Shows an image and asks about it.")
async def prompt_with_image(turn: Turn) -> list[types.PromptMessage]:
    return [_says(image()), _says_text("Please analyze the image above.")]
