"""Which manifest is meant, and what is said where there is none."""

from argparse import Namespace
from pathlib import Path

import pytest

from fedgate.cli.source import EXAMPLE, no_manifest, paths, read
from fedgate.cli.stop import Stop


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["fedgate.yaml", "fedgate.yml", "fedgate.json"])
def test_the_manifest_of_the_folder_is_taken(name: str) -> None:
    Path(name).write_text("{}")
    assert paths([]) == [Path(name)]


def test_what_is_named_is_taken_instead() -> None:
    Path("fedgate.yaml").write_text("{}")
    assert paths(["other.yaml", "conf.d"]) == [Path("other.yaml"), Path("conf.d")]


def test_a_folder_without_a_manifest_is_told_what_to_write() -> None:
    with pytest.raises(Stop) as stopped:
        paths([])
    assert str(stopped.value) == EXAMPLE
    assert (stopped.value.code, stopped.value.hint) == (2, "fedgate demo")


def test_the_example_that_is_shown_is_a_manifest_that_loads() -> None:
    Path("fedgate.yaml").write_text(EXAMPLE.partition("\n\n")[2])
    assert set(read([]).mcp.servers) == {"time", "notes"}


def test_two_manifests_in_one_folder_are_not_chosen_from() -> None:
    Path("fedgate.yaml").write_text("{}")
    Path("fedgate.json").write_text("{}")
    with pytest.raises(Stop) as stopped:
        paths([])
    assert str(stopped.value) == "this folder has fedgate.yaml and fedgate.json: name the one that you mean"
    assert stopped.value.code == 2


def test_problems_are_shown_one_a_line_with_the_command_to_check() -> None:
    Path("my gate.yaml").write_text("mpc: {}\ngateway: {listen: 8080}\n")
    with pytest.raises(Stop) as stopped:
        read(["my gate.yaml"])
    lines = str(stopped.value).splitlines()
    assert lines[0] == "the manifest has 2 problems"
    assert [line.split(": ")[0] for line in lines[1:]] == ["my gate.yaml:1:1", "my gate.yaml:2:19"]
    assert (stopped.value.code, stopped.value.hint) == (1, "fedgate check 'my gate.yaml'")


def test_with_a_url_no_manifest_is_meant() -> None:
    no_manifest(Namespace(manifests=[]))
    with pytest.raises(Stop) as stopped:
        no_manifest(Namespace(manifests=["my tools.yaml"]))
    assert str(stopped.value) == "give either --url or a manifest ('my tools.yaml'), not both"
