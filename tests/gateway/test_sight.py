"""Who may know of what changes with the manifest, and nothing that was kept under the one before is found again."""

from fedgate.access.judge import Judge, Members
from fedgate.access.rules import Rules
from fedgate.core.call import Principal
from fedgate.gateway.sight import CurrentSight


def judge(*groups: str) -> Judge:
    return Judge(Rules.of(()), Members({("mcp", "server", "crm"): groups}))


def test_another_judge_says_from_now_on_and_what_callers_see_has_other_keys() -> None:
    facts, alice = {"mcp": {"server": "crm"}}, Principal("alice", "key", ("sales",))
    sight = CurrentSight(judge("sales"))
    first = sight.by("mcp", alice)
    assert first is not None
    assert first.sees(facts)
    sight.swap(judge("finance"))
    second = sight.by("mcp", alice)
    assert second is not None
    assert not second.sees(facts)
    assert first.key != second.key
    sight.swap(judge("finance"))
    third = sight.by("mcp", alice)
    assert third is not None
    assert third.key not in (first.key, second.key)


def test_without_any_rule_everybody_sees_everything() -> None:
    sight = CurrentSight(judge())
    assert sight.by("mcp", Principal("alice")) is None
    sight.swap(judge())
    assert sight.by("mcp", Principal("alice")) is None
