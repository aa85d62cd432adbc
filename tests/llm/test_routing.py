"""llm/routing.py: where requests go, and why; on its own, and behind the endpoint."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.call import Principal
from fedgate.core.clock import ManualClock
from fedgate.core.errors import BadRequest
from fedgate.gateway.conditions import CelExpressions
from fedgate.llm.capabilities import Capabilities
from fedgate.llm.conversations import SHELF, Conversations
from fedgate.llm.facts import Facts
from fedgate.llm.ledger import reason_of
from fedgate.llm.neutral import Usage
from fedgate.llm.providers import providers
from fedgate.llm.routes import Routes
from fedgate.llm.routing import ASTRAY, Knowledge, Routing
from fedgate.llm.usage import Told
from fedgate.llm.values import Decision, Failure, Target
from fedgate.sessions.table import SessionTable
from tests.llm import providers as scripted
from tests.llm.asking import CHAT, MESSAGES, RESPONSES, facts
from tests.llm.kit import front, settings
from tests.llm.providers import SHAPES, provider

pytestmark = pytest.mark.anyio

A, B, C = ({"provider": name, "model": name.upper()} for name in "abc")
HELLO = {"messages": [{"role": "user", "content": "hello"}]}
IMAGE = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}
TOOLS = {**HELLO, "tools": [{"type": "function", "function": {"name": "f"}}]}
PRICES = {"a": 3.0, "b": 1.0, "c": None}


def price(provider: str, _model: str, usage: Usage) -> float | None:
    rate = PRICES[provider]
    return None if rate is None else rate * (usage.input or 0)


class World:
    """Providers a, b and c with a model each, and the routes that are given."""

    def __init__(self, known: dict[str, Any] | None = None, **routes: Any) -> None:
        models = settings(
            {
                "providers": {
                    name: {"type": "ollama", "models": {name.upper(): (known or {}).get(name, {})}} for name in "abc"
                },
                "routes": routes,
                "intents": {"code": ["implement"]},
            }
        )
        self.clock = ManualClock()
        self.routes = Routes(models)
        self.drawn = 0.5
        said = {name: each.models for name, each in providers(models.providers).items()}
        conversations = Conversations(SessionTable(self.clock, idle=60, limit=100))
        knowledge = Knowledge(Capabilities(said), conversations, price, self.clock, lambda: self.drawn)
        self.routing = Routing(self.routes, knowledge, CelExpressions())

    def facts(self, body: Any, path: str = CHAT, route: str = "m", **who: Any) -> Facts:
        return facts(body, path, route=self.routes.by_name[route], **who)

    def choose(self, body: Any = HELLO, path: str = CHAT, route: str = "m", **who: Any) -> tuple[str, str]:
        """The targets' providers in order, and the reason."""
        one = self.facts(body, path, route, **who)
        decision, _ = self.routing.choose(one, one.route)
        return "".join(target.provider for target in decision.targets), reason_of(decision, [])

    def turn(self, body: Any = HELLO, at: str | None = None, path: str = CHAT, told: Told | None = None) -> str:
        """One request that is answered by its first target, or by `at`: who answered."""
        one = self.facts(body, path)
        decision, _ = self.routing.choose(one, one.route)
        target = next(each for each in decision.targets if at in (None, each.provider))
        self.routing.kept(one, decision, target, told or Told())
        return target.provider


# Strategies.


def test_a_single_target_is_the_only_one() -> None:
    assert World(m={"targets": [A]}).choose() == ("a", "only")


def test_fallback_keeps_the_manifests_order() -> None:
    assert World(m={"targets": [A, B, C]}).choose() == ("abc", "fallback: primary")


def test_shares_decide_conversation_by_conversation() -> None:
    world = World(m={"strategy": "weighted", "targets": [{**A, "weight": 80}, {**B, "weight": 20}]})
    said = [{"messages": [{"role": "user", "content": str(number)}]} for number in range(400)]
    first = [world.choose(each) for each in said]
    assert Counter(order for order, _ in first)["ab"] == pytest.approx(320, abs=30)
    assert {reason for order, reason in first if order == "ab"} == {"weighted: 80 of 100"}
    assert first == [world.choose(each) for each in said]


def test_without_affinity_shares_are_drawn_anew() -> None:
    world = World(m={"strategy": "weighted", "affinity": "none", "targets": [{**A, "weight": 1}, {**B, "weight": 1}]})
    orders = set()
    for number in range(50):
        world.drawn = number / 50
        orders.add(world.choose()[0])
    assert orders == {"ab", "ba"}


def test_a_target_without_a_share_is_not_asked() -> None:
    world = World(m={"strategy": "weighted", "targets": [A, {**B, "weight": 0}]})
    assert world.choose() == ("a", "weighted: 1 of 1")


def test_where_only_those_without_a_share_can_the_error_says_so() -> None:
    world = World({"a": {"images": False}}, m={"strategy": "weighted", "targets": [A, {**B, "weight": 0}]})
    with pytest.raises(BadRequest) as caught:
        world.choose(IMAGE)
    assert caught.value.message == "no model behind m can take this request: b/B has no share"


def test_the_cheapest_that_can_comes_first() -> None:
    world = World(m={"strategy": "cost", "affinity": "none", "targets": [A, B, C]})
    order, reason = world.choose()
    assert order == "bac"
    assert reason.startswith("cost: ")
    assert reason.endswith(" USD")
    world = World({"b": {"reasoning": False}}, m={"strategy": "cost", "affinity": "none", "targets": [A, B, C]})
    assert world.choose({**HELLO, "reasoning_effort": "high"})[0] == "acb"
    assert world.choose()[0] == "bac"


def test_the_fastest_comes_first_and_failures_are_slow() -> None:
    world = World(m={"strategy": "latency", "affinity": "none", "targets": [A, B]})
    world.routing.tried(Target("a", "A"), "A", 0.2, None)
    world.routing.tried(Target("b", "B"), "B", 0.1, None)
    assert world.choose() == ("ba", "latency: 0.1 s")
    world.routing.tried(Target("b", "B"), "B", 0.1, Failure("status", "api_error", 500, "", 500))
    assert world.choose() == ("ab", "latency: 0.2 s")


@pytest.mark.parametrize("sort", ["client", "busy", "unfit"])
def test_what_is_no_fault_of_a_target_says_nothing_of_its_speed(sort: Any) -> None:
    world = World(m={"targets": [A]})
    world.routing.tried(Target("a", "A"), "A", 5.0, Failure(sort, "x", 400, ""))
    assert len(world.routing.latencies) == 0


# Capabilities.


def test_who_cannot_carry_a_request_is_skipped_with_the_reason() -> None:
    world = World({"a": {"images": False}, "b": {"tools": False}}, m={"targets": [A, B]})
    assert world.choose() == ("ab", "fallback: primary")
    assert world.choose(IMAGE) == ("b", "skipped a/A (sees no images); fallback")
    assert world.choose(TOOLS) == ("a", "skipped b/B (calls no tools); fallback: primary")


def test_who_is_too_small_is_skipped() -> None:
    world = World({"a": {"context": 1000}}, m={"targets": [A, B]})
    order, reason = world.choose({"messages": [{"role": "user", "content": "word " * 1000}]})
    assert order == "b"
    assert reason.startswith("skipped a/A (has room for 1000 tokens, and the request has about 13")


def test_if_none_can_the_error_says_what_each_lacks() -> None:
    world = World({"a": {"images": False}, "b": {"images": False, "tools": False}}, m={"targets": [A, B]})
    with pytest.raises(BadRequest) as caught:
        world.choose({**IMAGE, "tools": [{}]})
    assert caught.value.message == ("no model behind m can take this request: a/A sees no images; b/B calls no tools")


def test_a_request_that_may_just_fit_is_left_to_the_provider() -> None:
    world = World({"a": {"context": 1200}, "b": {"context": 100}}, m={"targets": [A, B]})
    order, reason = world.choose({"messages": [{"role": "user", "content": "word " * 1000}]})
    assert (order, reason.partition(" (")[0]) == ("a", "skipped b/B")
    with pytest.raises(BadRequest, match=r"a/A has room for 1200 tokens, and the request has about \d+; b/B has"):
        world.choose({"messages": [{"role": "user", "content": "word " * 2000}]})


def test_what_a_provider_counts_is_believed_the_next_time() -> None:
    world = World({"a": {"context": 1000}}, m={"targets": [A, B]})
    long = {"messages": [{"role": "user", "content": "word " * 1000}]}
    assert world.choose(long)[0] == "b"
    one = world.facts(long)
    bound = type("Bound", (), {"asked": one.asked})
    call = type(one.call)("llm", one.call.request, one.call.record, message=bound)
    world.routing.spent(call, "a/A", Usage(700, 1), None)
    assert world.choose(long)[0] == "ab"


# Rules.

AUTO: dict[str, Any] = {
    "m": {
        "rules": [
            {"match": {"max_tokens": "<=100", "has_tools": False}, "route": "small"},
            {"when": 'llm.intent == "code"', "route": "code"},
            {"match": {"group": "ops"}, "route": "more"},
            {"route": "small"},
        ]
    },
    "more": {"rules": [{"match": {"has_images": True}, "route": "code"}]},
    "small": {"targets": [A]},
    "code": {"targets": [B, C], "affinity": "none"},
}


@pytest.mark.parametrize(
    ("body", "who", "expected"),
    [
        ({**HELLO, "max_tokens": 50}, {}, ("a", "rule 1: max_tokens <= 100, no tools; only")),
        (
            {"messages": [{"role": "user", "content": "Implement it"}]},
            {"intent": lambda _: "code"},
            ("bc", 'rule 2: llm.intent == "code"; fallback: primary'),
        ),
        (IMAGE, {"groups": ("ops",)}, ("bc", "rule 3: group ops; rule 1: images; fallback: primary")),
        (HELLO, {}, ("a", "rule 4; only")),
    ],
)
def test_the_first_rule_that_holds_leads_on(body: Any, who: dict[str, Any], expected: tuple[str, str]) -> None:
    assert World(**AUTO).choose(body, **who) == expected


def test_a_request_for_which_there_is_no_rule_is_refused() -> None:
    with pytest.raises(BadRequest) as caught:
        World(**AUTO).choose(HELLO, groups=("ops",))
    assert caught.value.message == "no rule of the model more is for a request like this; ask for another model"


def test_the_settings_of_the_route_that_was_found_hold() -> None:
    world = World(**AUTO)
    one = world.facts({**HELLO, "max_tokens": 50})
    decision, route = world.routing.choose(one, one.route)
    assert (decision.route, route.name) == ("small", "small")


def test_a_wrong_expression_keeps_the_gateway_from_starting() -> None:
    with pytest.raises(ValueError, match=r"^models\.routes\.m\.rules\[0\]\.when "):
        World(m={"rules": [{"when": "llm.nothing", "route": "x"}]}, x={"targets": [A]})


# Affinity.


def test_a_conversation_stays_with_its_target() -> None:
    world = World(m={"strategy": "cost", "targets": [A, B, C]})
    assert world.turn() == "b"
    assert world.turn(at="c") == "c"
    assert world.choose() == ("cba", "affinity")
    assert world.choose({"messages": [{"role": "user", "content": "other"}]})[0] == "bac"


def test_a_conversation_that_fell_stays_a_while_and_comes_back() -> None:
    world = World(m={"targets": [A, B]})
    world.turn(at="b")
    assert world.choose() == ("ba", "affinity")
    world.clock.advance(ASTRAY + 1)
    assert world.choose() == ("ab", "fallback: primary")


def test_without_affinity_nothing_stays() -> None:
    world = World(m={"affinity": "none", "targets": [A, B]})
    world.turn(at="b")
    assert world.choose() == ("ab", "fallback: primary")


def test_a_target_that_cannot_carry_the_next_turn_is_left() -> None:
    world = World({"b": {"images": False}}, m={"targets": [A, B]})
    headers = {"session-id": "s"}
    one = world.facts(HELLO, headers=headers)
    decision, _ = world.routing.choose(one, one.route)
    world.routing.kept(one, decision, decision.targets[1], Told())
    assert world.choose(HELLO, headers=headers)[0] == "ba"
    assert world.choose(IMAGE, headers=headers) == ("a", "skipped b/B (sees no images); fallback: primary")


def test_what_is_no_turn_of_a_conversation_leaves_no_trace() -> None:
    world = World(m={"targets": [A, B]})
    world.turn({"input": "embed this"}, at="b", path="/v1/embeddings")
    world.turn(HELLO, at="b", path="/v1/messages/count_tokens")
    assert world.choose() == ("ab", "fallback: primary")


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.sampled_from(["fallback", "cost", "weighted"]))
def test_wherever_a_conversation_stood_last_it_is_asked_first(stood: list[str], strategy: str) -> None:
    world = World(m={"strategy": strategy, "targets": [A, B, C]})
    for provider_ in stood:
        world.turn(at=provider_)
    order, reason = world.choose()
    assert (order[0], sorted(order), reason) == (stood[-1], list("abc"), "affinity")


# Responses.


def test_what_goes_on_from_a_response_goes_to_its_maker() -> None:
    world = World(m={"targets": [A, B, C]})
    world.turn({"input": "hi"}, at="b", path=RESPONSES, told=Told(id="resp_1"))
    more = {"input": "more", "previous_response_id": "resp_1"}
    assert world.choose(more, RESPONSES) == ("b", "affinity: previous_response_id")


def test_another_model_of_the_same_provider_may_stand_in() -> None:
    other = {"provider": "b", "model": "B2"}
    world = World(m={"targets": [other, A, B]})
    one = world.facts({"input": "hi"}, RESPONSES)
    decision, _ = world.routing.choose(one, one.route)
    world.routing.kept(one, decision, decision.targets[2], Told(id="resp_1"))
    again = world.facts({"input": "more", "previous_response_id": "resp_1"}, RESPONSES)
    found, _ = world.routing.choose(again, again.route)
    assert [target.label for target in found.targets] == ["b/B", "b/B2"]


@pytest.mark.parametrize(
    ("response", "route", "said"),
    [
        ("resp_2", "m", "previous_response_id names no response that can be gone on from here"),
        ("resp_1", "other", "previous_response_id names a response of b/B, where this request does not lead"),
    ],
)
def test_a_response_that_cannot_be_gone_on_from_is_a_clear_error(response: str, route: str, said: str) -> None:
    world = World(m={"targets": [A, B]}, other={"targets": [A]})
    world.turn({"input": "hi"}, at="b", path=RESPONSES, told=Told(id="resp_1"))
    with pytest.raises(BadRequest, match=f"^{said}.*: send the whole conversation in input instead$"):
        world.choose({"input": "more", "previous_response_id": response}, RESPONSES, route)


def test_who_brings_a_key_of_its_own_is_judged_by_the_provider() -> None:
    world = World(m={"credentials": "caller", "targets": [A]})
    assert world.choose({"input": "more", "previous_response_id": "resp_9"}, RESPONSES) == ("a", "only")


# Behind the endpoint.

SAID = SHAPES["openai"]


def two(first: str, second: str, **route: Any) -> dict[str, Any]:
    return {
        "providers": {
            "one": {"type": "openai", "base_url": first, "formats": ["openai", "responses"]},
            "two": {"type": "openai", "base_url": second, "formats": ["openai", "responses"]},
        },
        "retry": {"attempts": 0},
        "routes": {"m": {"targets": [{"provider": "one", "model": "a"}, {"provider": "two", "model": "b"}], **route}},
    }


async def test_a_conversation_that_fell_to_another_target_stays_there_and_is_accounted() -> None:
    alice = Principal("alice", "key")
    async with (
        provider(scripted.json({}, 500), scripted.json(SAID.whole)) as one,
        provider(scripted.json(SAID.whole)) as other,
        front(two(one.base + "/v1", other.base + "/v1"), price=lambda *_: 0.25) as gate,
    ):
        got = [
            await gate.send(SAID.path, SAID.body(), principal=alice, headers={"x-claude-code-session-id": "s"})
            for _ in range(3)
        ]
        (row,) = gate.sessions.all(SHELF)
    assert [each.headers[b"x-fedgate-target"] for each in got] == [b"two/b"] * 3
    assert [each.headers[b"x-fedgate-reason"] for each in got] == [b"fallback; one/a: 500", b"affinity", b"affinity"]
    assert len(one.asked) == 1
    assert (row.turns, row.view, row.owner, row.data["target"]) == (3, "m", "key:alice", "two/b")
    read, written = SAID.usage
    assert (row.data["input_tokens"], row.data["output_tokens"]) == (3 * read, 3 * written)
    assert row.data["cost_usd"] == 0.75
    assert {each.record.session for each in got} == {row.id}


async def test_an_open_breaker_is_told_as_such() -> None:
    async with (
        provider(scripted.json({}, 500)) as one,
        provider(scripted.json(SAID.whole)) as other,
        front({**two(one.base + "/v1", other.base + "/v1", affinity="none"), "breaker": {"failures": 1}}) as gate,
    ):
        await gate.send(SAID.path, SAID.body())
        got = await gate.send(SAID.path, SAID.body())
    assert got.headers[b"x-fedgate-reason"] == b"fallback; skipped one/a (breaker open)"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_responses_are_gone_on_from_where_they_were_made(stream: bool) -> None:
    shape = SHAPES["responses"]
    answer = scripted.sse(*shape.stream) if stream else scripted.json(shape.whole)
    body = shape.stream_body() if stream else shape.body()
    async with (
        provider(scripted.json({}, 500), answer) as one,
        provider(answer) as other,
        front(two(one.base + "/v1", other.base + "/v1", affinity="none")) as gate,
    ):
        first = await gate.send(shape.path, body)
        made = (
            shape.whole["id"]
            if not stream
            else next(
                event["response"]["id"]
                for event in (json.loads(line[6:]) for line in first.body.split(b"\n") if line.startswith(b"data: {"))
                if event["type"] == "response.created"
            )
        )
        more = json.dumps({"model": "m", "input": "more", "stream": stream, "previous_response_id": made}).encode()
        again = await gate.send(shape.path, more)
        stranger = await gate.send(shape.path, more, principal=Principal("bob", "key"))
    assert first.headers[b"x-fedgate-target"] == b"two/b"
    assert (again.status, again.headers[b"x-fedgate-reason"]) == (200, b"affinity: previous_response_id")
    assert again.headers[b"x-fedgate-target"] == b"two/b"
    assert other.bodies[-1]["previous_response_id"] == made
    assert stranger.status == 400
    assert stranger.json["error"]["message"].startswith("previous_response_id names no response that can be gone on")


async def test_rules_and_intents_lead_through_the_endpoint() -> None:
    async with (
        provider(scripted.json(SAID.whole)) as up,
        front(
            {
                "providers": {"up": {"type": "openai", "base_url": up.base + "/v1"}},
                "intents": {"code": ["/implement|refactor/i"]},
                "routes": {
                    "m": {"rules": [{"when": 'llm.intent == "code"', "route": "code"}, {"route": "chat"}]},
                    "code": {"targets": [{"provider": "up", "model": "big"}]},
                    "chat": {"targets": [{"provider": "up", "model": "small"}]},
                },
            },
            expressions=CelExpressions(),
        ) as gate,
    ):
        code = await gate.send(CHAT, b'{"model":"m","messages":[{"role":"user","content":"Refactor this"}]}')
        chat = await gate.send(CHAT, b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}')
        got = gate.endpoint
        variables = [record.fields["reason"] for record in gate.records]
    assert [body["model"] for body in up.bodies] == ["big", "small"]
    assert variables == ['rule 1: llm.intent == "code"; only', "rule 2; only"]
    assert (code.headers[b"x-fedgate-route"], chat.headers[b"x-fedgate-route"]) == (b"code", b"chat")
    assert got.operations


async def test_a_request_that_no_model_can_take_is_refused_in_the_callers_format() -> None:
    manifest = {
        "providers": {"up": {"type": "openai", "base_url": "http://127.0.0.1:1/v1"}},
        "routes": {"m": {"targets": [{"provider": "up", "model": "gpt-3.5-turbo"}]}},
    }
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    body = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": [image]}]}
    async with front(manifest) as gate:
        got = await gate.send(MESSAGES, json.dumps(body).encode())
    assert (got.status, got.json["error"]["type"]) == (400, "invalid_request_error")
    assert got.json["error"]["message"] == ("no model behind m can take this request: up/gpt-3.5-turbo sees no images")


def test_a_decision_says_why_in_few_words() -> None:
    assert reason_of(Decision((), "x" * 1000), []) == "x" * 300
