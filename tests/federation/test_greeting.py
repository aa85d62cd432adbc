import pytest

from fedgate.federation import greeting
from fedgate.federation.views import View
from tests.federation.fakes import listing


@pytest.mark.parametrize(
    ("info", "instructions", "line"),
    [
        ({"name": "x"}, "", ""),
        ({"title": "The clock"}, "", "The clock"),
        ({"title": "The clock"}, "Tells time. Use it often.", "Tells time."),
        ({"description": "All about time"}, "Tells time.", "All about time"),
        ({"description": 5, "title": "T"}, "", "T"),
        ({"description": " \n\n  Two\tlines\nof text"}, "", "Two lines"),
        ({"description": "a\u202eb\u200bc"}, "", "a b c"),
        ({"description": "x" * 200}, "", "x" * 119 + "…"),
        ({"description": "e.g. 3.5 of them"}, "", "e.g."),
    ],
)
def test_a_server_is_told_in_one_line(info: dict[str, object], instructions: str, line: str) -> None:
    assert greeting.line(listing(info=info, instructions=instructions)) == line


def test_a_server_that_is_not_known_says_nothing() -> None:
    assert greeting.line(None) == ""


def test_searching_needs_tools_even_if_no_server_has_any() -> None:
    known = {"a": listing(capabilities={"prompts": {}})}
    assert greeting.capabilities(known, complete=True) == {"prompts": {"listChanged": True}}
    assert greeting.capabilities(known, complete=True, searching=True)["tools"] == {"listChanged": True}


def test_only_a_pass_through_view_has_the_servers_own_name() -> None:
    known = {"a": listing(info={"name": "own"})}
    assert greeting.info(known, View(single="a", info={"name": "fedgate"})) == {"name": "own"}
    assert greeting.info(known, View(info={"name": "fedgate"})) == {"name": "fedgate"}
    assert greeting.info({}, View(single="a", info={"name": "fedgate"})) == {"name": "fedgate"}
