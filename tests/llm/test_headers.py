"""llm/headers.py: what passes is on a list."""

import pytest

from fedgate.core.call import Principal
from fedgate.llm.headers import LONGEST, callers_key, to_caller, to_provider

ANYBODY, ALICE = Principal("anonymous"), Principal("alice", "key")


def test_to_a_provider_of_another_format_goes_next_to_nothing() -> None:
    headers = {b"anthropic-beta": b"x", b"user-agent": b"cli", b"cookie": b"a", b"authorization": b"Bearer k"}
    assert to_provider(headers, same_format=False) == ((b"user-agent", b"cli"),)
    assert to_provider(headers, same_format=True) == ((b"anthropic-beta", b"x"), (b"user-agent", b"cli"))


@pytest.mark.parametrize("value", [b"a\x00b", b"a\x7fb", b"x" * (LONGEST + 1)])
def test_what_cannot_be_sent_is_left_out(value: bytes) -> None:
    assert to_provider({b"user-agent": value}, same_format=True) == ()


def test_to_the_caller_go_limits_and_ids() -> None:
    headers = [
        (b"request-id", b"1"),
        (b"anthropic-ratelimit-tokens-remaining", b"2"),
        (b"x-ratelimit-limit-requests", b"3"),
        (b"retry-after", b"4"),
        (b"set-cookie", b"a=b"),
        (b"content-length", b"5"),
        (b"transfer-encoding", b"chunked"),
        (b"server", b"x"),
    ]
    assert to_caller(headers) == tuple(headers[:4])


@pytest.mark.parametrize(
    ("headers", "principal", "key"),
    [
        ({b"x-api-key": b"own"}, ANYBODY, "own"),
        ({b"authorization": b"bearer own"}, ANYBODY, "own"),
        ({b"authorization": b"Basic own"}, ANYBODY, ""),
        ({b"x-goog-api-key": b" own "}, ANYBODY, "own"),
        ({b"x-api-key": b"gate"}, ALICE, ""),
        ({b"x-api-key": b"gate", b"x-fedgate-provider-key": b"own"}, ALICE, "own"),
        ({b"x-fedgate-provider-key": b"two words"}, ALICE, ""),
        ({b"x-fedgate-provider-key": b"\xc3\xa9"}, ALICE, ""),
        ({}, ANYBODY, ""),
    ],
)
def test_a_key_that_opens_the_gateway_is_never_the_providers(
    headers: dict[bytes, bytes], principal: Principal, key: str
) -> None:
    assert callers_key(headers, principal) == key
