import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fedgate.core.values import MANIFEST
from fedgate.federation.settings import McpSettings
from fedgate.manifest.load import load
from fedgate.manifest.problems import ManifestError

SERVERS = {"time": {"command": "uvx"}, "notes": {"url": "http://127.0.0.1:9001/mcp"}}


def settings(**mcp: Any) -> McpSettings:
    return McpSettings.model_validate({"servers": SERVERS, **mcp}, context=MANIFEST)


def problems(folder: Path, **mcp: Any) -> list[str]:
    """What the loader says of a manifest with this section, without places."""
    path = folder / "m.json"
    path.write_text(json.dumps({"mcp": {"servers": SERVERS, **mcp}}))
    with pytest.raises(ManifestError) as caught:
        load([path], {})
    return [str(each).partition(": ")[2] for each in caught.value.problems]


def test_the_profile_of_the_design_loads() -> None:
    found = settings(
        profiles={
            "coding": {
                "servers": ["time", "notes"],
                "tools": {
                    "include": ["notes__*"],
                    "exclude": ["notes__delete_*"],
                    "override": {"notes__add": {"name": "remember", "description": "..."}},
                },
            }
        }
    )
    coding = found.profiles["coding"]
    assert (coding.servers, coding.tools.include) == (("time", "notes"), ("notes__*",))
    assert coding.tools.override["notes__add"].name == "remember"
    assert (coding.prompts.include, coding.resources.exclude, coding.search) == ((), (), None)


def test_the_defaults() -> None:
    found = settings()
    assert (found.search, found.search_over, found.warn_tokens, found.fingerprints) == ("auto", 64_000, 25_000, None)
    assert {server.pin for server in found.servers.values()} == {"warn"}


@pytest.mark.parametrize(
    ("written", "read"), [(True, "on"), (False, "off"), ("on", "on"), ("off", "off"), ("auto", "auto")]
)
def test_search_may_be_written_as_a_boolean(written: object, read: str) -> None:
    found = settings(search=written, profiles={"p": {"search": written}})
    assert (found.search, found.profiles["p"].search) == (read, read)


def test_pin_may_be_switched_off() -> None:
    found = McpSettings.model_validate(
        {"servers": {"a": {"command": "x", "pin": False}, "b": {"command": "x", "pin": "strict"}}}
    )
    assert [server.pin for server in found.servers.values()] == ["off", "strict"]


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"tools": {"override": {"a": {}}}},
         "mcp.profiles.p.tools.override.a changes nothing; give a name, a title or a description"),
        ({"tools": {"override": {"a": {"name": "a b"}}}},
         "mcp.profiles.p.tools.override.a.name is not a tool name that all clients take; "
         "write 1 to 48 of A-Z, a-z, 0-9, _ and -"),
        ({"tools": {"override": {"a": {"name": "search__tools"}}}},
         "mcp.profiles.p.tools.override.a.name is the name of a tool of the gateway itself; choose another one"),
        ({"tools": {"include": [""]}},
         "mcp.profiles.p.tools.include[0] is not a glob; "
         "write 1 to 300 characters, such as notes__* or notes+file:///docs/*"),
        ({"resources": {"override": {}}},
         'unknown key "override" in mcp.profiles.p.resources; valid keys: include, exclude'),
        ({"tols": {}}, 'unknown key "tols" in mcp.profiles.p; did you mean "tools"?'),
        ({"search": "yes"}, 'mcp.profiles.p.search must be one of "auto", "on", "off"'),
        ({"servers": ["note"]}, 'mcp.profiles.p.servers[0] is no server; did you mean "notes"?'),
        ({"servers": ["time", "zzz"]}, "mcp.profiles.p.servers[1] is no server; there are: time, notes"),
    ],
)  # fmt: skip
def test_a_bad_profile_is_refused_with_what_to_do(tmp_path: Path, profile: dict[str, Any], said: str) -> None:
    assert problems(tmp_path, profiles={"p": profile}) == [said]


def test_two_tools_must_not_get_one_name_as_clients_compare_them(tmp_path: Path) -> None:
    override = {"a": {"name": "x_y"}, "b": {"name": "x__y"}, "c": {"name": "z"}}
    (said,) = problems(tmp_path, profiles={"p": {"tools": {"override": override}}})
    assert said.startswith("mcp.profiles.p.tools.override.b.name is the name of two tools; the first is at ")
    assert said.endswith("give them different ones")


def test_a_profile_must_not_be_called_as_a_server(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, profiles={"notes": {}})
    assert said.startswith("mcp.profiles.notes is the name of a server too; the first is at ")
    assert said.endswith("both would be served at one address; rename one of them")


def test_all_wrong_profiles_are_named_at_once(tmp_path: Path) -> None:
    said = problems(tmp_path, profiles={"notes": {"servers": ["x"]}, "p": {"servers": ["y", "z"]}})
    assert len(said) == 4


def test_without_servers_there_is_none_to_name() -> None:
    with pytest.raises(ValidationError) as caught:
        McpSettings.model_validate({"profiles": {"p": {"servers": ["x"]}}})
    (error,) = caught.value.errors()
    assert [each.why for each in error["ctx"]["refusals"]] == ["there are none"]


def test_a_switched_off_server_may_stay_in_a_profile() -> None:
    found = McpSettings.model_validate(
        {"servers": {"a": {"command": "x", "disabled": True}}, "profiles": {"p": {"servers": ["a"]}}}
    )
    assert found.profiles["p"].servers == ("a",)


def test_a_file_of_fingerprints_is_relative_to_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"mcp": {"fingerprints": "pins.json"}}))
    assert load([path], {}).mcp.fingerprints == tmp_path / "pins.json"


def test_a_file_of_fingerprints_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text("{}")
    assert problems(tmp_path, fingerprints="pins.json") == [
        "mcp.fingerprints is no file of tool fingerprints; "
        "name another file, or delete it to accept what the servers offer then"
    ]
    assert problems(tmp_path, fingerprints="none/pins.json") == [
        "mcp.fingerprints is in a folder that does not exist; make the folder, or name another file"
    ]
