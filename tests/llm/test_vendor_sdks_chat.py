"""Every vendor's SDK as a client, before a provider of every format: texts, tools, images, schemas, thoughts.

The gateway is a process, the providers are scripted (`vendor_world`); what the clients hear is what the
provider said, and what the provider was asked is what the client meant, in the provider's own words.
"""

import pytest

from tests.llm.vendor_clients import CLIENTS, PNG_TEXT, Clients, Heard, Wants
from tests.llm.vendor_reading import read
from tests.llm.vendor_wire import CACHED, FORMATS, IN, OUT, SIGNATURE, Calls, Says
from tests.llm.vendor_world import World

pytestmark = pytest.mark.slow

USAGE = (IN, CACHED, OUT)
TEXT = "Hello there, it is a sunny day."
THOUGHT = "The user wants a greeting; a short one will do."
EVERY_CLIENT = pytest.mark.parametrize("client", CLIENTS)
EVERY_PROVIDER = pytest.mark.parametrize("provider", FORMATS)
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
TWO = (Calls("call_one_1", "add", {"a": 1, "b": 2}), Calls("call_two_2", "add", {"a": 30, "b": 12}))


@EVERY_CLIENT
@EVERY_PROVIDER
@BOTH_WAYS
def test_a_text_arrives_with_its_usage(stage: World, sdks: Clients, client: str, provider: str, stream: bool) -> None:
    stage.providers.say(Says(TEXT))
    talker = sdks.talker(client, provider)
    talker.say("How is the weather?")
    heard = talker.hear(Wants(system="Be brief."), stream=stream)
    assert heard == Heard(TEXT, "", "", (), "stop", USAGE)
    asked = read(stage.providers.last)
    assert (asked.system, asked.texts) == ("Be brief.", ["How is the weather?"])


@EVERY_CLIENT
@EVERY_PROVIDER
@BOTH_WAYS
def test_two_calls_at_once_and_their_results_make_a_round(
    stage: World, sdks: Clients, client: str, provider: str, stream: bool
) -> None:
    stage.providers.say(Says("I will add.", TWO), Says("3 and 42."))
    talker = sdks.talker(client, provider)
    talker.say("What is 1 + 2, and 30 + 12?")
    heard = talker.hear(Wants(tools=True), stream=stream)
    assert (heard.text, heard.finish) == ("I will add.", "tool")
    assert [(call.name, call.arguments) for call in heard.calls] == [(call.name, call.arguments) for call in TWO]
    if "gemini" not in (client, provider):
        assert [call.id for call in heard.calls] == [call.id for call in TWO]
    talker.give([(call, str(call.arguments["a"] + call.arguments["b"])) for call in heard.calls])
    assert talker.hear(Wants(tools=True), stream=stream) == Heard("3 and 42.", "", "", (), "stop", USAGE)
    asked = read(stage.providers.last)
    assert asked.tools == ["add"]
    assert [(call.name, call.arguments) for call in asked.calls] == [(call.name, call.arguments) for call in TWO]
    assert [text for _, text in asked.results] == ["3", "42"]
    assert [id_ for id_, _ in asked.results] == [call.id for call in asked.calls]
    if provider != "gemini":
        assert len({call.id for call in asked.calls}) == 2


@EVERY_CLIENT
@EVERY_PROVIDER
def test_an_image_arrives_byte_for_byte(stage: World, sdks: Clients, client: str, provider: str) -> None:
    stage.providers.say(Says("A pixel."))
    talker = sdks.talker(client, provider)
    talker.say("What is this?", image=True)
    assert talker.hear().text == "A pixel."
    asked = read(stage.providers.last)
    assert (asked.texts, asked.images) == (["What is this?"], [("image/png", PNG_TEXT)])


@EVERY_CLIENT
@EVERY_PROVIDER
def test_a_schema_for_the_answer_arrives(stage: World, sdks: Clients, client: str, provider: str) -> None:
    stage.providers.say(Says('{"name":"Ada","age":36}'))
    talker = sdks.talker(client, provider)
    talker.say("Who?")
    assert talker.hear(Wants(schema=True)).text == '{"name":"Ada","age":36}'
    schema = read(stage.providers.last).schema
    assert schema is not None
    assert (schema["required"], sorted(schema["properties"])) == (["name", "age"], ["age", "name"])


@EVERY_CLIENT
@EVERY_PROVIDER
@BOTH_WAYS
def test_a_thought_is_shown_as_the_client_knows_thoughts(
    stage: World, sdks: Clients, client: str, provider: str, stream: bool
) -> None:
    stage.providers.say(Says(TEXT, thought=THOUGHT))
    talker = sdks.talker(client, provider)
    talker.say("Hi")
    heard = talker.hear(Wants(thoughts=True), stream=stream)
    assert (heard.text, heard.thought, heard.finish, heard.usage) == (TEXT, THOUGHT, "stop", USAGE)
    assert read(stage.providers.last).thinks


SIGNERS = [(name, name) for name in ("responses", "anthropic", "gemini")]
SIGNERS += [("anthropic", provider) for provider in ("responses", "gemini", "bedrock")]
SIGNERS += [("gemini", provider) for provider in ("responses", "anthropic", "bedrock")]
"""Clients that keep signatures, and providers that give them."""


@pytest.mark.parametrize(("client", "provider"), SIGNERS)
@BOTH_WAYS
def test_a_signature_comes_back_to_its_provider_with_the_next_turn(
    stage: World, sdks: Clients, client: str, provider: str, stream: bool
) -> None:
    stage.providers.say(Says("I will add.", TWO, thought=THOUGHT), Says("3 and 42."))
    talker = sdks.talker(client, provider)
    talker.say("What is 1 + 2, and 30 + 12?")
    heard = talker.hear(Wants(tools=True, thoughts=True), stream=stream)
    assert heard.thought == THOUGHT
    if client == provider:
        assert heard.signature == SIGNATURE
    talker.give([(call, "3") for call in heard.calls])
    talker.hear(Wants(tools=True, thoughts=True), stream=stream)
    assert read(stage.providers.last).signatures == [SIGNATURE]
