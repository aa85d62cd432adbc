"""gateway/imports.py: what a manifest does not have is not imported, and what it has is there before the first call."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fedgate.gateway.imports import prepare, wants_agents, wants_models
from fedgate.manifest.model import Manifest

NOWHERE = "http://127.0.0.1:9"
SERVERS = {"mcp": {"servers": {"time": {"url": f"{NOWHERE}/mcp"}}}}
AGENTS = {"agents": {"support": {"instances": [NOWHERE]}}}
MODELS = {
    "models": {
        "providers": {"near": {"type": "openai", "base_url": f"{NOWHERE}/v1"}},
        "routes": {"smart": {"targets": [{"provider": "near", "model": "x"}]}},
    }
}
RULES = {"access": {"rules": [{"deny": 'mcp.tool.name == "drop"'}]}}

# What `fedgate serve` does, but for the socket.
PROGRAM = """
import asyncio, json, os, sys
from pathlib import Path
import fedgate.cli.serve
from fedgate.gateway.app import Gateway
from fedgate.manifest.load import load

async def asked(gateway, path):
    sent = []
    async def receive():
        await asyncio.get_running_loop().create_future()  # the caller waits for its answer
    async def send(message):
        sent.append(message)
    head = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode()}
    rest = {"query_string": b"", "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1)}
    await gateway.asgi({**head, **rest}, receive, send)
    return sent[0]["status"]

async def main():
    with open(os.devnull, "wb") as nowhere:
        gateway = Gateway(load([Path(sys.argv[1])], os.environ), log_fd=nowhere.fileno())
        gateway.start()
        statuses = [await asked(gateway, path) for path in sys.argv[2:]]
        print(json.dumps([statuses, sorted(sys.modules)]))
        await gateway.aclose()
        gateway.telling.close()

asyncio.run(main())
"""


class Started(NamedTuple):
    statuses: list[int]
    modules: frozenset[str]

    def has(self, *names: str) -> set[str]:
        """Those of the modules and packages that were imported."""
        return {name for name in names if name in self.modules}


@cache
def _started(manifest: str, paths: tuple[str, ...], folder: str) -> Started:
    file = Path(folder, "m.json")
    file.write_text(manifest)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), *paths], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    statuses, modules = json.loads(done.stdout)
    return Started(statuses, frozenset(modules))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("start"))


def started(folder: str, manifest: dict[str, Any], *paths: str) -> Started:
    """A gateway in a process of its own, after it was asked for these paths."""
    return _started(json.dumps(manifest), paths, folder)


AGENTS_SIDE = ("fedgate.a2a.endpoint", "fedgate.a2a.relay", "fedgate.a2a.settings", "fedgate.gateway.agents")
MODELS_SIDE = ("fedgate.llm.endpoint", "fedgate.llm.relay", "fedgate.llm.provider_settings", "fedgate.gateway.models")
PAGES = ("starlette", "fedgate.console.admin", "fedgate.gateway.cold", "fedgate.gateway.pages", "fedgate.gateway.why")
ISSUERS = ("joserfc", "fedgate.access.tokens", "fedgate.access.credentials", "fedgate.gateway.oauth")
KINDS = ("fedgate.federation.openapi_connection", "fedgate.federation.stdio", "fedgate.federation.sse_link")
LIBRARIES = ("a2a", "mcp", "cel", "cel.cel", "limits", "genai_prices", "opentelemetry", "google", "sqlite3")
HEAVY = ("cryptography", "httpx2", "sse_starlette", "openai", "anthropic", "pydantic_settings", "rich", "typer")


def test_a_gateway_of_servers_alone_imports_nothing_of_what_it_does_not_have(folder: str) -> None:
    found = started(folder, SERVERS, "/healthz", "/readyz")
    assert found.statuses[0] == 200
    absent = (*AGENTS_SIDE, *MODELS_SIDE, *PAGES, *ISSUERS, *KINDS, *LIBRARIES, *HEAVY)
    assert found.has(*absent) == set()


@pytest.mark.parametrize(
    ("sections", "there", "absent"),
    [
        (AGENTS, AGENTS_SIDE, MODELS_SIDE),
        (MODELS, MODELS_SIDE, AGENTS_SIDE),
        (RULES, ("cel.cel",), ("cel", "typer", "rich", "prompt_toolkit", *AGENTS_SIDE, *MODELS_SIDE)),
    ],
)
def test_what_is_configured_is_imported_before_the_first_request(
    folder: str, sections: dict[str, Any], there: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    found = started(folder, {**SERVERS, **sections})
    assert (found.has(*there), found.has(*absent)) == (set(there), set())


def test_what_is_not_configured_answers_all_the_same(folder: str) -> None:
    found = started(folder, SERVERS, "/a2a", "/v1/models", "/.well-known/jwks.json", "/metrics", "/admin/servers")
    assert found.statuses == [200] * 5
    assert found.has(*AGENTS_SIDE, *MODELS_SIDE, *PAGES) >= {"fedgate.a2a.relay", "fedgate.llm.relay", "starlette"}


def test_what_a_side_cannot_do_without_is_a_reason_to_make_it_at_once() -> None:
    def wanted(**sections: Any) -> tuple[bool, bool]:
        manifest = Manifest.model_validate(sections)
        return wants_agents(manifest), wants_models(manifest)

    assert wanted(**SERVERS) == (False, False)
    assert wanted(**AGENTS) == (True, False)
    assert wanted(**MODELS) == (False, True)
    assert wanted(models={"providers": MODELS["models"]["providers"]}) == (False, True)
    assert wanted(gateway={"signing_key": "key.pem"}) == (True, False)
    assert wanted(sessions={"store": "sqlite:sessions.db"}) == (True, True)


def test_a_manifest_that_is_prepared_is_the_same() -> None:
    manifest = Manifest.model_validate({"mcp": {"servers": {"crm": {"openapi": "crm.yaml"}}}, **AGENTS, **MODELS})
    assert prepare(manifest) is manifest
    assert {"fedgate.federation.openapi_connection", "fedgate.gateway.agents", "fedgate.gateway.models"} <= set(
        sys.modules
    )
