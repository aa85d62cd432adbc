"""Finds or installs the official suite and a Node that runs it, and reads what a run left.

The suite is `@modelcontextprotocol/conformance` and needs Node 22 or newer, which the npm
package `node` brings. Both live in `.tools/` of the repository unless told otherwise.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.conformance.processes import RunnerError

VERSION = "0.2.0-alpha.12"
PACKAGES = ("node@22", f"@modelcontextprotocol/conformance@{VERSION}")
OLDEST_NODE = 22
INSTALL_SECONDS = 600
SUMMARY = re.compile(r"^[✓✗] (?P<name>[\w./-]+): (?P<passed>\d+) passed, (?P<failed>\d+) failed", re.MULTILINE)


@dataclass(frozen=True)
class Suite:
    """An installed suite."""

    node: Path
    package: Path

    @property
    def script(self) -> Path:
        return self.package / "dist" / "index.js"

    def command(self, url: str, revision: str, required: bool, out: Path) -> list[str]:
        """Run all of a revision's scenarios, or exactly those its requirements name."""
        selection = ["--requirements", revision] if required else ["--suite", "all", "--spec-version", revision]
        return [str(self.node), str(self.script), "server", "--url", url, *selection, "-o", str(out)]

    def required(self, revision: str) -> frozenset[str]:
        """The server scenarios that conformance to `revision` requires."""
        text = (self.package / "requirements" / f"{revision}.yaml").read_text()
        return frozenset(YAML(typ="safe").load(text)["server"])


@dataclass(frozen=True)
class Scenario:
    """How one scenario went."""

    name: str
    required: bool
    passed: int
    failed: int
    problems: list[str] = field(default_factory=list)  # failed checks with their messages
    warnings: list[str] = field(default_factory=list)


def find_suite(tools: Path) -> Suite:
    """The suite below `tools`, installed there by npm if it is missing."""
    package = tools / "node_modules" / "@modelcontextprotocol" / "conformance"
    if _version(package) != VERSION or _node(tools) is None:
        _install(tools)
    node = _node(tools)
    if node is None:
        raise RunnerError(f"Node {OLDEST_NODE} or newer was not found, and npm did not bring it to {tools}.")
    return Suite(node, package)


def _version(package: Path) -> str | None:
    manifest = package / "package.json"
    return json.loads(manifest.read_text())["version"] if manifest.exists() else None


def _node(tools: Path) -> Path | None:
    on_path = shutil.which("node")
    for candidate in (tools / "node_modules" / ".bin" / "node", Path(on_path) if on_path else None):
        if candidate is not None and candidate.exists() and _major(candidate) >= OLDEST_NODE:
            return candidate
    return None


def _major(node: Path) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    match = re.match(r"v(\d+)\.", answer.stdout)
    return int(match[1]) if match else 0


def _install(tools: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RunnerError(
            f"The conformance suite is not in {tools} and npm is not on PATH. Install npm, or install "
            f"{' and '.join(PACKAGES)} elsewhere and name that directory with --tools."
        )
    tools.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(tools), "--no-audit", "--no-fund", "--no-save", *PACKAGES]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if answer.returncode != 0:
        raise RunnerError(f"npm could not install {' and '.join(PACKAGES)}:\n{answer.stderr.strip()}")


def read_results(summary: str, out: Path, required: frozenset[str], prefix: str = "server-") -> list[Scenario]:
    """What the suite printed, scenario by scenario, with the messages from its result files.

    `prefix`: what the names of their folders begin with.
    """
    checks = {name: list(found) for name, found in _checks(out, prefix)}
    scenarios = []
    for match in SUMMARY.finditer(summary):
        name = match["name"]
        mine = checks.get(name, [])
        problems = [told(check) for check in mine if check["status"] == "FAILURE"]
        warnings = [told(check) for check in mine if check["status"] == "WARNING"]
        counts = int(match["passed"]), int(match["failed"])
        scenarios.append(Scenario(name, name in required, *counts, problems, warnings))
    return scenarios


def _checks(out: Path, prefix: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for path in sorted(out.glob(f"{prefix}*/checks.json")):
        name = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", path.parent.name.removeprefix(prefix))
        yield name, json.loads(path.read_text())


def told(check: dict[str, Any]) -> str:
    """One check in words."""
    return f"{check['id']}: {check.get('errorMessage') or check.get('description', '')}"
