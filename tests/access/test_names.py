"""access/names.py: the tree of variables says what may be named below each."""

from fedgate.access.names import VARIABLES, members


def test_the_tree_of_variables_can_be_walked() -> None:
    assert sorted(members(("mcp",)) or ()) == ["method", "prompt", "resource", "server", "task", "tool"]
    assert members(("jwt", "anything", "below")) == {"*": {}}
    assert members(("mcp", "colour")) is None
    assert members(("protocol",)) == {}
    assert sorted(VARIABLES) == sorted(
        ["protocol", "principal", "jwt", "apiKey", "source", "request", "session", "mcp", "a2a", "llm"]
    )
