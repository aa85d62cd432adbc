"""`fedgate models`: what a manifest offers, and what a running gateway says."""

import json
from pathlib import Path

import pytest

from fedgate.cli.main import main
from fedgate.cli.models import model_table, rows
from fedgate.manifest.load import load

MANIFEST = """models:
  providers: {o: {type: openai, base_url: "http://127.0.0.1:1/v1", api_key: "key-0123456789"}}
  routes:
    small: {path: /small, aliases: [tiny], targets: [{provider: o, model: m}]}
    split: {strategy: weighted, targets: [{provider: o, model: a, weight: 80}, {provider: o, model: b, weight: 20}]}
    auto: {rules: [{match: {has_tools: true}, route: split}, {route: small}]}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "m.yaml"
    path.write_text(MANIFEST)
    return path


def test_each_name_is_shown_with_where_it_leads(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", str(manifest)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "MODEL  STRATEGY  TARGETS      PATH    ALIASES",
        "small  fallback  o/m          /small  tiny",
        "split  weighted  o/a o/b",
        "auto   rules     split small",
    ]


def test_programs_get_the_same_as_json(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", str(manifest), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"models": rows(load([manifest], {}))}


def test_without_any_it_says_where_to_add_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.yaml").write_text("mcp: {}\n")
    assert main(["models", str(tmp_path / "m.yaml")]) == 3
    assert capsys.readouterr().out == "no models: add some under models.routes\n"


def test_a_gateway_that_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--url", "http://127.0.0.1:1"]) == 3
    assert capsys.readouterr().err.startswith("fedgate: http://127.0.0.1:1 cannot be reached")


def test_the_table_is_cut_to_the_terminal(manifest: Path) -> None:
    assert all(len(line) <= 60 for line in model_table(rows(load([manifest], {})), limit=60).splitlines())
