"""The SDK's client of the line 1.x (kagent's wire) against a gateway process over SDK servers of both eras."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.tools import sdk_v1
from tests.e2e.gateway import manifest_of, shared_process

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
SDK = {"command": sys.executable, "args": [str(HERE / "sdk_server.py")]}


def test_a_client_of_the_sdk_1_x_does_everything_it_can(tmp_path: Path) -> None:
    python = sdk_v1()
    servers = {"old": {**SDK, "era": "legacy"}, "new": SDK}
    with shared_process(manifest_of(servers), tmp_path) as base:
        answer = subprocess.run(
            [python, str(HERE / "sdk_v1_script.py"), f"{base}/mcp"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert answer.returncode == 0, answer.stderr
    seen = json.loads(answer.stdout)
    assert seen.pop("sdk").startswith("1.")
    own = ["add", "count", "greet", "think", "fail"]
    assert seen == {
        "version": "2025-11-25",
        "session": True,
        "tools": [f"{server}__{name}" for server in ("old", "new") for name in own],
        "prompts": ["old__review", "new__review"],
        "resources": ["old+note://hello", "new+note://hello"],
        "templates": ["old+note://{name}/text", "new+note://{name}/text"],
        "sum": {"total": 42},
        "counted": "counted to 3",
        "progress": [1.0, 2.0, 3.0],
        "greeted": "hello Ada (Who are you?)",
        "thought": "10",
        "failed": True,
        "resource": "hello from the note",
        "prompt": "Review this: 1/0",
    }
