"""Every vendor's SDK when something fails: the exception that it raises at home, with the provider's own sentence.

Each status of a provider of each format, streams that break, and what the gateway itself refuses.
"""

from typing import Any

import anthropic
import openai
import pytest
from google.genai import errors as google

from tests.llm.vendor_clients import CLIENTS, Clients, Wants, clients
from tests.llm.vendor_wire import FORMATS, Says
from tests.llm.vendor_world import Breaks, Refuses, World

pytestmark = pytest.mark.slow

EVERY_CLIENT = pytest.mark.parametrize("client", CLIENTS)
EVERY_PROVIDER = pytest.mark.parametrize("provider", FORMATS)
Kinds = tuple[type[Exception], type[Exception], type[Exception]]
RAISED: dict[int, Kinds] = {
    400: (openai.BadRequestError, anthropic.BadRequestError, google.ClientError),
    404: (openai.NotFoundError, anthropic.NotFoundError, google.ClientError),
    413: (openai.APIStatusError, anthropic.ContentTooLargeError, google.ClientError),
    429: (openai.RateLimitError, anthropic.RateLimitError, google.ClientError),
    500: (openai.InternalServerError, anthropic.InternalServerError, google.ServerError),
    503: (openai.InternalServerError, anthropic.ServiceUnavailableError, google.ServerError),
    529: (openai.InternalServerError, anthropic.OverloadedError, google.ServerError),
}
"""What the SDKs of OpenAI, Anthropic and Google raise for a status."""


def expected(client: str, status: int) -> type[Exception]:
    return RAISED[status][{"openai": 0, "responses": 0, "anthropic": 1, "gemini": 2}[client]]


def status_of(error: Any) -> int:
    return int(error.code if isinstance(error, google.APIError) else error.status_code)


def failed(sdks: Clients, client: str, model: str, *, stream: bool = False) -> Any:
    talker = sdks.talker(client, model)
    talker.say("Hi")
    with pytest.raises((openai.OpenAIError, anthropic.AnthropicError, google.APIError)) as caught:
        talker.hear(Wants(), stream=stream)
    return caught.value


@pytest.mark.parametrize(("status", "stream"), [*((status, False) for status in RAISED), (400, True), (529, True)])
@EVERY_CLIENT
@EVERY_PROVIDER
def test_a_providers_status_is_the_clients_own_exception(
    stage: World, sdks: Clients, client: str, provider: str, status: int, stream: bool
) -> None:
    stage.providers.say(Refuses(status, "prompt is too long: 210000 tokens"))
    error = failed(sdks, client, provider, stream=stream)
    # 529 is Anthropic's own: other clients know 503.
    assert status_of(error) == (503 if status == 529 and client != "anthropic" else status)
    assert type(error) is expected(client, status)
    assert "prompt is too long: 210000 tokens" in str(error)
    assert len(stage.providers.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
@EVERY_CLIENT
@EVERY_PROVIDER
def test_a_refused_key_of_the_gateway_is_no_fault_of_the_client(
    stage: World, sdks: Clients, client: str, provider: str, status: int
) -> None:
    stage.providers.say(Refuses(status, "Incorrect API key provided: sk-up"))
    error = failed(sdks, client, provider)
    assert status_of(error) == 502
    assert f"check the key of models.providers.{provider}" in str(error)
    assert "sk-up" not in str(error)


@EVERY_CLIENT
@EVERY_PROVIDER
def test_retry_after_reaches_the_client(stage: World, sdks: Clients, client: str, provider: str) -> None:
    stage.providers.say(Refuses(429, "Slow down.", (("retry-after", "7"),)))
    error = failed(sdks, client, provider)
    assert error.response.headers["retry-after"] == "7"


@EVERY_CLIENT
@EVERY_PROVIDER
def test_a_stream_that_breaks_off_is_no_whole_answer(stage: World, sdks: Clients, client: str, provider: str) -> None:
    stage.providers.say(Breaks(Says("Hello there, it is a sunny day."), after=4 if provider == "gemini" else 6))
    talker = sdks.talker(client, provider)
    talker.say("Hi")
    with pytest.raises((openai.APIError, anthropic.APIError, google.APIError), match=f"provider {provider} "):
        talker.hear(Wants(), stream=True)


@EVERY_CLIENT
@EVERY_PROVIDER
def test_a_stream_that_is_empty_is_refused_with_a_status(
    stage: World, sdks: Clients, client: str, provider: str
) -> None:
    stage.providers.say(Breaks(Says("Hello"), after=0))
    error = failed(sdks, client, provider, stream=True)
    assert status_of(error) == 502


@EVERY_CLIENT
@EVERY_PROVIDER
def test_an_answer_that_is_none_is_a_bad_gateway(stage: World, sdks: Clients, client: str, provider: str) -> None:
    stage.providers.say(b"<html>Bad Gateway</html>")
    error = failed(sdks, client, provider)
    assert status_of(error) == 502
    assert f"The provider {provider} sent an answer that cannot be used" in str(error)


@EVERY_CLIENT
def test_an_unknown_model_is_not_found_and_the_nearest_is_named(sdks: Clients, client: str) -> None:
    error = failed(sdks, client, "antropic")
    assert type(error) is expected(client, 404)
    assert "there is no model 'antropic' here; did you mean anthropic" in str(error)


@EVERY_CLIENT
def test_a_wrong_key_is_refused_as_the_client_knows_it(stage: World, client: str) -> None:
    with clients(stage.url, key="key-of-nobody-0001") as strangers:
        error = failed(strangers, client, "openai")
    assert status_of(error) == 401
    kinds = (openai.AuthenticationError, anthropic.AuthenticationError, google.ClientError)
    assert type(error) is kinds[{"openai": 0, "responses": 0, "anthropic": 1, "gemini": 2}[client]]
    assert "key-of-nobody" not in str(error)
