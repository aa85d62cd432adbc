"""gateway/why.py, supposed.py: may this one do that, and why; nothing is sent, and no credential comes back."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.json import encode

from fedgate.core.errors import BadRequest
from fedgate.gateway.app import Gateway
from fedgate.manifest.model import Manifest

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9"
ISSUER = "https://idp.example.com"
KEY = "alice-0123456789"
MANIFEST: dict[str, Any] = {
    "access": {
        "keys": [{"id": "alice", "key": KEY, "groups": ["engineering"]}, {"id": "bob", "key": "bob-0123456789"}],
        "jwt": [{"issuer": ISSUER, "audiences": ["gw"], "jwks_url": f"{NOWHERE}/jwks", "required_scopes": ["mcp"]}],
        "rules": [
            {"deny": 'mcp.tool.name.startsWith("delete")', "name": "no-deletes"},
            'protocol != "mcp" || mcp.server == "time"',
            {"require": '!has(mcp.tool.arguments.path) || !mcp.tool.arguments.path.startsWith("/etc")'},
            {"deny": "llm.max_tokens > 100", "name": "short"},
            {"deny": 'a2a.skill == "shout"'},
        ],
    },
    "mcp": {
        "servers": {"time": {"url": f"{NOWHERE}/mcp"}, "crm": {"url": f"{NOWHERE}/mcp", "groups": ["sales"]}},
        "profiles": {"part": {"servers": ["time"]}},
    },
    "agents": {"support": {"instances": [NOWHERE], "groups": ["engineering"]}},
    "models": {
        "providers": {"near": {"type": "openai", "base_url": f"{NOWHERE}/v1"}},
        "routes": {
            "smart": {"targets": [{"provider": "near", "model": "x"}]},
            "auto": {"rules": [{"when": "llm.stream", "route": "smart"}, {"route": "smart"}]},
        },
    },
    "limits": [{"name": "per-caller", "requests": "600/minute", "concurrency": 4}],
}


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    """One that was never started: it has reached nobody."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        made = Gateway(Manifest.model_validate(MANIFEST), log_fd=nowhere)
        yield made
        await made.aclose()
        made.access_log.close()
    finally:
        os.close(nowhere)


async def why(who: Any = "alice", **question: Any) -> dict[str, Any]:
    async with gateway() as made:
        found = await made.why.answer(encode({"as": who, **question}))
    assert KEY not in str(found)
    return found


def verdict(answer: dict[str, Any]) -> tuple[bool, bool, str, str]:
    return answer["allowed"], answer["known"], answer["why"], answer["told"]


@pytest.mark.parametrize(
    ("who", "question", "expected"),
    [
        ("alice", {"tool": "time__now"}, (True, True, "allow rule 2", "")),
        (KEY, {"tool": "time__now"}, (True, True, "allow rule 2", "")),
        ("alice", {"tool": "time__delete"}, (False, False, "deny no-deletes", "Unknown tool: time__delete")),
        (
            "alice",
            {"tool": "time__now", "arguments": {"path": "/etc/x"}},
            (False, True, "require rule 3", "this is not allowed here"),
        ),
        ("alice", {"tool": "crm__x"}, (False, False, "mcp.server crm is for other groups", "Unknown tool: crm__x")),
        ("alice", {"tool": "nothing"}, (False, False, "Unknown tool: nothing", "Unknown tool: nothing")),
        ("alice", {"tool": "now", "view": "time"}, (True, True, "allow rule 2", "")),
        ("alice", {"agent": "support"}, (True, True, "allow rule 2", "")),
        (
            "alice",
            {"agent": "support", "arguments": {"skillId": "shout"}},
            (False, True, "deny rule 5", "this is not allowed here"),
        ),
        (
            "bob",
            {"agent": "support"},
            (False, False, "agent support is for the groups engineering", "there is no agent 'support' here"),
        ),
        (
            "alice",
            {"agent": "nobody"},
            (False, False, "there is no agent 'nobody' here", "there is no agent 'nobody' here"),
        ),
        ("alice", {"model": "smart"}, (True, True, "allow rule 2", "")),
        (
            "alice",
            {"model": "smart", "arguments": {"max_tokens": 500}},
            (False, True, "deny short", "this is not allowed here: short"),
        ),
        ("alice", {"model": "gone"}, (False, False, "there is no model 'gone' here", "there is no model 'gone' here")),
    ],
)
async def test_the_verdict_and_what_the_caller_is_told(
    who: Any, question: dict[str, Any], expected: tuple[bool, bool, str, str]
) -> None:
    assert verdict(await why(who, **question)) == expected


@pytest.mark.parametrize(
    ("who", "admitted", "kind", "reason"),
    [
        ("alice", True, "key", ""),
        ("anonymous", False, "anonymous", "callers must say who they are"),
        ("no-such-key-0123", False, "anonymous", "The credential is no token that this gateway can verify"),
        ({"iss": ISSUER, "sub": "x", "scope": "mcp"}, True, "jwt", ""),
        ({"iss": ISSUER, "sub": "x"}, False, "jwt", "the token lacks the scopes mcp"),
        ({"iss": ISSUER, "sub": "x", "aud": "other"}, False, "anonymous", "The token is for another audience"),
        ({"iss": ISSUER, "sub": "x", "exp": "soon"}, False, "anonymous", "could not convert"),
        ({"iss": "https://other.example.com", "sub": "x"}, False, "anonymous", "no issuer of access.jwt"),
        ({"sub": "x", "groups": ["engineering"]}, True, "jwt", "as it was given: no issuer vouches for it"),
        ({"id": "k", "kind": "key", "metadata": {"team": "core"}}, True, "key", "as it was given"),
    ],
)
async def test_who_asks_is_explained(who: Any, admitted: bool, kind: str, reason: str) -> None:
    answer = await why(who, tool="time__now")
    identity = answer["identity"]
    assert (identity["admitted"], identity["kind"]) == (admitted, kind)
    assert identity["why"].startswith(reason)
    assert answer["allowed"] is admitted


async def test_each_rule_is_told_with_its_verdict() -> None:
    answer = await why(tool="time__now", arguments={"path": 5})
    assert [(each["rule"], each["kind"], each["held"]) for each in answer["rules"]] == [
        ("no-deletes", "deny", "no"),
        ("rule 2", "allow", "yes"),
        ("rule 3", "require", "error"),
        ("short", "deny", "error"),
        ("rule 5", "deny", "error"),
    ]
    assert answer["rules"][2]["why"] == "it compares or calls what does not go together"


async def test_what_the_name_leads_to_is_told() -> None:
    assert (await why(tool="time__now"))["route"] == {
        "found": True,
        "server": "time",
        "tool": "now",
        "state": "starting",
        "why": "the server was not reached: whether it has this tool is not known",
    }
    assert (await why(agent="support"))["route"] == {
        "found": True,
        "agent": "support",
        "instances": [{"name": "1", "state": "starting"}],
    }
    route = (await why(model="auto"))["route"]
    assert (route["route"], [each["route"] for each in route["rules"]]) == ("auto", ["smart", "smart"])


async def test_what_is_left_of_the_limits_is_told_and_nothing_is_taken() -> None:
    async with gateway() as made:
        question = encode({"as": "alice", "model": "smart"})
        for _ in range(2):
            limits = (await made.why.answer(question))["limits"]
            assert [(each["limit"], each["kind"], each["left"]) for each in limits] == [
                ("per-caller", "concurrency", 4),
                ("per-caller", "requests", 600),
            ]


@pytest.mark.parametrize(
    "who", [{"groups": "staff"}, {"metadata": []}, {"kind": "root"}, {"groups": ["a"], "kind": "anonymous"}]
)
async def test_facts_that_make_nobody_are_refused(who: Any) -> None:
    with pytest.raises(BadRequest, match='"as" takes'):
        await why(who, tool="time__now")
