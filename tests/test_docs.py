"""What the documentation shows can be used as it stands: manifests load, configuration parses, commands exist."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedgate.cli.arguments import COMMANDS
from fedgate.manifest.load import load

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "samples" / "README.md", *sorted((ROOT / "docs").glob("*.md")))
ENV = {"ALICE_KEY": "alice-0123456789", "KEY": "key-0123456789", "NOTES_TOKEN": "t"}
SECTIONS = ("gateway", "access", "agents", "limits", "mcp", "models", "sessions", "telemetry")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for number, text in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        ):
            yield f"{page.name}-{number}", text


def manifests() -> list[tuple[str, str]]:
    return [(name, text) for name, text in blocks("yaml") if text.lstrip("# \n").startswith(SECTIONS)]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in manifests()])
def test_a_manifest_in_the_documentation_loads(text: str, tmp_path: Path) -> None:
    manifest = tmp_path / "fedgate.yaml"
    manifest.write_text(text)
    names = dict.fromkeys(re.findall(r"\$\{(\w+)", text), "value-0123456789")
    load([manifest], {**names, **ENV})


def test_configuration_of_other_programs_parses() -> None:
    for _, text in blocks("json"):
        json.loads(text)
    for _, text in blocks("toml"):
        tomllib.loads(text)


def test_commands_in_the_documentation_exist() -> None:
    for name, text in blocks("(?:sh|bash|console)"):
        for command in re.findall(r"^(?:\$ )?fedgate (\w+)", text, re.MULTILINE):
            assert command in COMMANDS, f"{name} shows fedgate {command}, which does not exist"
        for target in re.findall(r"^(?:\$ )?make (\w+)", text, re.MULTILINE):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"{name}: make {target}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in (*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
