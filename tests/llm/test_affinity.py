"""llm/affinity.py: which requests are one conversation."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.affinity import LONGEST, digest, keeps, key_of, previous, record_id, session_of
from tests.llm.asking import CHAT, MESSAGES, RESPONSES, facts

SESSION = "54c1eb09-bc4c-4d2f-98eb-6d2ab2d5e2fe"
HELLO = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize(
    "name", ["x-claude-code-session-id", "session-id", "session_id", "x-session-id", "x-session-affinity"]
)
def test_a_clients_session_header_is_the_key(name: str) -> None:
    body = {"messages": HELLO, "metadata": {"user_id": "u"}, "prompt_cache_key": "k"}
    assert key_of(facts(body, headers={name: SESSION})) == f"header:{SESSION}"


@pytest.mark.parametrize(
    ("user", "session"),
    [
        (json.dumps({"device_id": "d", "account_uuid": "", "session_id": SESSION}), SESSION),
        (f"user_0123_account__session_{SESSION}", SESSION),
        ("somebody", "somebody"),
        ('{"device_id": "d"}', '{"device_id": "d"}'),
        ("{no json", "{no json"),
        ('{"session_id": 3}', '{"session_id": 3}'),
    ],
)
def test_claude_codes_session_is_found_in_the_users_id(user: str, session: str) -> None:
    assert session_of(user) == session
    assert key_of(facts({"messages": HELLO, "metadata": {"user_id": user}}, MESSAGES)) == f"user:{session}"


def test_a_cache_key_comes_next() -> None:
    assert key_of(facts({"messages": HELLO, "prompt_cache_key": "k"})) == "cache:k"
    assert key_of(facts({"input": "hello", "prompt_cache_key": "k"}, RESPONSES)) == "cache:k"


def test_else_it_is_known_by_its_beginning() -> None:
    first = key_of(facts({"messages": HELLO}))
    later = key_of(facts({"messages": [*HELLO, {"role": "assistant", "content": "hi"}, *HELLO]}))
    assert first.startswith("opening:")
    assert first == later
    assert first != key_of(facts({"messages": [{"role": "system", "content": "x"}, *HELLO]}))


def test_a_request_without_any_words_is_no_conversation() -> None:
    assert key_of(facts({})) == ""


@pytest.mark.parametrize("said", ["", " ", "x" * (LONGEST + 1)])
def test_a_key_that_says_nothing_or_too_much_is_none(said: str) -> None:
    assert key_of(facts({"messages": HELLO}, headers={"session-id": said})).startswith("opening:")
    assert key_of(facts({"messages": HELLO, "prompt_cache_key": said})).startswith("opening:")


@pytest.mark.parametrize("body", [{"metadata": 3}, {"metadata": {"user_id": 3}}, {"prompt_cache_key": [1]}])
def test_members_of_another_kind_are_none(body: dict[str, Any]) -> None:
    assert key_of(facts({"messages": HELLO, **body})).startswith("opening:")


def test_what_a_request_goes_on_from_and_what_is_kept() -> None:
    assert previous(facts({"input": "x", "previous_response_id": "resp_1"}, RESPONSES)) == "resp_1"
    assert previous(facts({"input": "x"}, RESPONSES)) == ""
    assert previous(facts({"messages": HELLO, "previous_response_id": "resp_1"}, CHAT)) == ""
    assert keeps(facts({"input": "x"}, RESPONSES))
    assert keeps(facts({"input": "x", "store": True}, RESPONSES))
    assert not keeps(facts({"input": "x", "store": False}, RESPONSES))
    assert not keeps(facts({"messages": HELLO}, CHAT))


WORDS = st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))


@given(WORDS, WORDS)
def test_other_callers_routes_or_keys_are_other_records(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (record_id(*one) == record_id(*other)) is (one == other)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_parts_cannot_be_shifted(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(*one) == digest(*other)) is (one == other)
