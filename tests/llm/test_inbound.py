"""llm/inbound.py and llm/places.py: what a path and a body ask."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.call import Request
from fedgate.core.errors import BadRequest, MethodNotAllowed, NotFound
from fedgate.llm.inbound import check_query, has_key, read
from fedgate.llm.places import Place, likely_format, place_of


async def nothing() -> bytes:
    return b""


def request(query: bytes = b"") -> Request:
    return Request("1", "POST", "/", query, {}, "", "", "HTTP/1.1", nothing)


CHAT = Place("openai", "chat")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions/", CHAT),
        ("/v1/responses", Place("responses", "chat")),
        ("/v1/embeddings", Place("openai", "embeddings")),
        ("/v1/messages", Place("anthropic", "chat")),
        ("/v1/messages/count_tokens", Place("anthropic", "count_tokens")),
        ("/v1beta/models/g:generateContent", Place("gemini", "generate_content", "g")),
        ("/v1/models/g:generateContent", Place("gemini", "generate_content", "g")),
        ("/v1beta/models/org/g:8b:streamGenerateContent", Place("gemini", "generate_content", "org/g:8b", True)),
        ("/v1/models/g:streamGenerateContent", Place("gemini", "generate_content", "g", True)),
        ("/v1/models/g:countTokens", Place("gemini", "count_tokens", "g")),
        ("/v1beta/models/g:countTokens", Place("gemini", "count_tokens", "g")),
    ],
)
def test_a_posted_path_means_one_operation(path: str, place: Place) -> None:
    assert place_of("POST", path, {}, in_route=False) == place
    with pytest.raises(MethodNotAllowed) as caught:
        place_of("GET", path, {}, in_route=False)
    assert caught.value.headers == ((b"allow", b"POST"),)


@pytest.mark.parametrize(
    ("path", "headers", "place"),
    [
        ("/v1/models", {}, Place("openai", "models")),
        ("/v1/models/a/b:c", {}, Place("openai", "models", "a/b:c")),
        ("/v1/models", {b"anthropic-version": b"2023-06-01"}, Place("anthropic", "models")),
        ("/v1beta/models", {}, Place("gemini", "models")),
        ("/v1beta/models/g", {}, Place("gemini", "models", "g")),
        ("/v1/models", {b"x-goog-api-key": b"k"}, Place("gemini", "models")),
    ],
)
def test_lists_of_models_are_read(path: str, headers: dict[bytes, bytes], place: Place) -> None:
    assert place_of("GET", path, headers, in_route=False) == place
    assert place_of("HEAD", path, headers, in_route=False) == place


@pytest.mark.parametrize("path", ["", "/", "/chat/completions", "/v1/chat/completions"])
def test_below_a_routes_path_the_version_may_be_left_out(path: str) -> None:
    assert place_of("POST", path, {}, in_route=True) == CHAT


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/completions", "/chat/completions", "/v2/messages", "/v1beta/messages"]
)
def test_elsewhere_there_is_nothing(path: str) -> None:
    with pytest.raises(NotFound, match="models are served at /v1/chat/completions"):
        place_of("POST", path, {}, in_route=False)


@pytest.mark.parametrize(
    ("path", "headers", "format_"),
    [
        ("/v1/chat/completions", {}, "openai"),
        ("/v1/responses", {}, "responses"),
        ("/v1/messages", {}, "anthropic"),
        ("/v1/what", {b"anthropic-version": b"x"}, "anthropic"),
        ("/v1beta/x", {}, "gemini"),
        ("/x", {b"x-goog-api-client": b"genai"}, "gemini"),
    ],
)
def test_errors_have_the_format_that_the_caller_most_likely_reads(
    path: str, headers: dict[bytes, bytes], format_: str
) -> None:
    assert likely_format(path, headers) == format_


def test_what_decides_is_read_and_the_rest_left_as_it_is() -> None:
    body = b' {"stream":true,"model":"m","max_completion_tokens":7,"stream_options":{"include_usage":true},"x":1e2}'
    asked = read(CHAT, request(), body)
    assert (asked.model, asked.stream, asked.wants_usage, asked.max_tokens, asked.body) == ("m", True, True, 7, body)


def test_the_query_is_kept_as_far_as_providers_know_it() -> None:
    assert read(Place("anthropic", "chat"), request(b"beta=true&x=1"), b'{"model":"m"}').query == "beta=true"


@pytest.mark.parametrize(("query", "array"), [(b"", True), (b"alt=sse", False), (b"alt=json", True)])
def test_geminis_streams_are_arrays_unless_events_are_asked_for(query: bytes, array: bool) -> None:
    asked = read(Place("gemini", "generate_content", "g", True), request(query), b"{}")
    assert (asked.model, asked.stream, asked.array) == ("g", True, array)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is not a JSON object"),
        (b"[]", "the body is not a JSON object"),
        (b'{"model":"m"', "the body is not a JSON object"),
        (b'{"model":5}', "model must be the name of a model"),
        (b'{"model":""}', "model must be the name of a model"),
        (b'{"model":"a\\nb"}', "model must be the name of a model"),
        (b'{"model":"m","stream":"yes"}', "stream must be true or false"),
        (b'{"model":"m","stream_options":{"include_usage":1}}', "stream_options.include_usage must be true or false"),
        (b'{"model":"a","model":"b"}', "the body names one of its members twice"),
        (b'{"model":"a","mod\\u0065l":"b"}', "the body names one of its members twice"),
    ],
)
def test_what_cannot_be_read_is_a_bad_request_that_says_so(body: bytes, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        read(CHAT, request(), body)


@pytest.mark.parametrize("query", [b"key=AIza", b"alt=sse&key=", b"KEY=1", b"k%65y=1", b"api_key=1", b"access_token=1"])
def test_a_key_in_the_query_is_refused(query: bytes) -> None:
    assert has_key(query)
    with pytest.raises(BadRequest, match="must not carry a key"):
        check_query(query)


def test_halves_of_emoji_do_not_spoil_a_request() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"\\ud83d"}]}'
    asked = read(CHAT, request(), body)
    assert json.loads(asked.body)["messages"][0]["content"] == "\ufffd"


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_nothing_but_a_bad_request_comes_of_rubbish(body: bytes, query: bytes) -> None:
    for place in (CHAT, Place("gemini", "generate_content", "g", True)):
        with suppress(BadRequest):
            read(place, request(query), body)


@given(st.text(max_size=80), st.sampled_from(["GET", "POST", "PUT"]), st.booleans())
def test_nothing_but_not_found_and_not_allowed_come_of_paths(path: str, method: str, in_route: bool) -> None:
    with suppress(NotFound, MethodNotAllowed):
        place_of(method, path, {}, in_route=in_route)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_routes_own_path_answers_who_asks_whether_somebody_is_there(method: str) -> None:
    assert place_of(method, "", {}, in_route=True) == Place("openai", "models")
