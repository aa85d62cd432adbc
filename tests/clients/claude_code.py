"""Has a real Claude Code connect to an MCP URL and call one tool, without an account.

    python tests/clients/claude_code.py --url http://127.0.0.1:8080/mcp --tool time__current_time
                                        [--arguments '{"timezone": "UTC"}'] [--bearer KEY]
                                        [--claude PATH] [--era auto|legacy]

Runs `claude mcp add`, `claude mcp list` and `claude -p` in a temporary home directory, with the
model replaced by `stub_messages`, and prints what was seen as JSON. Exit code 0 when the tool
was offered and its result came back to the "model", 1 otherwise, 2 without a `claude` command.

Claude Code connects to MCP servers in the background. The stub therefore keeps the turn going
with a harmless built-in tool until the wanted one is offered; ENABLE_TOOL_SEARCH=false keeps
MCP tools in the request instead of behind a search tool.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

if not __package__:  # started as a script: make the `tests` namespace importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.clients.stub_messages import Script, StubMessages

COMMAND_SECONDS = 60.0
PROMPT_SECONDS = 120.0
SERVER = "hub"
PASSED_ON = ("PATH", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Target:
    """What to connect to and what to call there."""

    url: str
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    bearer: str | None = None
    era: str = "auto"  # auto | legacy: what Claude Code negotiates

    @property
    def full_name(self) -> str:
        """The tool as Claude Code offers it: any other character becomes `_`."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", f"mcp__{SERVER}__{self.tool}")


@dataclass
class Seen:
    """What happened, as it is printed."""

    version: str = ""
    connected: bool = False
    mcp_list: str = ""
    offered: list[str] = field(default_factory=list)  # MCP tools in the last request to the model
    waiting_turns: int = 0
    tool_called: str = ""
    tool_result: str | None = None
    answer: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.connected and self.tool_result is not None and self.exit_code == 0


@dataclass(frozen=True)
class Claude:
    """One installed `claude` and the throw-away home it runs in."""

    command: str
    home: Path

    def run(self, *arguments: str, seconds: float, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a subcommand with nothing of the caller's environment but the path and language."""
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        quiet = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
        return subprocess.run(
            [self.command, *arguments],
            cwd=self.home,
            env={**kept, **quiet, "HOME": str(self.home), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


def exercise(claude: Claude, target: Target, record: Path | None = None) -> Seen:
    """Connect, list and call; whatever fails stands in the result."""
    seen = Seen()
    begin = time.monotonic()
    try:
        seen.version = claude.run("--version", seconds=COMMAND_SECONDS).stdout.strip()
        _connect(claude, target, seen)
        if seen.connected:
            _prompt(claude, target, seen, record)
    except subprocess.TimeoutExpired as error:
        seen.errors.append(f"`{' '.join(map(str, error.cmd[1:3]))}` did not end within {error.timeout:g} s")
    seen.seconds = round(time.monotonic() - begin, 1)
    return seen


def _connect(claude: Claude, target: Target, seen: Seen) -> None:
    header = ["--header", f"Authorization: Bearer {target.bearer}"] if target.bearer else []
    add = ["mcp", "add", "--scope", "user", "--transport", "http", SERVER, target.url, *header]
    env = {"MCP_PROTOCOL_NEGOTIATION": target.era}
    added = claude.run(*add, seconds=COMMAND_SECONDS, **env)
    if added.returncode != 0:
        seen.errors.append(f"claude mcp add: {added.stderr.strip() or added.stdout.strip()}")
    listed = claude.run("mcp", "list", seconds=COMMAND_SECONDS, **env)
    lines = [line for line in listed.stdout.splitlines() if line.startswith(f"{SERVER}:")]
    seen.mcp_list = "\n".join(lines) or listed.stdout.strip()
    seen.connected = any("Connected" in line and "Failed" not in line for line in lines)


def _prompt(claude: Claude, target: Target, seen: Seen, record: Path | None) -> None:
    config = claude.home / "mcp.json"
    headers = {"headers": {"Authorization": f"Bearer {target.bearer}"}} if target.bearer else {}
    config.write_text(json.dumps({"mcpServers": {SERVER: {"type": "http", "url": target.url, **headers}}}))
    script = Script(target.full_name, target.arguments, record)
    ask = ["-p", "Call the tool.", "--mcp-config", str(config), "--strict-mcp-config"]
    with StubMessages(script) as stub:
        done = claude.run(
            *ask,
            "--allowedTools",
            f"mcp__{SERVER}",
            "--output-format",
            "json",
            seconds=PROMPT_SECONDS,
            ANTHROPIC_BASE_URL=stub.url,
            ANTHROPIC_API_KEY="dummy",
            ENABLE_TOOL_SEARCH="false",
            MCP_PROTOCOL_NEGOTIATION=target.era,
        )
    seen.exit_code = done.returncode
    seen.waiting_turns = script.waited
    seen.tool_called = script.tool if script.offered else ""
    seen.tool_result = script.result
    seen.offered = _offered(script)
    try:
        seen.answer = str(json.loads(done.stdout).get("result", ""))
    except ValueError:
        seen.errors.append(f"claude -p: {done.stderr.strip() or done.stdout.strip()}")


def _offered(script: Script) -> list[str]:
    bodies = [request["body"] for request in script.requests if request["body"].get("tools")]
    names = (str(tool.get("name")) for tool in bodies[-1]["tools"]) if bodies else ()
    return sorted(name for name in names if name.startswith("mcp__"))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Call one MCP tool from a real Claude Code, without an account.")
    parser.add_argument("--url", required=True, help="the MCP endpoint")
    parser.add_argument("--tool", required=True, help="the tool, as the endpoint lists it")
    parser.add_argument("--arguments", type=json.loads, default={}, help="its arguments, as JSON")
    parser.add_argument("--bearer", help="sent as Authorization: Bearer")
    parser.add_argument("--era", choices=("auto", "legacy"), default="auto", help="what Claude Code negotiates")
    parser.add_argument("--claude", default="claude", help="the claude command")
    parser.add_argument("--record", type=Path, help="append the requests to the model to this file")
    options = parser.parse_args(argv)
    command = shutil.which(options.claude)
    if command is None:
        sys.stderr.write("There is no `claude` command: npm install -g @anthropic-ai/claude-code, or --claude PATH.\n")
        return 2
    target = Target(options.url, options.tool, options.arguments, options.bearer, options.era)
    with tempfile.TemporaryDirectory(prefix="claude-home-", ignore_cleanup_errors=True) as home:
        seen = exercise(Claude(str(Path(command).resolve()), Path(home)), target, options.record)
    sys.stdout.write(json.dumps({"good": seen.good, **asdict(seen)}, indent=2) + "\n")
    return 0 if seen.good else 1


if __name__ == "__main__":
    sys.exit(main())
