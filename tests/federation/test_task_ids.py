"""Ids of tasks: good for the caller who was given them, and for the server they name."""

import json

from hypothesis import given
from hypothesis import strategies as st

from fedgate.federation.task_ids import LONGEST, TaskIds, is_task

IDS = TaskIds(bytes(range(32)))


@given(owner=st.text(max_size=20), server=st.from_regex("[a-z0-9-]{1,32}", fullmatch=True), task=st.text(max_size=80))
def test_an_id_leads_back_to_its_server_and_task(owner: str, server: str, task: str) -> None:
    assert IDS.unwrap(owner, IDS.wrap(owner, server, task)) == (server, task)


@given(st.text(max_size=100))
def test_what_was_never_given_is_unknown(exposed: str) -> None:
    assert IDS.unwrap("key:alice", exposed) is None


def test_an_id_is_unknown_to_others_under_another_key_and_when_changed() -> None:
    exposed = IDS.wrap("key:alice", "one", "t-1")
    assert IDS.unwrap("key:bob", exposed) is None
    assert TaskIds(bytes(32)).unwrap("key:alice", exposed) is None
    assert IDS.unwrap("key:alice", exposed.replace("one", "two")) is None
    assert IDS.unwrap("key:alice", exposed[:-1] + ("0" if exposed[-1] != "0" else "1")) is None
    assert IDS.unwrap("key:alice", "t." + "x" * LONGEST) is None


def test_a_result_that_tells_of_a_task_gets_the_id_that_its_client_knows() -> None:
    result = b'{"resultType":"task","taskId":"t-1","status":"working","vendor":{"a":[1e400]}}'
    mapped = IDS.map_result("key:alice", "one", result)
    assert mapped == result.replace(b'"t-1"', json.dumps(IDS.wrap("key:alice", "one", "t-1")).encode())
    assert IDS.map_result("key:alice", "one", b'{"taskId":7}') == b'{"taskId":7}'


def test_only_results_of_the_extension_are_tasks() -> None:
    assert is_task("tools/call", b'{"resultType":"task","taskId":"x"}')
    assert is_task("tasks/get", b'{"resultType":"complete","taskId":"x"}')
    assert not is_task("tools/call", b'{"resultType":"complete","content":[{"text":"\\"taskId\\""}]}')
    assert not is_task("tools/call", b'{"resultType":"complete","structuredContent":{"taskId":"x"}}')
