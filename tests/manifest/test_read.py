from pathlib import Path

import pytest

from fedgate.manifest.problems import Problem
from fedgate.manifest.read import MAX_BYTES, MAX_FILES, read


def read_all(*paths: Path) -> tuple[list[str], list[str]]:
    """Names of the sources read, and the problems, both without the folder."""
    problems: list[Problem] = []
    sources = read(paths, problems)
    folder = f"{paths[0] if paths[0].is_dir() else paths[0].parent}/"
    return (
        [source.name.replace(folder, "") for source in sources],
        [str(problem).replace(folder, "") for problem in problems],
    )


def test_a_source_keeps_the_name_as_given_and_the_folder_for_relative_paths(
    tmp_path: Path,
) -> None:
    (tmp_path / "m.yaml").write_text("a: 1")
    (source,) = read([tmp_path / "m.yaml"], [])
    assert (source.name, source.folder, source.text) == (str(tmp_path / "m.yaml"), tmp_path, "a: 1")
    (relative,) = read([Path("pyproject.toml")], [])
    assert (relative.name, relative.folder) == ("pyproject.toml", Path.cwd())


def test_a_folder_gives_its_manifests_sorted_without_hidden_ones_and_others(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.json", ".hidden.yaml", "README.md", "x.yaml.bak"):
        (tmp_path / name).write_text("")
    (tmp_path / "sub.yaml").mkdir()
    assert read_all(tmp_path) == (["a.yml", "b.yaml", "c.json"], [])


def test_a_folder_without_manifests_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    problems: list[Problem] = []
    assert read([tmp_path / "in"], problems) == []
    assert [(each.what, each.why) for each in problems] == [
        ("no manifest in this folder", "it takes files ending in .yaml, .yml, .json")
    ]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert read_all(tmp_path / "x.yaml") == ([], ["x.yaml: cannot be read: no such file or directory"])


@pytest.mark.parametrize("path", ["a\0b", "a" * 300])
def test_a_path_that_cannot_be_one_is_a_problem(path: str) -> None:
    problems: list[Problem] = []
    assert read([Path(path)], problems) == []
    assert problems[0].what.startswith("cannot be read: ")


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read([tmp_path / "m.yaml"], [])[0].text == "a: 1"


@pytest.mark.parametrize(
    ("content", "place"), [(b"a: 1\nb: \xff", "2:4"), ("a: é\n".encode("utf-16"), "1:1"), (b"\xef\xbb\xbfa\xe9", "1:2")]
)
def test_what_is_no_utf_8_is_placed(tmp_path: Path, content: bytes, place: str) -> None:
    (tmp_path / "m.yaml").write_bytes(content)
    assert read_all(tmp_path / "m.yaml") == ([], [f"m.yaml:{place}: not UTF-8 text; save the file as UTF-8"])


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_bytes(b" " * (MAX_BYTES + 1))
    assert read_all(tmp_path / "m.yaml") == ([], ["m.yaml: larger than 4 MiB; split it into several files"])


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for index in range(MAX_FILES + 1):
        (tmp_path / f"{index:03}.yaml").touch()
    names, problems = read_all(tmp_path)
    assert len(names) == MAX_FILES
    assert problems == ["256.yaml: more than 256 files; name fewer files"]
