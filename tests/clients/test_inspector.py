"""The MCP Inspector's command line against a gateway process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.tools import inspector
from tests.e2e.gateway import manifest_of, shared_process

pytestmark = pytest.mark.clients

SDK = {"command": sys.executable, "args": [str(Path(__file__).with_name("sdk_server.py"))]}
KEYS = {"keys": [{"id": "alice", "key": "key-of-alice-0001"}]}
DENIED = 3


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shared_process(manifest_of({"kit": SDK}, access=KEYS), tmp_path_factory.mktemp("gateway")) as base:
        yield f"{base}/mcp"


def ran(url: str, *arguments: str, key: str = "key-of-alice-0001") -> subprocess.CompletedProcess[str]:
    command = [*inspector(), "--cli", url, "--transport", "http", "--format", "json", *arguments]
    header = ("--header", f"Authorization: Bearer {key}")
    return subprocess.run([*command, *header], capture_output=True, text=True, timeout=60, check=False)


def answer(url: str, *arguments: str) -> Any:
    done = ran(url, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


def test_it_lists_tools(url: str) -> None:
    names = [tool["name"] for tool in answer(url, "--method", "tools/list")["tools"]]
    assert names == ["kit__add", "kit__count", "kit__greet", "kit__think", "kit__fail"]


def test_it_calls_a_tool(url: str) -> None:
    arguments = ("--tool-name", "kit__add", "--tool-arg", "a=20", "--tool-arg", "b=22")
    assert answer(url, "--method", "tools/call", *arguments)["structuredContent"] == {"total": 42}


def test_it_reads_a_resource(url: str) -> None:
    read = answer(url, "--method", "resources/read", "--uri", "kit+note://hello")
    assert read["contents"][0]["text"] == "hello from the note"


def test_it_is_refused_with_a_wrong_key(url: str) -> None:
    done = ran(url, "--method", "tools/list", key="wrong")
    assert done.returncode == DENIED, (done.stdout, done.stderr)
