from pathlib import Path
from typing import Any

from fedgate.core.values import Section
from fedgate.manifest.merge import merge
from fedgate.manifest.model import Manifest
from fedgate.manifest.parse_yaml import parse_yaml
from fedgate.manifest.problems import Problem
from fedgate.manifest.tree import Node, Source


def plain(node: Node | None) -> Any:
    if node is None or not isinstance(node.value, dict | list):
        return node and node.value
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return {key: plain(entry.value) for key, entry in node.value.items()}


class Room(Section):
    size: int = 0


class House(Section):
    rooms: dict[str, Room]


def merged(*texts: str, model: type[Section] = Manifest) -> tuple[Any, list[str]]:
    problems: list[Problem] = []
    documents = [
        node for index, text in enumerate(texts) for node in parse_yaml(Source(f"{index}.yaml", Path("/"), text))
    ]
    return plain(merge(model, documents, problems)), [str(problem) for problem in problems]


def test_nothing_makes_nothing() -> None:
    assert merged() == (None, [])


def test_sections_and_tables_join() -> None:
    assert merged(
        "mcp: {naming: never, servers: {a: {command: x}}}\ntelemetry: {log: {}}",
        "mcp: {servers: {b: {url: y}}}\ntelemetry: {log: {format: json}}",
        "sessions: {max: 1}",
    ) == (
        {
            "mcp": {"naming": "never", "servers": {"a": {"command": "x"}, "b": {"url": "y"}}},
            "telemetry": {"log": {"format": "json"}},
            "sessions": {"max": 1},
        },
        [],
    )


def test_lists_follow_one_another() -> None:
    assert merged("access: {keys: [{id: a}], admins: [x]}", "access: {keys: [{id: b}], admins: [y]}") == (
        {"access": {"keys": [{"id": "a"}, {"id": "b"}], "admins": ["x", "y"]}},
        [],
    )


def test_documents_of_one_file_join_too() -> None:
    assert merged("mcp: {naming: never}\n---\nsessions: {max: 1}") == (
        {"mcp": {"naming": "never"}, "sessions": {"max": 1}},
        [],
    )


def test_an_empty_section_gives_way() -> None:
    assert merged("mcp:\naccess: {admins: [a]}", "mcp: {naming: never}\naccess:") == (
        {"mcp": {"naming": "never"}, "access": {"admins": ["a"]}},
        [],
    )


def test_a_name_given_twice_names_both_places_and_the_first_stays() -> None:
    assert merged("mcp:\n  servers:\n    time: {command: x}\n", "mcp: {servers: {time: {args: [y]}}}") == (
        {"mcp": {"servers": {"time": {"command": "x"}}}},
        ["1.yaml:1:17: mcp.servers.time is given twice; it stands first at 0.yaml:3:5: keep one of them"],
    )


def test_a_name_in_a_table_stands_for_one_thing_even_where_its_parts_could_join() -> None:
    assert merged("rooms: {a: {size: 1}, b: {}}", "rooms: {a: {}, c: {}}", model=House) == (
        {"rooms": {"a": {"size": 1}, "b": {}, "c": {}}},
        ["1.yaml:1:9: rooms.a is given twice; it stands first at 0.yaml:1:9: keep one of them"],
    )


def test_a_value_given_twice_names_both_places_even_when_equal() -> None:
    assert merged("sessions: {max: 1}", "sessions: {max: 1}")[1] == [
        "1.yaml:1:12: sessions.max is given twice; it stands first at 0.yaml:1:12: keep one of them"
    ]


def test_a_section_against_something_else_is_given_twice() -> None:
    assert merged("mcp: {naming: never}", "mcp: [1]")[1] == [
        "1.yaml:1:6: mcp is given twice; it stands first at 0.yaml:1:6: keep one of them"
    ]


def test_an_unknown_key_in_two_files_is_given_twice() -> None:
    assert merged("wizards: {a: 1}", "wizards: {b: 1}")[1] == [
        "1.yaml:1:1: wizards is given twice; it stands first at 0.yaml:1:1: keep one of them"
    ]


def test_a_key_repeated_in_one_file_names_both_places_at_any_depth() -> None:
    text = "access:\n  keys:\n    - {id: a, id: b}\nmcp: &m {naming: never, naming: always}\nx: *m\n"
    assert merged(text)[1] == [
        "0.yaml:3:15: access.keys[0].id is given twice; it stands first at 0.yaml:3:8: keep one of them",
        "0.yaml:4:25: mcp.naming is given twice; it stands first at 0.yaml:4:10: keep one of them",
    ]
