"""docs/routing.md: its manifests are manifests, and its expressions can be used."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from fedgate.gateway.conditions import CelExpressions
from fedgate.llm.conditions import rules
from fedgate.llm.intents import Intents
from tests.llm.kit import settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "routing.md"
SNIPPETS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["rules", "models"])
def test_a_snippet_of_the_page_is_a_manifest(snippet: str) -> None:
    models = settings(YAML(typ="safe", pure=True).load(snippet)["models"])
    for name, route in models.routes.items():
        assert len(rules(name, route.rules, CelExpressions())) == len(route.rules)
    assert len(Intents(models.intents, CelExpressions())) == len(models.intents)
