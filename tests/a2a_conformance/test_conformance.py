"""Our conformance checks, against an agent of the SDK and through a gateway before two replicas: equal results."""

from pathlib import Path

import pytest

from tests.a2a_conformance.kit import CHECKS
from tests.a2a_conformance.runner import Results, better, key, run
from tests.a2a_conformance.stage import agent, gateway

pytestmark = pytest.mark.anyio

SDK_DOES_NOT = {
    "RPC-13 1.0/jsonrpc": "it reads any content type as JSON",
    "REST-08 1.0/rest": "it reads any content type as JSON",
    "SEND-24 1.0/jsonrpc": "it takes the last of two spellings",
    "SEND-24 1.0/rest": "it takes the last of two spellings",
    "SEND-25 1.0/jsonrpc": "it takes the last of two members",
    "VER-05 1.0/jsonrpc": "it looks for the version in the header alone",
    "VER-05 1.0/rest": "it looks for the version in the header alone",
    "VER-06 1.0/jsonrpc": "it takes a missing header for 0.3 whatever the method",
}
"""What the SDK's own server fails, and why."""


def failures(results: Results) -> dict[str, str]:
    return {each: outcome.detail for each, outcome in results.items() if outcome.verdict == "fail"}


def test_every_requirement_has_an_id_of_its_own() -> None:
    ids = [each.id for each in CHECKS]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 100


def test_what_the_sdk_fails_is_what_a_gateway_must_do_better() -> None:
    assert SDK_DOES_NOT.keys() <= better()
    assert better() <= {key(each, speech) for each in CHECKS for speech in each.speeches}


@pytest.mark.slow
async def test_the_sdks_own_server_meets_every_requirement_but_these(tmp_path: Path) -> None:
    with agent(tmp_path) as url:
        results = await run(url)
    assert failures(results).keys() == SDK_DOES_NOT.keys(), failures(results)
    assert len(results) > 300


@pytest.mark.slow
async def test_through_a_gateway_before_two_replicas_everything_is_as_it_is_without(tmp_path: Path) -> None:
    with gateway(tmp_path, replicas=2) as url:
        results = await run(url)
    assert failures(results) == {}
