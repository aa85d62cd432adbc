"""The manifests in docs/catalog.md are manifests, and what it says of defaults is so."""

import re
from pathlib import Path

import pytest

from fedgate.federation.settings import McpSettings
from fedgate.manifest.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()
SNIPPETS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 5


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_is_a_valid_manifest(snippet: str, tmp_path: Path) -> None:
    path = tmp_path / "fedgate.yaml"
    path.write_text(snippet)
    assert load([path], {}).mcp.servers


def test_the_defaults_are_those_of_the_settings() -> None:
    defaults = McpSettings()
    assert f"default {defaults.search_over}" in PAGE
    assert f"default {defaults.warn_tokens}" in PAGE
