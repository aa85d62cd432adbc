import json
from typing import Any

import pytest

from fedgate.federation.tokens import FRAME, tool_tokens

SCHEMA = {"type": "object", "properties": {"path": {"type": "string", "description": "Where to look"}}}


def cost(**members: Any) -> int:
    return tool_tokens(json.dumps(members, ensure_ascii=False).encode())


def test_a_tool_costs_its_name_description_and_schema() -> None:
    bare = cost(name="read_file")
    assert bare > FRAME
    assert bare < cost(name="read_file", description="Read a file") < cost(
        name="read_file", description="Read a file", inputSchema=SCHEMA
    )  # fmt: skip


def test_what_clients_keep_from_the_model_costs_nothing() -> None:
    more = {"outputSchema": SCHEMA, "annotations": {"readOnlyHint": True}, "_meta": {"a": 1}, "icons": [], "title": "T"}
    assert cost(name="x", inputSchema=SCHEMA, **more) == cost(name="x", inputSchema=SCHEMA)


def test_white_space_between_members_costs_nothing() -> None:
    compact = b'{"name":"x","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}}}'
    spacious = json.dumps(json.loads(compact), indent=8).encode()
    assert tool_tokens(spacious) == tool_tokens(compact)


@pytest.mark.parametrize("count", [100, 1000, 4000])
def test_english_prose_is_four_characters_a_token(count: int) -> None:
    assert cost(name="x", description="word " * (count // 5)) - cost(name="x") == pytest.approx(count / 4, abs=2)


def test_scripts_beyond_ascii_cost_at_least_a_token_a_character() -> None:
    assert cost(name="x", description="搜" * 100) >= 100 + cost(name="x")
    assert cost(name="x", description="搜" * 100) > cost(name="x", description="ab" * 100)


def test_a_known_tool_costs_what_tokenizers_say_of_it_within_a_quarter() -> None:
    """Counted by hand, in the way byte pair encodings cut it: 12 around it, 19 for prose, 33 for the schema."""
    tool = {
        "name": "search_ticket",
        "description": "Search the tickets and return at most `limit` matches, best first.",
        "inputSchema": {
            "type": "object",
            "properties": {"text": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "maximum": 100}},
            "required": ["text"],
        },
    }
    assert cost(**tool) == pytest.approx(64, rel=0.25)


@pytest.mark.parametrize("tool", [b'{"name":"x","inputSchema":' + b"[" * 5000 + b"]" * 5000 + b"}", b"[" * 10_000])
def test_what_cannot_be_read_is_counted_by_its_size(tool: bytes) -> None:
    assert tool_tokens(tool) > 2000
