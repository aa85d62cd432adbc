import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from fedgate.manifest.model import Manifest
from fedgate.manifest.problems import ManifestError
from fedgate.manifest.schema import schema

Load = Callable[..., Manifest]

SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)

EXAMPLE = """\
$schema: ./manifest.schema.json
gateway:
  listen: 127.0.0.1:8080
  public_url: https://gw.example.com
  allowed_hosts: [gw.example.com, "other:8443"]
  max_body: 16MiB
  max_concurrent: ${MANY:-100}
access:
  keys:
    - {id: alice, key: "${ALICE_KEY}", groups: [engineering], metadata: {team: core}}
    - {id: ci, key_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, groups: [robots]}
  anonymous: false
  admins: [admins]
mcp:
  naming: ${NAMING:-always}
  servers:
    time:    {command: uvx, args: [mcp-server-time], env: {TZ: UTC}, process: shared, cwd: ., era: legacy}
    notes:   {url: http://127.0.0.1:9001/mcp, headers: {Authorization: "Bearer ${NOTES_TOKEN}"}, timeout: 30s}
    old:     {url: "${OLD:-http://127.0.0.1:9002/sse}", transport: sse, disabled: true, description: Old.}
    crm:     {openapi: ./crm.yaml, base_url: https://crm.example.com, include: ["get*"], headers: {A: b}}
mcpServers:
  files: {type: stdio, command: npx, args: [-y, files], autoApprove: [read], timeout: 60000}
  web: {type: http, url: "https://example.com/mcp", headers: {A: b}, oauth: {}}
sessions:  {store: memory, idle: 30m, max: 10000}
telemetry:
  log:     {format: auto}
"""


def test_it_is_a_valid_schema_that_refers_only_to_itself() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == "urn:fedgate:manifest"
    assert SCHEMA["title"] == "fedgate manifest"
    assert {ref.removeprefix("#/$defs/") for ref in _values(SCHEMA, "$ref")} <= SCHEMA["$defs"].keys()
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_a_copy_is_fresh() -> None:
    schema()["properties"].clear()
    assert schema() == SCHEMA


def test_the_example_is_valid_to_schema_and_loader(loaded: Load) -> None:
    document = YAML(typ="safe", pure=True).load(EXAMPLE)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    manifest = loaded(EXAMPLE, ALICE_KEY="k-0123456789", NOTES_TOKEN="t")
    assert list(manifest.mcp.servers) == ["time", "notes", "old", "crm", "files", "web"]


@pytest.mark.parametrize(
    "document",
    [
        {"wizards": {}}, {"mcp": {"servrs": {}}}, {"mcp": []}, {"mcp": {"naming": "alway"}},
        {"mcp": {"servers": {"Big": {"command": "x"}}}}, {"mcp": {"servers": {"a": {}}}},
        {"mcp": {"servers": {"a": {"command": "x", "url": "http://h/"}}}},
        {"mcp": {"servers": {"a": {"command": "x", "args": [1]}}}},
        {"mcp": {"servers": {"a": {"openapi": "x", "url": "http://h/"}}}},
        {"mcp": {"servers": {"a": {"openapi": "x", "era": "modern"}}}}, {"mcp": {"servers": {"a": {"openapi": ""}}}},
        {"mcp": {"servers": {"a": {"command": "x", "timeout": 30}}}},
        {"mcp": {"servers": {"a": {"command": "x", "autoApprove": []}}}},
        {"mcpServers": {"My_Server": {"command": "x"}}}, {"mcpServers": {"a": {"command": "x", "bogus": 1}}},
        {"mcpServers": {"a": {"url": "h"}}}, {"gateway": {"listen": 8080}}, {"gateway": {"max_body": "16MB"}},
        {"gateway": {"max_concurrent": 0}}, {"access": {"keys": [{"id": "a"}]}},
        {"access": {"keys": [{"id": "a", "key": "k-0123456789", "key_sha256": "0" * 64}]}},
        {"access": {"keys": [{"key": "k-0123456789"}]}}, {"sessions": {"store": "redis"}},
        {"sessions": {"idle": 30}}, {"telemetry": {"log": {"format": "xml"}}}, [],
    ],
)  # fmt: skip
def test_what_the_schema_refuses_the_loader_refuses_too(loaded: Load, document: object) -> None:
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(ManifestError):
        loaded({"m.json": json.dumps(document)})


def test_no_object_is_open_and_every_key_is_described() -> None:
    for node in _nodes(SCHEMA):
        if "properties" in node:
            assert node["additionalProperties"] is False
            for name, each in node["properties"].items():
                assert each.get("description"), name
        if "patternProperties" in node:
            assert node["additionalProperties"] is False


def test_each_default_is_valid_where_it_stands() -> None:
    defaults = 0
    for node in _nodes(SCHEMA):
        for each in node.get("properties", {}).values():
            if "default" in each:
                defaults += 1
                assert Draft202012Validator({**each, "$defs": SCHEMA["$defs"]}).is_valid(each["default"]), each
    assert defaults > 20


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(child)


def _values(node: Any, key: str) -> list[Any]:
    return [each[key] for each in _nodes(node) if key in each]
