"""llm/counted.py: counts of tokens that are asked of a provider of the other format, and told in the caller's."""

import json
from contextlib import suppress
from typing import Any, Literal

import pytest
from anthropic.types import MessageCountTokensParams
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.llm.counted import Counted
from fedgate.llm.exchange import Unable
from fedgate.llm.inbound import read
from fedgate.llm.places import place_of
from fedgate.llm.translated import Reading
from fedgate.llm.usage import Told
from tests.llm.asking import call

PATHS = {"anthropic": "/v1/messages/count_tokens", "gemini": "/v1beta/models/m:countTokens"}
ADD = {"type": "object", "properties": {"a": {"type": "integer"}}}
ANTHROPIC: dict[str, Any] = {
    "model": "m",
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Hi"}],
    "tools": [{"name": "add", "description": "Add.", "input_schema": ADD}],
    "tool_choice": {"type": "any"},
}
GEMINI: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "tools": [{"functionDeclarations": [{"name": "add", "description": "Add.", "parametersJsonSchema": ADD}]}],
    "generationConfig": {"temperature": 0.5, "maxOutputTokens": 7, "stopSequences": ["x"]},
}

Caller = Literal["anthropic", "gemini"]


def counted(caller: Caller, body: Any, provider: Any, model: str) -> Counted:
    made = call(PATHS[caller])
    place = place_of("POST", PATHS[caller], {}, in_route=False)
    return Counted(Reading(read(place, made.request, json.dumps(body).encode())), provider, model)


def test_gemini_counts_all_of_an_anthropic_request() -> None:
    sent = json.loads(counted("anthropic", ANTHROPIC, "gemini", "models/gemini-2.5-pro").body())
    (inner,) = sent.values()
    assert list(sent) == ["generateContentRequest"]
    assert inner["model"] == "models/gemini-2.5-pro"
    assert inner["contents"] == GEMINI["contents"]
    assert inner["systemInstruction"] == GEMINI["systemInstruction"]
    assert inner["tools"][0]["functionDeclarations"][0]["name"] == "add"
    assert inner["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}


@pytest.mark.parametrize("wrapped", [False, True])
def test_anthropic_counts_what_gemini_would_read_and_is_sent_nothing_else(wrapped: bool) -> None:
    body = {"generateContentRequest": {"model": "models/m", **GEMINI}} if wrapped else GEMINI
    sent = json.loads(counted("gemini", body, "anthropic", "claude-sonnet-4-5").body())
    assert sent["model"] == "claude-sonnet-4-5"
    assert sent["system"] in ("Be brief.", [{"type": "text", "text": "Be brief."}])
    assert [each["role"] for each in sent["messages"]] == ["user"]
    assert sent["tools"][0]["name"] == "add"
    assert sent.keys() <= MessageCountTokensParams.__annotations__.keys()


def test_counts_are_told_as_the_caller_knows_them_and_are_nobodys_usage() -> None:
    by_gemini = counted("anthropic", ANTHROPIC, "gemini", "g")
    assert by_gemini.whole(b'{"totalTokens": 31, "cachedContentTokenCount": 2}') == (b'{"input_tokens":31}', Told())
    by_anthropic = counted("gemini", GEMINI, "anthropic", "c")
    assert by_anthropic.whole(b'{"input_tokens": 12.0}') == (b'{"totalTokens":12}', Told())
    assert counted("anthropic", ANTHROPIC, "anthropic", "c").whole(b'{"input_tokens": 5}')[0] == b'{"input_tokens":5}'


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"input_tokens": -1, "totalTokens": -1}'])
def test_an_answer_without_a_count_cannot_be_used(provider: str, body: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="the answer of the provider cannot be read"):
        counted("anthropic", ANTHROPIC, provider, "x").whole(body)


def test_a_request_that_cannot_be_read_is_unfit_so_that_another_provider_may_count_it() -> None:
    with pytest.raises(Unable) as caught:
        counted("gemini", {"generateContentRequest": 7}, "anthropic", "c")
    assert caught.value.failure.sort == "unfit"
    assert "generateContentRequest: must be an object" in caught.value.failure.message


@given(st.binary(max_size=60) | st.builds(lambda n: json.dumps({"input_tokens": n}).encode(), st.integers()))
def test_any_answer_is_a_count_or_an_error(body: bytes) -> None:
    for provider in ("anthropic", "gemini"):
        with suppress(UpstreamInvalid):
            told, _ = counted("anthropic", ANTHROPIC, provider, "x").whole(body)
            assert json.loads(told)["input_tokens"] >= 0
