"""bench/targets.py: whom a target stands for, with which credential, and that a policed gateway serves."""

import sys
from pathlib import Path
from typing import Any, cast

import pytest
from ruamel.yaml import YAML

from bench import chat
from bench.driver import driven
from bench.policies import MICROS, POLICIES
from bench.processes import Child, status_of
from bench.targets import ALL, FEDGATE, KEY, Options, Protocol, Rig, opened, rig, stands_for
from fedgate.core.values import MANIFEST
from fedgate.manifest.model import Manifest

PATHS: dict[Protocol, tuple[str, str, str]] = {
    "mcp": ("mcp_load", "/mcp", "call"),
    "a2a": ("a2a_load", "/a2a/bench", "send"),
    "llm": ("llm_load", chat.PATH, "json"),
}
"""By protocol: a load generator, the path that it goes to, and its mode."""


def stage(folder: Path, serves: Protocol = "mcp") -> Rig:
    """A rig whose upstream is never asked."""
    return Rig(Options(["fedgate"]), folder, cast("Child", None), 9000, serves)


def test_policies_and_parts_count_as_fedgate_and_the_others_as_themselves() -> None:
    assert {stands_for(each) for each in (*POLICIES, *MICROS)} == {FEDGATE}
    assert tuple(map(stands_for, ALL)) == ALL


@pytest.mark.parametrize("serves", ["mcp", "a2a", "llm"])
@pytest.mark.parametrize("name", [FEDGATE, *POLICIES])
def test_every_manifest_is_a_valid_one(tmp_path: Path, name: str, serves: Protocol) -> None:
    launch = stage(tmp_path, serves).launch(name, 8080)
    read: Any = YAML(typ="safe").load(Path(launch.command[-1]).read_text())
    made = Manifest.model_validate(read, context=MANIFEST)
    assert (launch.ready, bool(made.access.jwt), bool(made.access.keys)) == (
        "/readyz",
        name not in (FEDGATE, "key"),
        name in (FEDGATE, "key"),
    )


def test_a_gateway_that_wants_a_token_is_given_the_one_of_its_stage(tmp_path: Path) -> None:
    made = stage(tmp_path)
    assert (made.key_of(FEDGATE), made.key_of("key")) == (KEY, KEY)
    assert made.key_of("jwt") == made.key_of("+ limits") == made.issued.token


def test_a_part_that_is_measured_apart_starts_no_gateway(tmp_path: Path) -> None:
    with opened(stage(tmp_path), "micro: metrics") as live:
        assert live.child is None


@pytest.mark.slow
@pytest.mark.parametrize("serves", ["mcp", "a2a", "llm"])
def test_with_every_policy_on_the_load_generators_token_is_served_and_no_token_is_not(serves: Protocol) -> None:
    generator, path, mode = PATHS[serves]
    options = Options([sys.executable, "-m", "fedgate"])
    with rig(options, serves) as made, opened(made, "+ aliases") as live:
        assert status_of(live.port, path, "POST") == 401
        with driven(made, live, generator, path, mode=mode, sessions=2):
            pass  # it opens its sessions, makes calls, and would have failed on a wrong answer
