"""access/rule_settings.py: rules are told apart, and a wrong expression is a mistake of the manifest with its place."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from fedgate.access.rule_settings import MAX_RULES, RuleSettings
from fedgate.access.settings import AccessSettings
from fedgate.manifest.load import load
from fedgate.manifest.problems import ManifestError


def test_a_plain_text_allows() -> None:
    (rule,) = AccessSettings.model_validate({"rules": ["protocol == 'mcp'"]}).rules
    assert (rule.kind, rule.expression, rule.name) == ("allow", "protocol == 'mcp'", None)


@pytest.mark.parametrize("kind", ["allow", "deny", "require"])
def test_a_rule_has_a_kind_and_may_have_a_name(kind: str) -> None:
    rule = RuleSettings.model_validate({kind: "true", "name": "open"})
    assert (rule.kind, rule.expression, rule.name) == (kind, "true", "open")


def test_there_is_an_end_to_rules() -> None:
    AccessSettings.model_validate({"rules": ["true"] * MAX_RULES})
    with pytest.raises(ValidationError, match=f"has more than {MAX_RULES} rules"):
        AccessSettings.model_validate({"rules": ["true"] * (MAX_RULES + 1)})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "access:\n  rules:\n    - mcp.tool.nam == 'x'\n",
            "3:16: access.rules[0] knows no variable mcp.tool.nam; there are arguments, full, name, server, target; "
            'did you mean "name"?',
        ),
        (
            'access:\n  rules:\n    - {deny: "true &&"}\n',
            "3:21: access.rules[0].deny is not a CEL expression; mismatched input the end",
        ),
        (
            "access:\n  rules:\n    - require: >-\n        principal.id == 'a' &&\n        principl.id == 'b'\n",
            '5:9: access.rules[0].require knows no variable "principl"; there are a2a, apiKey, jwt, llm, mcp, '
            'principal, protocol, request, session, source; did you mean "principal"?',
        ),
        (
            "access: {rules: [{deny: 'a', require: 'b'}]}\n",
            None,
        ),
        (
            "access:\n  rules:\n    - {name: nothing}\n",
            '3:7: access.rules[0] needs "allow", "deny" or "require"; for example deny: \'mcp.tool.name == "drop"\'',
        ),
        (
            "access:\n  rules:\n    - {deny: 'true', allow: 'true'}\n",
            '3:7: access.rules[0] has both "deny" and "allow"; write two rules',
        ),
        (
            '{"access": {"rules": ["size(\\"\\u00e9\\") == 1 && gone"]}}',
            None,
        ),
    ],
)
def test_a_mistake_has_its_line_and_column(text: str, problem: str | None, tmp_path: Path) -> None:
    manifest = tmp_path / ("m.json" if text.startswith("{") else "m.yaml")
    manifest.write_text(text)
    with pytest.raises(ManifestError) as caught:
        load([manifest], {})
    if problem is not None:
        assert str(caught.value) == f"{manifest}:{problem}"
