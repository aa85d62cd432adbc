"""What is measured, and how it is started and stopped.

`direct` is the fake upstream itself, `nginx` the floor of a hop, `starlette+aiohttp` the floor
of an ordinary Python gateway, `fedgate` the gateway of this repository. The first three stand
before one server with 200 tools, fedgate before ten servers with 20 tools each; or before one
agent where fedgate has three replicas of one, or before the same provider of models. In the rows
of policies several targets are fedgate, each with more switched on (`policies.py`).
Above: `rows.py`. Below: `processes.py`, `configs.py`.
"""

import contextlib
import getpass
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from bench import catalog, configs
from bench.issuer import Issued, issue
from bench.policies import MICROS, POLICIES, Policy, policed
from bench.processes import BenchError, Child, free_port, running, status_of, wait_until_answers

KEY = "bench-key-0123456789abcdef"
READY_SECONDS = 20.0
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])

DIRECT, NGINX, STARLETTE, FEDGATE = "direct", "nginx", "starlette+aiohttp", "fedgate"
Protocol = Literal["mcp", "a2a", "llm"]
ALL = (DIRECT, NGINX, STARLETTE, FEDGATE)


@dataclass(frozen=True)
class Options:
    """What holds for a whole sitting. `era`: of the client; `servers_era`: of the ten servers."""

    fedgate: list[str]
    seconds: float = 4.0
    era: str = "legacy"
    servers_era: str = "legacy"


@dataclass(frozen=True)
class Launch:
    """How to start a target: its command, and which path says that it is ready."""

    command: list[str]
    ready: str = "/healthz"


@dataclass(frozen=True)
class Live:
    """A running target. `child` is None where there is no gateway."""

    name: str
    port: int
    mcp_path: str
    child: Child | None
    key: str = KEY
    """The credential that it accepts."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@dataclass
class Rig:
    """One row's stage: a folder for logs and configurations, a fake upstream, and the options."""

    options: Options
    folder: Path
    upstream: Child
    upstream_port: int
    serves: Protocol = "mcp"
    """What fedgate stands before."""
    _count: int = field(default=0)

    @property
    def merged_path(self) -> str:
        """The server that offers what ten servers behind a gateway offer."""
        return "/all-m/mcp" if self.options.servers_era == "modern" else "/all/mcp"

    def servers(self) -> list[str]:
        return catalog.server_names(self.options.servers_era)

    def silence(self, server: str) -> None:
        """From now on that server accepts connections and answers nothing."""
        if status_of(self.upstream_port, f"/control/silence/{server}", "POST") != 200:
            raise BenchError("the fake upstream does not obey; see its log")

    def launch(self, name: str, port: int) -> Launch:
        """The command of a target, its configuration written."""
        if name == NGINX:
            return self._nginx(port)
        if name == STARLETTE:
            options = ["--port", str(port), "--upstream", str(self.upstream_port)]
            options += ["--mcp", self.merged_path, "--key", KEY]
            return Launch([sys.executable, "-m", "bench.passthrough", *options])
        manifest = self._fresh() / "fedgate.yaml"
        manifest.write_text(self._manifest(port, POLICIES.get(name, Policy())))
        return Launch([*self.options.fedgate, "serve", str(manifest)], "/readyz")

    @cached_property
    def issued(self) -> Issued:
        """The token of those gateways that want one, and the key of its issuer."""
        return issue()

    def key_of(self, name: str) -> str:
        """The credential that a target accepts."""
        return self.issued.token if POLICIES.get(name, Policy()).token else KEY

    def _manifest(self, port: int, policy: Policy) -> str:
        upstream = self.upstream_port
        head = configs.head(port, "" if policy.token else KEY)
        head += policed(policy, self.issued.keys if policy.token else {}, self.serves, upstream)
        if self.serves == "a2a":
            return head + configs.agents(upstream)
        return head + (configs.models(upstream) if self.serves == "llm" else configs.servers(upstream, self.servers()))

    def _nginx(self, port: int) -> Launch:
        folder = self._fresh()
        user = getpass.getuser() if os.geteuid() == 0 else ""
        file = folder / "nginx.conf"
        file.write_text(configs.nginx(port, self.upstream_port, self.merged_path, folder, user))
        binary = shutil.which("nginx", path=SYSTEM_PATH) or "nginx"
        return Launch([binary, "-p", str(folder), "-e", str(folder / "nginx.err"), "-c", str(file)])

    def _fresh(self) -> Path:
        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir()
        return folder


def stands_for(target: str) -> str:
    """Which of `ALL` a target of any row counts as."""
    return FEDGATE if target in POLICIES or target in MICROS else target


def missing(name: str) -> str | None:
    """What to install before `name` (a target, or wrk) can be measured; None when nothing is."""
    if name in (NGINX, "wrk") and shutil.which(name, path=SYSTEM_PATH) is None:
        return f"{name} is not installed (Debian, Ubuntu: apt install {name})"
    if name == STARLETTE and importlib.util.find_spec("aiohttp") is None:
        return "aiohttp is not installed (pip install aiohttp)"
    return None


@contextlib.contextmanager
def rig(options: Options, serves: Protocol = "mcp") -> Iterator[Rig]:
    """A temporary folder and a running fake upstream."""
    with tempfile.TemporaryDirectory(prefix="fedgate-bench-") as name:
        folder, port = Path(name), free_port()
        command = [sys.executable, "-m", "bench.upstream", "--port", str(port)]
        with running("upstream", command, folder, place="beside") as upstream:
            wait_until_answers(upstream, port, "/healthz", READY_SECONDS)
            yield Rig(options, folder, upstream, port, serves)


@contextlib.contextmanager
def opened(stage: Rig, name: str, *, ready: str = "") -> Iterator[Live]:
    """Start a target and wait until it is ready (or until the path `ready` answers); stop it at the end."""
    if name == DIRECT or name in MICROS:
        yield Live(name, stage.upstream_port, stage.merged_path, None)
        return
    port = free_port()
    launch = stage.launch(name, port)
    with running(name, launch.command, stage.folder, place="apart") as child:
        wait_until_answers(child, port, ready or launch.ready, READY_SECONDS)
        yield Live(name, port, "/mcp", child, stage.key_of(name))
