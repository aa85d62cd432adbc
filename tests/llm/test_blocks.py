import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.blocks import (
    Losses,
    called_tools,
    data_url,
    is_object,
    made_id,
    media_of_url,
    media_type,
    merge_turns,
    renamed_tools,
    restore,
    restore_event,
    short_id,
    text_of_data,
    tool_name,
)
from fedgate.llm.neutral import BlockEnded, BlockStarted, Media, Message, Request, Response, Text, Tool, ToolCall

NAMES = st.text(min_size=1, max_size=100)


def test_losses_are_named_once_and_in_order() -> None:
    losses = Losses(("b", "a\r\nx: y", "b"))
    losses.add("c")
    losses.note("a", lost=True)
    losses.note("d", lost="")
    losses.add("c")
    assert losses.names() == ("b", "a__x__y", "c", "a")


def test_losses_are_bounded() -> None:
    assert len(Losses("x" * 200 + str(number) for number in range(1000)).names()) == 1
    assert len(Losses(str(number) for number in range(1000)).names()) == 64


@pytest.mark.parametrize(
    ("url", "media"),
    [
        ("https://example.com/a.png", Media("image", url="https://example.com/a.png")),
        ("data:image/png;base64,iVBORw0K", Media("image", "image/png", "iVBORw0K")),
        ("data:image/JPG;name=x;base64,/9j/", Media("image", "image/jpeg", "/9j/")),
        ("data:;base64,R0lGOD", Media("image", "image/gif", "R0lGOD")),
        ("data:image/svg+xml,<svg/>", Media("image", url="data:image/svg+xml,<svg/>")),
    ],
)
def test_addresses_and_data_are_told_apart(url: str, media: Media) -> None:
    assert media_of_url("image", url) == media


def test_data_is_written_with_its_type() -> None:
    assert data_url(Media("image", "image/png", "iVBO")) == "data:image/png;base64,iVBO"
    assert data_url(Media("file", "", "JVBERi0=")) == "data:application/pdf;base64,JVBERi0="
    assert data_url(Media("file", "", "AAAA")) == "data:application/octet-stream;base64,AAAA"


def test_types_are_told_by_the_first_bytes_where_nobody_says_them() -> None:
    assert media_type("application/octet-stream", "/9j/4AAQ") == "image/jpeg"
    assert media_type("image/webp", "/9j/4AAQ") == "image/webp"
    assert media_type("", "AAAA") == ""


def test_text_is_read_out_of_base64_if_it_is_text() -> None:
    assert text_of_data("aGFsbG8=") == "hallo"
    assert text_of_data("/w==") is None
    assert text_of_data("a b") is None


@given(NAMES, st.one_of(st.just(""), NAMES))
def test_names_of_tools_become_what_every_provider_takes(name: str, namespace: str) -> None:
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", tool_name(Tool(name, namespace=namespace)))


def test_different_tools_stay_different() -> None:
    names = ["a.b", "a:b", "a_b", "x" * 65, "x" * 66]
    assert len({tool_name(Tool(name)) for name in names}) == len(names)


def test_changed_names_are_taken_back_in_answers() -> None:
    tools = (Tool("run", namespace="shell"), Tool("plain"), Tool("a.b"))
    renamed = renamed_tools(tools)
    assert renamed == {"shell__run": tools[0], tool_name(tools[2]): tools[2]}
    sent = ToolCall("c", "shell__run", "{}")
    meant = ToolCall("c", "run", "{}", namespace="shell")
    other = Response("", "", (sent,))
    assert restore(Response("i", "m", (Text("a"), sent), others=(other,)), renamed) == Response(
        "i", "m", (Text("a"), meant), others=(Response("", "", (meant,)),)
    )
    assert restore_event(BlockStarted(0, sent), renamed) == BlockStarted(0, meant)
    assert restore_event(BlockStarted(0, ToolCall("c", "plain")), renamed) == BlockStarted(0, ToolCall("c", "plain"))
    assert restore_event(BlockEnded(0), renamed) == BlockEnded(0)
    response = Response("i", "m", (sent,))
    assert restore(response, {}) is response


def test_made_ids_are_the_same_for_the_same_place() -> None:
    assert made_id("a", 1) == made_id("a", 1) != made_id("a", 2)
    assert short_id("x" * 40, 40) == "x" * 40
    assert len(short_id("x" * 41, 40)) == 29


@pytest.mark.parametrize(
    ("text", "found"), [("{}", True), ('{"a":[1]}', True), ("[]", False), ("{", False), ("", False)]
)
def test_objects_are_told(text: str, found: bool) -> None:
    assert is_object(text) is found


def test_neighbours_of_one_role_and_name_are_one_turn() -> None:
    a, b, c = Text("a"), Text("b"), Text("c")
    turns = [Message("user", (a,)), Message("user", (b,)), Message("user", (c,), "Ann"), Message("assistant", (a,))]
    assert merge_turns(turns) == [Message("user", (a, b)), Message("user", (c,), "Ann"), Message("assistant", (a,))]


def test_tools_that_were_called_are_found_once() -> None:
    call = ToolCall("1", "f")
    turn = Message("assistant", (call, call, ToolCall("2", "run", namespace="shell")))
    assert called_tools(Request("m", (turn,))) == [Tool("f"), Tool("run", namespace="shell")]
