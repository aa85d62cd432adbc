"""Claude Code logs in by itself: discovery, registration, authorization, tokens, and a tool called with them.

The issuer and the gateway are processes, `claude mcp login` has a terminal and a browser that agrees to everything.
What is asserted is what the issuer and the gateway saw.
"""

import base64
import hashlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients.claude_code import COMMAND_SECONDS, PASSED_ON, PROMPT_SECONDS, Claude
from tests.clients.llm_environment import claude_code
from tests.clients.oauth_issuer import BY_HAND, JOURNAL
from tests.clients.oauth_login import at_terminal, browser
from tests.clients.stub_messages import Script, StubMessages
from tests.conformance.gateway import LOG, ROOT, running_gateway
from tests.conformance.processes import announced_url, started

pytestmark = pytest.mark.clients

SDK = {"command": sys.executable, "args": [str(Path(__file__).with_name("sdk_server.py"))]}
SERVER = "hub"
TOOL = f"mcp__{SERVER}__add"
RESULT = '{"total":42}'
CLAUDE_CODE = "https://claude.ai/oauth/claude-code-client-metadata"
"""What it is called where its metadata document is its name."""
NOBODY = "unauthorized: This gateway needs an access token: send `Authorization: Bearer TOKEN`."
METADATA = "/.well-known/oauth-authorization-server"
BAD = 400
ISSUER_SECONDS = 30.0
RESOURCES = ("/mcp", "/mcp/kit", "/sse")
"""Addresses that are used here: each is an audience of its own."""


@dataclass(frozen=True)
class House:
    """An issuer, and a gateway that believes it."""

    issuer: str
    gateway: str
    folder: Path

    def asked(self) -> list[dict[str, Any]]:
        """What the issuer was asked, but for what the gateway itself wants to know of it."""
        where = urlsplit(self.issuer)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=ISSUER_SECONDS)
        connection.request("GET", JOURNAL)
        seen = json.loads(connection.getresponse().read())
        connection.close()
        return [each for each in seen if each["path"] != "/jwks"]

    def forms(self, grant: str) -> list[dict[str, str]]:
        return [each["form"] for each in self.asked() if each["form"].get("grant_type") == grant]

    def lines(self) -> list[dict[str, Any]]:
        """The gateway's access lines."""
        lines = (self.folder / LOG).read_text().splitlines()
        read = (json.loads(line) for line in lines if line.startswith("{"))
        return [line for line in read if "http.path" in line]


@contextmanager
def house(folder: Path, *options: str, **jwt: Any) -> Iterator[House]:
    """`options`: the issuer's. `jwt`: more of its entry in the manifest; the audiences are the addresses below /mcp."""
    command = [sys.executable, "-m", "tests.clients.oauth_issuer", *options]
    with started(command, folder / "issuer.log", {"PYTHONPATH": str(ROOT)}) as process:
        issuer = announced_url(process, ISSUER_SECONDS)

        def sections(url: str) -> dict[str, Any]:
            entry = {"issuer": issuer, "audiences": [url + path for path in RESOURCES], **jwt}
            return {"access": {"jwt": [entry]}, "telemetry": {"log": {"format": "json"}}}

        with running_gateway({"kit": SDK}, folder, sections) as gateway:
            yield House(issuer, gateway, folder)


class Person:
    """Somebody with Claude Code, in a home directory of their own."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self._claude = Claude(str(claude_code()), self.home)
        self._env = {"BROWSER": str(browser(folder)), "TERM": "dumb", **env}

    def adds(self, url: str, transport: str = "http") -> None:
        done = self._run("mcp", "add", "--scope", "user", "--transport", transport, SERVER, url)
        assert done.returncode == 0, done.stderr

    def sees(self) -> str:
        """What Claude Code says of the server."""
        listed = self._run("mcp", "list").stdout.splitlines()
        (line,) = (line for line in listed if line.startswith(f"{SERVER}:"))
        return line.rpartition(" - ")[2]

    def logs_in(self) -> str:
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        quiet = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "HOME": str(self.home)}
        return at_terminal([self._claude.command, "mcp", "login", SERVER], self.home, {**kept, **quiet, **self._env})

    def prompts(self) -> str | None:
        """The result of the tool, as the model was told it."""
        script = Script(TOOL, {"a": 20, "b": 22})
        options = ("--allowedTools", f"mcp__{SERVER}", "--output-format", "json")
        with StubMessages(script) as stub:
            env = {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "dummy", "ENABLE_TOOL_SEARCH": "false"}
            done = self._run("-p", "Call the tool.", *options, seconds=PROMPT_SECONDS, **env)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return script.result

    def _run(self, *words: str, seconds: float = COMMAND_SECONDS, **env: str) -> subprocess.CompletedProcess[str]:
        return self._claude.run(*words, seconds=seconds, **{**self._env, **env})


def paths(asked: list[dict[str, Any]]) -> list[str]:
    """What was asked for, each thing once, in the order in which it was first asked for."""
    return list(dict.fromkeys(f"{each['method']} {each['path']}" for each in asked))


def called_as(at: House) -> list[str]:
    """Who called tools, by the access lines."""
    return [line["user"] for line in at.lines() if line.get("gen_ai.tool.name") == "add"]


def refusals(at: House) -> list[tuple[int, str]]:
    return [(line["http.status"], line["error"]) for line in at.lines() if line["http.status"] >= BAD]


def logged_in(at: House, person: Person, path: str, transport: str = "http") -> list[dict[str, Any]]:
    """Connect to an address, be told to log in, do it. What the issuer was asked meanwhile."""
    before = len(at.asked())
    person.adds(at.gateway + path, transport)
    assert person.sees() == "! Needs authentication"
    assert "Authenticated" in person.logs_in()
    return at.asked()[before:]


def check_authorization(asked: list[dict[str, Any]], resource: str, client_id: str, scope: str | None) -> None:
    """One code was asked for and exchanged, with PKCE, for this resource."""
    (query,) = (each["query"] for each in asked if each["path"] == "/authorize")
    (form,) = (each["form"] for each in asked if each["path"] == "/token")
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert (query["client_id"], query.get("scope"), query["resource"]) == (client_id, scope, resource)
    assert (form["grant_type"], form["client_id"], form["resource"]) == ("authorization_code", client_id, resource)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
    assert challenge.decode().rstrip("=") == query["code_challenge"]


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_it_registers_logs_in_and_calls_a_tool(tmp_path: Path, era: str) -> None:
    person = Person(tmp_path, MCP_PROTOCOL_NEGOTIATION=era)
    with house(tmp_path, required_scopes=["mcp:tools"]) as at:
        asked = logged_in(at, person, "/mcp")
        assert paths(asked) == [f"GET {METADATA}", "POST /register", "GET /authorize", "POST /token"]
        (registered,) = (each["form"] for each in asked if each["path"] == "/register")
        assert registered["scope"] == "mcp:tools"  # of the challenge
        (query,) = (each["query"] for each in asked if each["path"] == "/authorize")
        assert [query["redirect_uri"]] == registered["redirect_uris"]
        check_authorization(asked, f"{at.gateway}/mcp", query["client_id"], "mcp:tools")
        assert person.sees() == "✔ Connected"
        assert person.prompts() == RESULT
        assert at.forms("refresh_token") == []
        assert called_as(at) == [f"{at.issuer}#alice"]


def test_a_token_that_is_refused_is_refreshed_by_a_client_known_by_its_metadata_document(tmp_path: Path) -> None:
    person = Person(tmp_path)
    with house(tmp_path, "--cimd", "--stale") as at:
        asked = logged_in(at, person, "/mcp/kit")
        assert paths(asked) == [f"GET {METADATA}", "GET /authorize", "POST /token"]
        check_authorization(asked, f"{at.gateway}/mcp/kit", CLAUDE_CODE, None)
        assert person.sees() == "✔ Connected"
        (refreshed,) = at.forms("refresh_token")
        assert (refreshed["client_id"], refreshed["resource"]) == (CLAUDE_CODE, f"{at.gateway}/mcp/kit")
        assert person.prompts() == RESULT
        assert called_as(at) == [f"{at.issuer}#alice"]
        assert {told for _, told in refusals(at)} == {NOBODY, "unauthorized: The token has expired."}
        assert {status for status, _ in refusals(at)} == {401}


def test_it_is_given_the_client_of_the_manifest_where_the_issuer_registers_nobody(tmp_path: Path) -> None:
    person = Person(tmp_path)
    with house(tmp_path, "--closed", "--stale", client_id=BY_HAND, required_scopes=["mcp:tools"]) as at:
        asked = logged_in(at, person, "/mcp")
        assert paths(asked) == ["GET /authorize", "POST /token"]  # it knows the gateway as the server
        check_authorization(asked, f"{at.gateway}/mcp", BY_HAND, "mcp:tools")
        assert person.sees() == "✔ Connected"
        (refreshed,) = at.forms("refresh_token")
        assert (refreshed["client_id"], refreshed["resource"]) == (BY_HAND, f"{at.gateway}/mcp")
        assert person.prompts() == RESULT
        assert called_as(at) == [f"{at.issuer}#alice"]


def test_it_asks_for_the_scope_that_its_token_lacks(tmp_path: Path) -> None:
    """The manifest offers too little; the refusal (403) says what is needed, and the next login asks for both."""
    person = Person(tmp_path)
    with house(tmp_path, "--cimd", scopes_supported=["mcp:read"], required_scopes=["mcp:tools"]) as at:
        check_authorization(logged_in(at, person, "/mcp"), f"{at.gateway}/mcp", CLAUDE_CODE, "mcp:read")
        assert person.sees() == "! Needs authentication"
        assert (403, "forbidden: The token lacks a scope: this needs mcp:tools.") in refusals(at)
        before = len(at.asked())
        assert "Authenticated" in person.logs_in()
        check_authorization(at.asked()[before:], f"{at.gateway}/mcp", CLAUDE_CODE, "mcp:read mcp:tools")
        assert person.sees() == "✔ Connected"


def test_it_logs_in_to_the_old_transport(tmp_path: Path) -> None:
    person = Person(tmp_path)
    with house(tmp_path) as at:
        asked = logged_in(at, person, "/sse", "sse")
        (query,) = (each["query"] for each in asked if each["path"] == "/authorize")
        check_authorization(asked, f"{at.gateway}/sse", query["client_id"], None)
        assert person.sees() == "✔ Connected"
        assert person.prompts() == RESULT
        assert set(called_as(at)) == {f"{at.issuer}#alice"}
