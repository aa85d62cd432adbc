import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.federation.settings import HttpServer, StdioServer
from fedgate.manifest.interpolate import MAX_FILE, Interpolation
from fedgate.manifest.model import Manifest
from fedgate.manifest.parse_json import parse_json
from fedgate.manifest.problems import Problem
from fedgate.manifest.tree import Node, Source

Load = Callable[..., Manifest]
Problems = Callable[..., list[str]]

FORMS = 'write ${NAME}, ${NAME:-default} or ${file:/path}; "$$" is a plain "$"'
ENV = {"A": "1", "EMPTY": "", "TRICK": "${A} $$ }: [", "env": "e", "BYTES": "\udcff"}


def resolve(text: str, folder: Path = Path("/nowhere")) -> tuple[str, list[str]]:
    source = Source("m", folder, text)
    found: list[Problem] = []
    value = Interpolation(ENV, found).data(Node(source, 0, len(text), text), "x")
    return value, [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "1"), ("-${A}-${A}-", "-1-1-"), ("${A:-2}", "1"), ("${B:-2}", "2"), ("${B:-}", ""),
        ("${EMPTY}", ""), ("${EMPTY:-2}", "2"), ("${B:-a:-b c/}", "a:-b c/"), ("${env:A}", "1"), ("${env}", "e"),
        ("${env:B:-2}", "2"), ("$$", "$"), ("$${A}", "${A}"), ("$$$${A}", "$${A}"), ("$$${A}", "$1"),
        ("$A $ $1 $(x) cost: 5$", "$A $ $1 $(x) cost: 5$"), ("a}b{", "a}b{"), ("", ""),
        ("${TRICK}", "${A} $$ }: ["), ("${B:-two\nlines}", "two\nlines"),
    ],
)  # fmt: skip
def test_references_are_replaced_once_inside_the_string(text: str, value: str) -> None:
    assert resolve(text) == (value, [])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${B}", "1: x: the environment variable B is not set; export B=... or write ${B:-default}"),
        ("a ${env:B}", "3: x: the environment variable B is not set; export B=... or write ${B:-default}"),
        ("${BYTES}", "1: x: the environment variable BYTES is not UTF-8 text; set it to text"),
        ("${", f'1: x: "${{" without "}}"; {FORMS}'),
        ("ab${A", f'3: x: "${{" without "}}"; {FORMS}'),
        ("${}", f"1: x: this ${{...}} is not understood; {FORMS}"),
        ("${A-b}", f"1: x: this ${{...}} is not understood; {FORMS}"),
        ("${1A}", f"1: x: this ${{...}} is not understood; {FORMS}"),
        ("${input:key}", f"1: x: this ${{...}} is not understood; {FORMS}"),
        ("${B:-${A}}", f"1: x: this ${{...}} is not understood; {FORMS}"),
        ("${ A }", f"1: x: this ${{...}} is not understood; {FORMS}"),
    ],
)
def test_what_cannot_be_resolved_is_placed_and_left_as_written(text: str, what: str) -> None:
    assert resolve(text) == (text, [f"m:1:{what}"])


def test_each_failing_reference_of_a_string_is_placed() -> None:
    problems = resolve("${B} ${A} ${B}\n${C}")[1]
    assert [problem.split(": ")[0] for problem in problems] == ["m:1:1", "m:1:11", "m:2:1"]


@given(st.text(alphabet="${}:-AB file", max_size=30))
def test_any_text_is_resolved_or_explained(text: str) -> None:
    value, problems = resolve(text)
    assert value == text if problems else isinstance(value, str)


@given(st.text())
def test_doubled_dollars_give_the_text_back(text: str) -> None:
    assert resolve(text.replace("$", "$$")) == (text, [])


def test_a_file_is_read_relative_to_the_manifest_without_its_last_newlines(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a\nb\r\n\n")
    assert resolve("<${file:secret}>", tmp_path) == ("<a\nb>", [])
    assert resolve(f"${{file:{tmp_path}/secret}}") == ("a\nb", [])


def test_a_file_that_cannot_serve_is_explained_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "large").write_text("hunter2" * MAX_FILE)
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    os.mkfifo(tmp_path / "pipe")
    for name, what in {
        "missing": "is not a file; give the path of a text file",
        "": "is not a file; give the path of a text file",
        "pipe": "is not a file; give the path of a text file",
        "large": "is larger than 64 KiB; give the path of a secret or a short text",
        "binary": "is not UTF-8 text; give the path of a text file",
    }.items():
        assert resolve(f"${{file:{name}}}", tmp_path)[1] == [f"m:1:1: x: ${{file:{name}}} {what}"]


@pytest.mark.parametrize("path", ["a\0b", "/" + "a" * 300])
def test_what_cannot_be_a_path_is_explained(path: str) -> None:
    assert len(resolve(f"${{file:{path}}}")[1]) == 1


def test_a_reference_is_found_in_quotes_escapes_and_blocks(problems: Problems) -> None:
    text = 'mcp:\n  servers:\n    a:\n      command: "\\t${B}"\n      args:\n        - |\n          x\n          ${C}\n'
    assert [line.split(": ")[0] for line in problems(text)] == ["m.yaml:4:19", "m.yaml:8:11"]
    assert problems({"m.json": '{"mcpServers": {"a": {"command": "\\u0024{B}"}}}'})[0].startswith("m.json:1:34: ")


def test_an_aliased_string_is_reported_once(problems: Problems) -> None:
    assert len(problems("mcp: {servers: {a: &a {command: '${B}'}, b: *a}}")) == 1


def test_data_are_plain_values() -> None:
    root = parse_json(Source("m", Path("/"), '{"a": [1, "${A}", null, {"b": "$$"}], "c": true}'))
    assert Interpolation(ENV, []).data(root) == {"a": [1, "1", None, {"b": "$"}], "c": True}


def test_a_value_cannot_become_syntax(loaded: Load) -> None:
    manifest = loaded("mcp: {servers: {a: {command: x, args: ['${V}']}}}", V='", y: [z]\n# ')
    assert manifest.mcp.servers["a"] == StdioServer(command="x", args=('", y: [z]\n# ',))


def test_a_reference_may_stand_for_a_number_or_a_truth(loaded: Load) -> None:
    manifest = loaded(
        "gateway: {max_concurrent: '${N}', max_body: '${S}', listen: '${L:-[::1]:0}'}\naccess: {anonymous: '${T}'}",
        N="7", S="1MiB", T="true",
    )  # fmt: skip
    assert (manifest.gateway.max_concurrent, manifest.gateway.max_body) == (7, 1 << 20)
    assert (str(manifest.gateway.listen), manifest.access.anonymous) == ("[::1]:0", True)


def test_keys_are_not_resolved(problems: Problems) -> None:
    assert problems("mcp: {servers: {'${A}': {command: x}}}", A="a")[0].startswith(
        'm.yaml:1:17: mcp.servers["${A}"] is not a valid name'
    )


SECRET = "hunter2-hunter2 \n"


@pytest.mark.parametrize(
    "text",
    [
        "access: {keys: [{id: a, key: '${S}'}]}",
        "access: {keys: [{id: '${S}', key_sha256: '${S}', groups: ['${S}', 1]}], anonymous: '${S}', admins: '${S}'}",
        "gateway: {listen: '${S}', public_url: '${S}', allowed_hosts: ['${S}'], max_body: '${S}', "
        "max_concurrent: '${S}'}",
        "mcp: {naming: '${S}', servers: {a: {url: '${S}', headers: {A: '${S}'}, timeout: '${S}', type: '${S}', "
        "transport: '${S}', x: '${S}'}}}",
        "mcp: {servers: {a: {command: x, url: '${S}', era: '${S}'}, b: '${S}', c: {command: x, args: '${S}', "
        "env: '${S}', process: '${S}', disabled: '${S}'}}}",
        "mcpServers: {a: {url: 'http://u:${S}@h/', type: '${S}'}, b: {timeout: '${S}', command: x}}",
        "sessions: {store: '${S}', idle: '${S}', max: '${S}'}\ntelemetry: {log: {format: '${S}'}}\nmcp: '${S}'",
        "wizards: {a: '${S}'}",
    ],
)
def test_a_resolved_value_is_never_in_a_problem(problems: Problems, text: str) -> None:
    assert "hunter2" not in "\n".join(problems(text, S=SECRET))


def test_a_suggestion_is_made_from_the_file_not_from_a_resolved_value(problems: Problems) -> None:
    choices = '"always", "on_collision", "never"'
    assert problems("mcp: {naming: alway}") == [
        f'm.yaml:1:15: mcp.naming must be one of {choices}; did you mean "always"?'
    ]
    assert problems("mcp: {naming: '${N}'}", N="alway") == [f"m.yaml:1:15: mcp.naming must be one of {choices}"]


def test_resolved_headers_and_keys_reach_the_settings(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0k3n\n")
    manifest = loaded(
        "access: {keys: [{id: a, key: '${K}'}]}\n"
        "mcp: {servers: {a: {url: 'http://h/', headers: {Authorization: 'Bearer ${file:token}'}}}}",
        K="k-0123456789",
    )
    server = manifest.mcp.servers["a"]
    assert isinstance(server, HttpServer)
    assert server.headers == {"Authorization": "Bearer t0k3n"}
    assert "t0k3n" not in repr(manifest)
    assert "k-0123456789" not in repr(manifest)
