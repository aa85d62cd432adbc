"""What a row of policies switches on, one after the other, and how each is written in the manifest. Pure.

The rules and limits are such as people write, the same for all protocols, and none of them ever refuses anything
here. Of calls that look to rules like one before the gateway has kept its verdict: in A2A and models, where rules see
an agent or a model, it has. A tool's argument is another one in every call, so that all five are evaluated.
Above: `targets.py`, `rows_policies.py`, `micro.py`. Below: `issuer.py` (names).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.issuer import ALGORITHM, AUDIENCE, ISSUER

RULES = (
    'mcp.tool.name.startsWith("delete") && !("admins" in principal.groups)',
    '"contractors" in principal.groups && protocol != "mcp"',
    'mcp.tool.arguments.text.contains("BEGIN PRIVATE KEY")',
    'a2a.agent == "payroll" && !("finance" in principal.groups)',
    'llm.model == "opus" && !("research" in principal.groups)',
)
"""Each is a `deny`: by tool, by group, by argument, by agent, by model."""
PLENTY = 999_999_999_999
"""More than any run uses; so much a limit may be."""
PLACES = 1_000_000
SAMPLED = 0.1
"""Of the traces."""


@dataclass(frozen=True)
class Policy:
    """What one of the gateways of a row has switched on."""

    token: bool = False
    """A JWT stands in place of the key."""
    rules: bool = False
    limits: bool = False
    traces: bool = False
    aliases: bool = False


POLICIES: Mapping[str, Policy] = {
    "key": Policy(),
    "jwt": Policy(token=True),
    "+ rules": Policy(token=True, rules=True),
    "+ limits": Policy(token=True, rules=True, limits=True),
    "+ traces": Policy(token=True, rules=True, limits=True, traces=True),
    "+ aliases": Policy(token=True, rules=True, limits=True, traces=True, aliases=True),
}
"""In the order in which each costs more than the one before."""
PROMISED = "+ limits"
"""The one that the figures to reach are for."""

MICROS: Mapping[str, str] = {
    "micro: metrics": "metrics",
    "micro: access line, JSON": "json",
    "micro: access line, logfmt": "logfmt",
    "micro: live view, stories": "views",
    "micro: five rules, anew": "rules",
    "micro: a token, once": "token",
}
"""What is measured apart from any gateway, and what `micro.py` calls it."""


def policed(policy: Policy, keys: Mapping[str, Any], protocol: str, collector: int) -> str:
    """The manifest's sections of a policy, beside what `configs.head` says. `collector`: the port that takes traces.

    `keys`: the issuer's, for a policy with a token.
    """
    telemetry = _telemetry(policy, collector)
    return "".join(
        [
            f"  jwt:\n    - {json.dumps(issuer(keys))}\n" if policy.token else "",
            "  rules:\n" + "".join(f"    - deny: '{rule}'\n" for rule in RULES) if policy.rules else "",
            "limits:\n" + _limits(protocol) if policy.limits else "",
            "telemetry:\n" + telemetry if telemetry else "",
        ]
    )


def issuer(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of `access.jwt`."""
    return {"issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": [ALGORITHM], "jwks": keys}


def _limits(protocol: str) -> str:
    by_group = f"tokens: {PLENTY}/day" if protocol == "llm" else f"concurrency: {PLACES}"
    return (
        f"  - {{name: per-caller, key: principal.id, requests: {PLENTY}/minute}}\n"
        f"  - {{name: per-group, key: 'principal.groups[0]', {by_group}}}\n"
    )


def _telemetry(policy: Policy, collector: int) -> str:
    traces = f'  traces: {{otlp: "http://127.0.0.1:{collector}", sample: {SAMPLED}}}\n' if policy.traces else ""
    return traces + ("  metrics: {aliases: [agentgateway]}\n" if policy.aliases else "")
