"""llm/responses_errors.py: errors of OpenAI's Responses API."""

import json

import httpx2
import openai
import pytest

from fedgate.llm.responses_errors import kind_of, read_error, write_error


def test_errors_are_those_that_the_sdk_raises() -> None:
    body = write_error(429, "rate_limit_error", "Slow down.")

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(429, headers={"content-type": "application/json"}, content=body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = openai.OpenAI(api_key="k", max_retries=0, http_client=http)
        with pytest.raises(openai.RateLimitError) as caught:
            client.responses.create(model="m", input="hi")
    assert caught.value.code == "rate_limit_exceeded"
    assert read_error(429, body) == ("rate_limit_error", "Slow down.")
    assert json.loads(body)["error"]["message"] == "Slow down."


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("rate_limit_exceeded", "rate_limit_error"),
        ("server_error", "api_error"),
        ("invalid_image_format", "invalid_request_error"),
        ("image_too_large", "invalid_request_error"),
        ("invalid_api_key", "authentication_error"),
        ("context_length_exceeded", "invalid_request_error"),
        ("server_is_overloaded", "overloaded_error"),
        ("", "api_error"),
    ],
)
def test_codes_of_failed_answers_have_a_kind(code: str, kind: str) -> None:
    assert kind_of(code) == kind
