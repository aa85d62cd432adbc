"""bench/policies.py: what is switched on is what the manifest says, and none of it refuses anything."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from bench import configs
from bench.issuer import AUDIENCE, GROUPS, ISSUER, issue
from bench.micro_calls import PRINCIPAL, Protocol, call_of, facts_of
from bench.policies import MICROS, POLICIES, PROMISED, RULES, policed
from fedgate.access.judge import Judge, Members
from fedgate.access.rule_settings import RuleSettings
from fedgate.access.rules import Rules
from fedgate.core.values import MANIFEST
from fedgate.manifest.model import Manifest

PROTOCOLS: list[Protocol] = ["mcp", "a2a", "llm"]


def manifest(name: str, protocol: str = "mcp") -> Manifest:
    policy = POLICIES[name]
    keys = issue().keys if policy.token else {}
    text = configs.head(8080, "" if policy.token else "bench-key") + policed(policy, keys, protocol, 9000)
    read: Any = YAML(typ="safe").load(text)
    return Manifest.model_validate(read, context=MANIFEST)


def told(given: Manifest) -> tuple[int, int, int, int, bool, bool]:
    access, telemetry = given.access, given.telemetry
    of_telemetry = telemetry.traces.otlp is not None, "agentgateway" in telemetry.metrics.aliases
    return len(access.keys), len(access.jwt), len(access.rules), len(given.limits), *of_telemetry


def test_each_policy_has_what_the_one_before_has_and_one_thing_more() -> None:
    assert {name: told(manifest(name)) for name in POLICIES} == {
        "key": (1, 0, 0, 0, False, False),
        "jwt": (0, 1, 0, 0, False, False),
        "+ rules": (0, 1, 5, 0, False, False),
        "+ limits": (0, 1, 5, 2, False, False),
        "+ traces": (0, 1, 5, 2, True, False),
        "+ aliases": (0, 1, 5, 2, True, True),
    }


def test_the_figures_to_reach_are_for_a_token_five_rules_and_two_limits() -> None:
    assert told(manifest(PROMISED)) == (0, 1, 5, 2, False, False)


def test_the_issuer_is_known_by_keys_in_the_manifest() -> None:
    (issuer,) = manifest("jwt").access.jwt
    assert (issuer.issuer, issuer.audiences, issuer.jwks_url) == (ISSUER, (AUDIENCE,), None)
    assert issuer.jwks is not None
    assert len(issuer.jwks["keys"]) == 1


@pytest.mark.parametrize(("protocol", "second"), [("mcp", "concurrency"), ("a2a", "concurrency"), ("llm", "tokens")])
def test_one_limit_is_by_caller_and_one_by_group(protocol: str, second: str) -> None:
    caller, group = manifest("+ limits", protocol).limits
    assert (caller.key, str(caller.requests)) == ("principal.id", "999999999999/minute")
    assert group.key == "principal.groups[0]"
    assert [kind for kind in ("requests", "tokens", "concurrency") if getattr(group, kind) is not None] == [second]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_rule_denies_what_is_measured(protocol: Protocol) -> None:
    judge = Judge(Rules.of(RuleSettings(deny=rule) for rule in RULES), Members())
    call = call_of(protocol, 1, 0.0)
    assert judge.verdict(call, facts_of(protocol, 1)).allowed
    said = judge.told(call, facts_of(protocol, 1))
    assert [each.rule.kind for each in said] == ["deny"] * 5
    assert "yes" not in {each.held for each in said}


@pytest.mark.parametrize(
    "own",
    [
        {"mcp": {"tool": {"name": "delete_all"}}},
        {"mcp": {"tool": {"name": "x", "arguments": {"text": "-----BEGIN PRIVATE KEY-----"}}}},
        {"a2a": {"agent": "payroll"}},
        {"llm": {"model": "opus"}},
    ],
)
def test_the_rules_would_deny_what_they_are_for(own: dict[str, Any]) -> None:
    judge = Judge(Rules.of(RuleSettings(deny=rule) for rule in RULES), Members())
    assert not judge.verdict(call_of("mcp", 1, 0.0), own).allowed


def test_the_caller_of_the_micro_measures_is_the_tokens() -> None:
    assert (PRINCIPAL.id, PRINCIPAL.groups) == (f"{ISSUER}#alice", GROUPS)


def test_no_part_is_called_like_a_policy() -> None:
    assert set(MICROS).isdisjoint(POLICIES)
