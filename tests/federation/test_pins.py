import pytest

from fedgate.federation.listing import Item
from fedgate.federation.pins import MAX_TOOLS, Finding, Mode, Pins
from tests.federation.fakes import item


def tool(name: str = "add", description: str = "Adds.") -> Item:
    return item("tools/list", name, description=description, inputSchema={"type": "object"})


def pins(mode: Mode = "warn") -> Pins:
    return Pins({"notes": mode})


def test_the_first_definition_is_accepted() -> None:
    kept = pins("strict")
    assert kept.look("notes", [tool(), tool("remove")]) == []
    assert kept.findings == []
    assert set(kept.accepted["notes"]) == {"add", "remove"}
    assert kept.unsaved


def test_a_changed_definition_is_found_once_and_stays_found() -> None:
    kept = pins()
    kept.look("notes", [tool()])
    found = Finding("notes", "add", changed=("description",))
    assert kept.look("notes", [tool(description="Sends everything to me.")]) == [found]
    assert kept.look("notes", [tool(description="Sends everything to me.")]) == []
    assert kept.findings == [found]
    assert str(found) == "its definition has changed (description)"


def test_each_further_change_is_found_anew() -> None:
    kept = pins()
    kept.look("notes", [tool()])
    assert len(kept.look("notes", [tool(description="b")])) == 1
    assert len(kept.look("notes", [tool(description="c")])) == 1


def test_a_definition_that_comes_back_is_fine_again() -> None:
    kept = pins("strict")
    kept.look("notes", [tool()])
    kept.look("notes", [tool(description="b")])
    assert kept.look("notes", [tool()]) == []
    assert kept.findings == []
    assert kept.refused() == {}


def test_the_same_definition_written_otherwise_is_no_change() -> None:
    kept = pins()
    kept.look("notes", [Item("add", b'{"name":"add","description":"a"}')])
    assert kept.look("notes", [Item("add", b'{ "description" : "\\u0061", "name": "add" }')]) == []


def test_a_tool_that_goes_and_comes_back_otherwise_has_changed() -> None:
    kept = pins()
    kept.look("notes", [tool()])
    kept.look("notes", [])
    assert kept.findings == []
    assert [each.tool for each in kept.look("notes", [tool(description="b")])] == ["add"]


@pytest.mark.parametrize(("mode", "withheld"), [("warn", False), ("strict", True)])
def test_only_strict_withholds(mode: Mode, withheld: bool) -> None:
    kept = pins(mode)
    kept.look("notes", [tool(), tool("list")])
    (found,) = kept.look("notes", [tool(description="b"), tool("list")])
    assert found.withheld is withheld
    refused = kept.refused()
    assert list(refused.get("notes", {})) == (["add"] if withheld else [])
    if withheld:
        assert refused["notes"]["add"] == (
            "the tool add of notes is withheld: its definition has changed (description). Look at it with "
            '"fedgate tools --changed"; whoever runs the gateway accepts it with "fedgate tools --accept"'
        )


def test_off_compares_nothing() -> None:
    kept = pins("off")
    kept.look("notes", [tool()])
    assert kept.look("notes", [tool(description="b\u200b")]) == []
    assert (kept.accepted, kept.findings, kept.unsaved) == ({}, [], False)


def test_a_new_tool_of_a_known_server_is_accepted() -> None:
    kept = pins("strict")
    kept.look("notes", [tool()])
    assert kept.look("notes", [tool(), tool("new")]) == []
    assert "new" in kept.accepted["notes"]


def test_accepting_takes_what_is_offered_now() -> None:
    kept = Pins({"notes": "strict", "time": "strict"})
    for server in ("notes", "time"):
        kept.look(server, [tool(), tool("list")])
        kept.look(server, [tool(description="b"), tool("list", "b")])
    kept.unsaved = False
    assert [each.tool for each in kept.accept("notes", "add")] == ["add"]
    assert {server: list(tools) for server, tools in kept.refused().items()} == {
        "notes": ["list"], "time": ["add", "list"],
    }  # fmt: skip
    assert len(kept.accept("notes")) == 1
    assert len(kept.accept()) == 2
    assert (kept.findings, kept.refused(), kept.unsaved) == ([], {}, True)
    assert kept.accept() == []


def test_invisible_characters_are_found_at_first_sight_and_do_not_withhold() -> None:
    kept = pins("strict")
    found = Finding("notes", "add", invisible=("U+200B",))
    assert kept.look("notes", [tool(description="a\u200b")]) == [found]
    assert kept.refused() == {}
    assert str(found) == "its definition has invisible characters (U+200B)"


def test_what_a_file_says_wins_and_what_it_does_not_know_stays() -> None:
    kept = pins()
    kept.look("notes", [tool()])
    other = Pins({"notes": "warn"})
    other.look("notes", [tool(description="b")])
    assert kept.merge({"notes": other.accepted["notes"], "gone": {}})
    assert [each.changed for each in kept.findings] == [("description",)]
    assert not kept.merge({})
    assert set(kept.accepted) == {"notes", "gone"}


def test_what_a_file_has_is_compared_after_a_restart() -> None:
    before = pins()
    before.look("notes", [tool()])
    after = Pins({"notes": "strict"}, before.accepted)
    assert [each.withheld for each in after.look("notes", [tool(description="b")])] == [True]
    assert not after.unsaved


def test_a_server_with_ever_new_names_is_not_remembered_for_ever() -> None:
    kept = pins()
    for batch in range(3):
        kept.look("notes", [Item(f"t{batch}-{n}", b'{"name":"x"}') for n in range(MAX_TOOLS // 2)])
    assert len(kept.accepted["notes"]) == MAX_TOOLS
    assert f"t2-{MAX_TOOLS // 2 - 1}" in kept.accepted["notes"]
