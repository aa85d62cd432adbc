"""The official SDK's clients, 1.3 and 0.3, over JSON-RPC and HTTP+JSON, against a gateway before two replicas.

Each is a process that goes wherever the card sends it, and does everything a client can do.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.a2a_environment import sdk_03, seen_by
from tests.clients.a2a_stage import gateway

pytestmark = pytest.mark.slow

KEY = "key-of-alice-0001"
KEYS = {"keys": [{"id": "alice", "key": KEY}]}
every_binding = pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gateway(tmp_path_factory.mktemp("gateway"), access=KEYS) as url:
        yield url


def nameless(seen: dict[str, Any]) -> dict[str, Any]:
    """What was seen, without the names of the replicas that happened to answer."""
    return {key: _nameless(value) for key, value in seen.items()}


def _nameless(value: Any) -> Any:
    if isinstance(value, list):
        return [_nameless(each) for each in value]
    return re.sub(r"replica-\d", "NAME", value) if isinstance(value, str) else value


@every_binding
def test_a_client_of_the_sdk_1_3_does_everything_it_can(url: str, binding: str) -> None:
    seen = seen_by(sys.executable, "a2a_sdk_13.py", url, binding, KEY)
    assert len(set(re.findall(r"replica-\d", str([seen[part] for part in ("remembered", "streamed", "remark")])))) == 1
    assert nameless(seen) == {
        "card": "Memory",
        "addresses": [url],
        "remembered": ["I will remember that tea is green. (turn 1, NAME)", "tea is green. (turn 2, NAME)"],
        "one context": True,
        "streamed kinds": ["task", "status_update", "artifact_update", "artifact_update", "status_update"],
        "streamed": ["This is what you have told me:\n", "tea is green. (turn 3, NAME)"],
        "remark": "I am NAME. (turn 4, NAME)",
        "kept": ["TASK_STATE_COMPLETED", "I will remember that tea is green. (turn 1, NAME)"],
        "listed": 3,
        "asked": ["TASK_STATE_INPUT_REQUIRED", "At what time? (HH:MM) (turn 1, NAME)"],
        "booked": ["TASK_STATE_COMPLETED", "A table for 4 at 19:30 is booked. (turn 2, NAME)", True],
        "joined": True,
        "cancelled": ["TASK_STATE_CANCELED", "TASK_STATE_CANCELED", "TaskNotCancelableError"],
        "own url": True,
        "called back": ["statusUpdate", "artifactUpdate", "statusUpdate"],
        "token": ["a token"] * 3,
        "path": ["/a2a/hook"],
        "unknown": "TaskNotFoundError",
    }


@pytest.mark.clients
@every_binding
def test_a_client_of_the_sdk_0_3_does_everything_it_can(url: str, binding: str) -> None:
    seen = seen_by(sdk_03(), "a2a_sdk_03.py", url, binding, KEY)
    failure = "A2AClientJSONRPCError" if binding == "JSONRPC" else "A2AClientHTTPError"
    assert seen.pop("sdk") == "0.3.26"
    assert nameless(seen) == {
        "card": "Memory",
        "addresses": [url],
        "remembered": ["I will remember that tea is green. (turn 1, NAME)", "tea is green. (turn 2, NAME)"],
        "one context": True,
        "streamed": "This is what you have told me:\ntea is green. (turn 3, NAME)",
        "streamed kinds": ["task", "status-update", "artifact-update", "artifact-update", "status-update"],
        "remark": "I am NAME. (turn 4, NAME)",
        "kept": ["completed", "I will remember that tea is green. (turn 1, NAME)"],
        "asked": ["input-required", "At what time? (HH:MM) (turn 1, NAME)"],
        "booked": ["completed", "A table for 4 at 19:30 is booked. (turn 2, NAME)", True],
        "joined": True,
        "cancelled": ["canceled", "canceled", failure],
        "own url": True,
        "called back": 3,
        "token": ["a token"] * 3,
        "path": ["/a2a/hook"],
        "unknown": failure,
    }
