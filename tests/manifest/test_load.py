import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedgate.federation.openapi_settings import OpenApiServer
from fedgate.federation.settings import HttpServer, StdioServer
from fedgate.manifest.load import load
from fedgate.manifest.model import Manifest
from fedgate.manifest.problems import MAX_PROBLEMS, ManifestError

Load = Callable[..., Manifest]
Problems = Callable[..., list[str]]

EXAMPLE = """\
gateway:
  listen: 127.0.0.1:8080
  public_url: https://gw.example.com
  allowed_hosts: []
  max_body: 16MiB
access:
  keys:
    - {id: alice, key: "${ALICE_KEY}", groups: [engineering], metadata: {team: core}}
    - {id: ci, key_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, groups: [robots]}
  anonymous: false
  admins: [admins]
mcp:
  naming: always
  servers:
    time:    {command: uvx, args: [mcp-server-time], env: {TZ: UTC}, process: shared}
    notes:   {url: http://127.0.0.1:9001/mcp, headers: {Authorization: "Bearer ${NOTES_TOKEN}"}, timeout: 30s}
    old:     {url: http://127.0.0.1:9002/sse, transport: sse}
sessions:  {store: memory, idle: 30m, max: 10000}
telemetry:
  log:     {format: auto}
"""


def test_the_example_loads(loaded: Load) -> None:
    manifest = loaded(EXAMPLE, ALICE_KEY="k-0123456789", NOTES_TOKEN="t")
    assert [key.id for key in manifest.access.keys] == ["alice", "ci"]
    assert manifest.mcp.servers == {
        "time": StdioServer(command="uvx", args=("mcp-server-time",), env={"TZ": "UTC"}),
        "notes": HttpServer(url="http://127.0.0.1:9001/mcp", headers={"Authorization": "Bearer t"}, timeout=30.0),
        "old": HttpServer(url="http://127.0.0.1:9002/sse", transport="sse"),
    }
    assert manifest.sessions.idle == 1800.0
    assert not manifest.anonymous


def test_yaml_and_json_say_the_same(loaded: Load) -> None:
    data = {"gateway": {"max_body": 5}, "mcp": {"servers": {"a": {"command": "x", "timeout": "5s"}}}}
    assert loaded({"m.json": json.dumps(data, indent="\t")}) == loaded({"m.yaml": json.dumps(data)})


def test_an_empty_file_is_an_empty_manifest(loaded: Load) -> None:
    assert loaded("# nothing yet\n") == Manifest()
    assert loaded({"m.json": "{}"}) == Manifest()
    assert loaded("gateway:\nmcp:\n  servers:\n") == Manifest()


def test_a_folder_is_all_its_files_together(tmp_path: Path, loaded: Load) -> None:
    (tmp_path / "b.json").write_text('{"mcpServers": {"b": {"command": "x"}}}')
    (tmp_path / "a.yml").write_text("mcp: {servers: {a: {command: x}}}")
    assert list(load([tmp_path], {}).mcp.servers) == ["a", "b"]


def test_no_file_is_a_problem() -> None:
    with pytest.raises(ManifestError, match="no file was named; name a YAML or JSON file, or a folder"):
        load([], {})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"m.yaml": "- a\n"}, ["m.yaml:1:1: a manifest is a mapping of sections; begin with mcp:"]),
        ({"m.json": '\n "x"'}, ["m.json:2:2: a manifest is a mapping of sections; begin with mcp:"]),
        (
            {"a.yaml": "a: [", "b.json": "{", "c.yaml": "nonsense: 1"},
            [
                "a.yaml:1:5: not valid YAML: expected the node content, but found '<stream end>'",
                "b.json:1:2: not valid JSON: a key in double quotes was expected",
            ],
        ),
    ],
)
def test_files_that_cannot_be_parsed_are_all_named_first(
    problems: Problems, files: dict[str, str], expected: list[str]
) -> None:
    assert problems(files) == expected


def test_everything_wrong_is_said_at_once_in_the_order_of_the_files(problems: Problems) -> None:
    one = "gateway: {listen: 0.0.0.0:80, max_body: 1}\nmcp: {naming: alway, naming: never, servrs: 1}\n"
    two = "access: {admins: ['${NOBODY}']}\nmcp: {servers: {a: {timeout: 3}}}\nsessions: {max: 0, idle: x}\n"
    assert [line.split("; ")[0] for line in problems({"z.yaml": one, "a.yaml": two})] == [
        "z.yaml:1:19: gateway.listen is an address that other machines can reach, but nobody has to say who they are",
        'z.yaml:2:15: mcp.naming must be one of "always", "on_collision", "never"',
        "z.yaml:2:22: mcp.naming is given twice",
        'z.yaml:2:37: unknown key "servrs" in mcp',
        "a.yaml:1:20: access.admins[0]: the environment variable NOBODY is not set",
        'a.yaml:2:17: mcp.servers.a needs "command", "url", "openapi" or "agent"',
        "a.yaml:3:17: sessions.max must be at least 1",
        "a.yaml:3:26: sessions.idle must be a duration",
    ]


def test_a_value_that_was_not_resolved_is_not_judged(problems: Problems) -> None:
    text = (
        "gateway: {listen: '${L}', max_concurrent: '${N}'}\n"
        "access: {keys: [{id: a, key: '${K}'}, {id: b, key: '${K}'}]}"
    )
    assert [line.split("; ")[0] for line in problems(text)] == [
        "m.yaml:1:20: gateway.listen: the environment variable L is not set",
        "m.yaml:1:44: gateway.max_concurrent: the environment variable N is not set",
        "m.yaml:2:31: access.keys[0].key: the environment variable K is not set",
        "m.yaml:2:53: access.keys[1].key: the environment variable K is not set",
    ]


def test_the_rule_over_two_sections_waits_for_neither_but_needs_both(problems: Problems) -> None:
    text = "gateway: {listen: ':80'}\naccess: {keys: [{id: a, key: x}]}"
    assert [line.split("; ")[0] for line in problems(text)] == [
        "m.yaml:2:30: access.keys[0].key is shorter than 8 characters"
    ]


def test_keys_of_one_file_satisfy_the_address_of_another(loaded: Load) -> None:
    files = {"a.yaml": "gateway: {listen: ':80'}", "b.yaml": "access: {keys: [{id: a, key: k-0123456789}]}"}
    assert not loaded(files).anonymous


def test_the_number_of_problems_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("".join(f"x{index}: 1\n" for index in range(MAX_PROBLEMS + 50)))
    with pytest.raises(ManifestError) as caught:
        load([tmp_path / "m.yaml"], {})
    assert (len(caught.value.problems), caught.value.omitted) == (MAX_PROBLEMS, 50)


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("./serve", "{folder}/serve"),
        ("bin/serve", "{folder}/bin/serve"),
        ("../serve", "{folder}/../serve"),
        ("/bin/serve", "/bin/serve"),
        ("serve", "serve"),
        ("~/serve", "/home/me/serve"),
        ("${D}/serve", "{folder}/sub/serve"),
    ],
)
def test_a_command_with_a_slash_is_relative_to_its_file(
    loaded: Load, tmp_path: Path, written: str, resolved: str
) -> None:
    manifest = loaded(f"mcp: {{servers: {{a: {{command: '{written}'}}}}}}", HOME="/home/me", D="sub")
    server = manifest.mcp.servers["a"]
    assert isinstance(server, StdioServer)
    assert server.command == resolved.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("sessions.db", "{folder}/sessions.db"), ("/srv/s.db", "/srv/s.db"), ("~/s.db", "/home/me/s.db")],
)
def test_a_session_file_is_relative_to_the_file_it_stands_in(
    loaded: Load, tmp_path: Path, written: str, expected: str
) -> None:
    (tmp_path / "sub").mkdir()
    files = {"m.yaml": "mcp: {}", "sub/s.yaml": f"sessions: {{store: 'sqlite:{written}'}}"}
    store = loaded(files, HOME="/home/me").sessions.file
    assert store == Path(expected.format(folder=tmp_path / "sub"))


@pytest.mark.parametrize("store", ["'sqlite:'", "'sqlite::memory:'", "'sqlite: '"])
def test_a_session_file_without_a_name_is_a_problem(problems: Problems, store: str) -> None:
    (problem,) = problems(f"sessions: {{store: {store}}}")
    assert problem.startswith("m.yaml:1:19: sessions.store names no file; write ")


def test_a_working_directory_is_relative_to_the_file_it_stands_in(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    files = {
        "m.yaml": "mcp: {servers: {a: {command: x, cwd: data}, b: {command: x}}}",
        "sub/mcp.json": '{"mcpServers": {"c": {"command": "./x", "cwd": "."}, "d": {"command": "x", "cwd": "/srv"}}}',
    }
    found = [
        (server.command, server.cwd) for server in loaded(files).mcp.servers.values() if isinstance(server, StdioServer)
    ]
    sub = tmp_path / "sub"
    assert found == [("x", tmp_path / "data"), ("x", None), (str(sub / "x"), sub), ("x", Path("/srv"))]


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("./crm.yaml", "{folder}/crm.yaml"),
        ("crm.yaml", "{folder}/crm.yaml"),
        ("../crm.yaml", "{folder}/../crm.yaml"),
        ("/srv/crm.yaml", "/srv/crm.yaml"),
        ("~/crm.yaml", "/home/me/crm.yaml"),
        ("https://h/crm.yaml", "https://h/crm.yaml"),
    ],
)
def test_an_openapi_document_is_relative_to_the_file_that_names_it(
    loaded: Load, tmp_path: Path, written: str, resolved: str
) -> None:
    text = f'mcp: {{servers: {{crm: {{openapi: {written}, base_url: https://crm.example.com, include: ["get*"]}}}}}}'
    server = loaded(text, HOME="/home/me").mcp.servers["crm"]
    assert server == OpenApiServer(
        openapi=resolved.format(folder=tmp_path), base_url="https://crm.example.com", include=("get*",)
    )


KEYS = st.sampled_from(
    ["gateway", "access", "mcp", "sessions", "telemetry", "mcpServers", "servers", "keys", "listen", "command", "url",
     "openapi", "type", "timeout", "env", "headers", "id", "key", "key_sha256", "groups", "log", "format", "idle", "a",
     "<stdio>", "[key]", "$schema", "transport", "request_timeout_ms"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.sampled_from(["0.0.0.0:1", "http://h/", "30s", "${A}", "${B:-x}", "stdio", "http", "memory", "k-0123456789"]),
)  # fmt: skip
SHAPES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4)
)
MANIFESTS = st.dictionaries(KEYS, SHAPES, max_size=4) | SHAPES


@given(st.lists(MANIFESTS, min_size=1, max_size=3), st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_document_is_a_manifest_or_a_manifest_error(tmp_path: Path, documents: list[Any], as_json: bool) -> None:
    paths = [tmp_path / f"{index}.{'json' if as_json else 'yaml'}" for index in range(len(documents))]
    for path, document in zip(paths, documents, strict=True):
        path.write_text(json.dumps(document))
    problems = []
    try:
        assert isinstance(load(paths, {"A": "1"}), Manifest)
    except ManifestError as error:
        problems = error.problems
        str(error).encode()
        json.dumps([problem.json() for problem in problems])
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)


@given(st.binary(max_size=60) | st.text(alphabet="mcp: servers{}[]-\n ${}&*'\"", max_size=60).map(str.encode))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_manifest_or_a_manifest_error(tmp_path: Path, content: bytes) -> None:
    for name in ("m.yaml", "m.json"):
        (tmp_path / name).write_bytes(content)
        try:
            load([tmp_path / name], {})
        except ManifestError as error:
            str(error).encode()


def test_loading_needs_neither_the_sdk_nor_the_network_stack_and_json_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{}")
    program = (
        "import sys; from pathlib import Path; from fedgate.manifest.load import load; load([Path(sys.argv[1])], {});"
        "print(sorted({'mcp', 'httpx2', 'uvicorn', 'starlette', 'asyncio', 'ruamel.yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "m.json")],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_paths_of_agents_and_keys_are_relative_to_their_file(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "keys.json").write_text(
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
    )
    file = folder / "m.yaml"
    file.write_text(
        "gateway: {signing_key: gate.pem}\n"
        "agents: {a: {instances: ['http://127.0.0.1:9'], card: {verify: keys.json}}}\n"
    )
    manifest = load([file], {})
    assert manifest.gateway.signing_key == folder / "gate.pem"
    assert manifest.agents["a"].card.verify == folder / "keys.json"
