import json
import re
from typing import Any

import pytest

from fedgate.core.errors import RpcError
from fedgate.core.rawjson import Fields, fields
from fedgate.federation.offers import Offer
from fedgate.federation.search import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_QUERY,
    Query,
    answer,
    definitions,
    mistake,
    names_another,
    read_query,
    unwrapped,
)
from tests.federation.fakes import dump, item, raws


def params(**arguments: Any) -> Fields:
    return raws({"name": "search_tools", "arguments": arguments})


def wrapped(arguments: Any, **more: Any) -> Fields:
    return raws({"name": "call_tool", "arguments": arguments, **more})


def plain(found: Fields) -> dict[str, Any]:
    return {key: json.loads(bytes(value)) for key, value in found.items()}


# What the two say of themselves.


def test_both_are_complete_tools_that_name_the_servers() -> None:
    search, call = map(json.loads, definitions({"notes": "Keeps notes.", "time": ""}))
    assert (search["name"], call["name"]) == ("search_tools", "call_tool")
    assert search["description"].endswith("Servers whose tools can be found:\n- notes: Keeps notes.\n- time")
    assert search["inputSchema"]["required"] == ["query"]
    assert call["inputSchema"]["required"] == ["name"]
    assert search["annotations"]["readOnlyHint"] is True
    assert "annotations" not in call


@pytest.mark.parametrize(("count", "line"), [(0, ""), (5, "x" * 120), (200, "x" * 120), (2000, "x" * 120)])
def test_descriptions_stay_below_what_clients_cut(count: int, line: str) -> None:
    search, call = map(json.loads, definitions({f"server-number-{n}": line for n in range(count)}))
    assert len(search["description"]) < 4096
    assert len(call["description"]) < 4096
    if count == 200:
        assert "- server-number-0\n" in search["description"]
        assert search["description"].splitlines()[-1].startswith("- and ")


def test_no_servers_are_no_lines() -> None:
    assert json.loads(definitions({})[0])["description"].endswith("can be found:\n")


# Reading calls.


def test_only_call_tool_stands_for_another() -> None:
    assert names_another(wrapped({}))
    assert names_another(fields(b'{"name":"call\\u005ftool"}'))
    assert not any(map(names_another, (params(), raws({}), raws({"name": 1}), raws({"name": "call_tools"}))))


def test_the_named_call_takes_the_place_and_all_else_stays() -> None:
    found = unwrapped(wrapped({"name": "notes__add", "arguments": {"text": "x"}}, requestState="s", inputResponses={}))
    assert plain(found) == {
        "name": "notes__add", "arguments": {"text": "x"}, "requestState": "s", "inputResponses": {},
    }  # fmt: skip


def test_arguments_keep_their_bytes() -> None:
    raw = fields(
        b'{"name":"call_tool","arguments":{"name":"x","arguments":{ "n" : 1.50, "big":123456789012345678901 }}}'
    )
    assert bytes(unwrapped(raw)["arguments"]) == b'{ "n" : 1.50, "big":123456789012345678901 }'


@pytest.mark.parametrize("arguments", [{"name": "x"}, {"name": "x", "arguments": None}])
def test_a_call_without_arguments_has_none(arguments: dict[str, Any]) -> None:
    assert plain(unwrapped(wrapped(arguments))) == {"name": "x"}


def test_arguments_that_a_model_wrote_as_text_are_read() -> None:
    assert plain(unwrapped(wrapped({"name": "x", "arguments": '{"a": 1}'})))["arguments"] == {"a": 1}


@pytest.mark.parametrize("arguments", ["a", "[1]", "{", 5, [1], True])
def test_other_arguments_are_left_to_the_server(arguments: Any) -> None:
    assert plain(unwrapped(wrapped({"name": "x", "arguments": arguments})))["arguments"] == arguments


@pytest.mark.parametrize("arguments", [{}, {"name": 5}, {"name": None}, None, [], "x"])
def test_a_call_of_nothing_is_refused_with_what_is_missing(arguments: Any) -> None:
    with pytest.raises(RpcError, match=r"call_tool needs arguments\.name: the exact name") as caught:
        unwrapped(wrapped(arguments))
    assert caught.value.code == -32602


def test_a_call_without_any_arguments_is_refused() -> None:
    with pytest.raises(RpcError, match="needs arguments"):
        unwrapped(raws({"name": "call_tool"}))


# Reading searches.


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({}, Query("", "", DEFAULT_LIMIT)),
        ({"query": "read file"}, Query("read file")),
        ({"query": None, "server": None, "limit": None}, Query()),
        ({"query": "x", "server": "notes", "limit": 3}, Query("x", "notes", 3)),
        ({"query": "x" * 5000}, Query("x" * MAX_QUERY)),
        ({"limit": 0}, Query(limit=1)),
        ({"limit": -7}, Query(limit=1)),
        ({"limit": 10**9}, Query(limit=MAX_LIMIT)),
        ({"limit": "7"}, Query(limit=7)),
        ({"limit": 7.0}, Query(limit=7)),
        ({"limit": 7.5}, Query()),
        ({"limit": "many"}, Query()),
        ({"limit": []}, Query()),
    ],
)
def test_what_models_write_is_read(arguments: dict[str, Any], query: Query) -> None:
    assert read_query(params(**arguments), ["notes", "time"]) == query


def test_no_arguments_are_no_words() -> None:
    assert read_query(raws({"name": "search_tools"}), []) == Query()
    assert read_query(raws({"name": "search_tools", "arguments": [1]}), []) == Query()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"query": 5}, "query and server must be strings"),
        ({"query": "x", "server": ["notes"]}, "query and server must be strings"),
        ({"query": "x", "server": "note"}, 'there is no server "note"; did you mean "notes"?'),
        ({"query": "x", "server": "zzz"}, 'there is no server "zzz"; there are: notes, time'),
    ],
)
def test_what_cannot_be_read_is_said_to_the_model(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        read_query(params(**arguments), ["notes", "time"])


# Answering.


def test_an_answer_has_tools_as_structure_and_the_same_as_text() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    raw = dump({"name": "notes__add", "description": "Adds.", "inputSchema": schema, "_meta": {"x": 1}})
    result = json.loads(answer([("notes__add", Offer("notes", item("tools/list", "add"), raw))], 7))
    tool = {"name": "notes__add", "server": "notes", "description": "Adds.", "inputSchema": schema}
    assert result["structuredContent"] == {"tools": [tool], "total": 7}
    assert result["isError"] is False
    (block,) = result["content"]
    assert (block["type"], json.loads(block["text"])) == ("text", result["structuredContent"])


def test_a_tool_without_description_has_none_in_the_answer() -> None:
    result = json.loads(answer([("x", Offer("s", item("tools/list", "x"), b'{"name":"x"}'))], 1))
    assert result["structuredContent"]["tools"] == [{"name": "x", "server": "s"}]


def test_an_empty_answer_says_what_to_try() -> None:
    result = json.loads(answer([], 0))
    assert result["structuredContent"]["tools"] == []
    assert "try fewer or other words" in result["structuredContent"]["hint"]
    assert result["isError"] is False


def test_a_mistake_is_an_error_that_the_model_sees() -> None:
    assert json.loads(mistake("no")) == {"content": [{"type": "text", "text": "no"}], "isError": True}
