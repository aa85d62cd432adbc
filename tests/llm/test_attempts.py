"""llm/attempts.py: the walk over targets, with attempts that are scripted."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fedgate.llm.attempts import AllFailed, Means, Try, Walk, Won, is_wanted
from fedgate.llm.breaker import Breakers
from fedgate.llm.errors import of_status
from fedgate.llm.exchange import Unable
from fedgate.llm.facts import Facts
from fedgate.llm.providers import providers
from fedgate.llm.routes import Route, Routes
from fedgate.llm.usage import Told
from fedgate.llm.values import Decision, Failure, Target
from tests.llm.kit import Counted, QuickClock, settings

pytestmark = pytest.mark.anyio

OK = "ok"
TIMEOUT = Failure("timeout", "timeout_error", 504, "late")
REFUSED = Failure("refused", "api_error", 502, "refused")
UNFIT = Failure("unfit", "invalid_request_error", 400, "cannot")


class Deaf:
    """A chooser that is told how attempts went; the walk is given its decision, and asks for none."""

    def choose(self, facts: Facts, route: Route) -> tuple[Decision, Route]:
        raise AssertionError("the walk chooses nothing")

    def tried(self, target: Target, model: str, seconds: float, failure: Failure | None) -> None:
        pass

    def kept(self, facts: Facts, decision: Decision, target: Target, told: Told) -> None:
        raise AssertionError("the walk keeps nothing")


class Scene:
    """Three providers a, b, c; attempts take their outcome from `script` by provider."""

    def __init__(self, *targets: dict[str, Any], limit: int = 10, **route: Any) -> None:
        self.clock, self.meter = QuickClock(), Counted()
        models = settings(
            {
                "providers": {name: {"type": "ollama", "max_concurrent": limit} for name in "abc"},
                "breaker": {"failures": 3, "reset": "60s"},
                "routes": {"m": {"targets": [{"model": "x", **each} for each in targets], **route}},
            }
        )
        self.route = Routes(models).named("m")
        self.means = Means(
            providers(models.providers),
            Breakers(self.clock, self.meter.breaker),
            Deaf(),
            self.clock,
            self.meter,
            lambda: 1.0,
        )
        self.script: dict[str, list[Failure | str | BaseException]] = {}
        self.tries: list[str] = []

    async def attempt(self, tried: Try) -> str:
        self.tries.append(tried.provider.name)
        outcomes = self.script[tried.provider.name]
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if isinstance(outcome, Failure):
            raise Unable(outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        tried.slot.won()
        return outcome

    async def walk(self, attempt: Callable[[Try], Awaitable[str]] | None = None, **script: Any) -> Won[str]:
        self.script = {name: each if isinstance(each, list) else [each] for name, each in script.items()}
        decision = Decision(self.route.targets, "fallback", "m")
        return await Walk(self.means, decision, self.route, "m", attempt or self.attempt).run()


def failed(code: int, retry_after: float | None = None) -> Failure:
    return Failure(of_status("p", code, "", "no").sort, "api_error", code, f"HTTP {code}", code, retry_after)


A, B, C = {"provider": "a"}, {"provider": "b"}, {"provider": "c"}


async def test_the_first_target_that_answers_is_all_that_is_asked() -> None:
    scene = Scene(A, B)
    won = await scene.walk(a=OK, b=OK)
    assert (won.answer, won.provider.name, won.model, won.misses, scene.tries) == (OK, "a", "x", [], ["a"])


async def test_a_target_is_retried_before_the_next_one_is_asked() -> None:
    scene = Scene(A, B)
    won = await scene.walk(a=failed(529), b=OK)
    assert scene.tries == ["a"] * 3 + ["b"]  # the breaker opens with the third failure
    assert scene.clock.slept == [1.0, 2.0, 4.0]
    assert won.provider.name == "b"
    assert [miss.target.provider for miss in won.misses] == ["a"]
    assert scene.meter.of("fallback") == [("a/x", "b/x", "529")]


async def test_no_retries_means_none() -> None:
    scene = Scene(A, B, retry={"attempts": 0})
    await scene.walk(a=failed(529), b=OK)
    assert (scene.tries, scene.clock.slept) == (["a", "b"], [])


async def test_a_time_out_falls_back_at_once() -> None:
    scene = Scene(A, B)
    await scene.walk(a=TIMEOUT, b=OK)
    assert scene.tries == ["a", "b"]


async def test_a_client_error_ends_the_walk() -> None:
    scene = Scene(A, B)
    with pytest.raises(AllFailed) as caught:
        await scene.walk(a=failed(400), b=OK)
    assert scene.tries == ["a"]
    assert [miss.failure.status for miss in caught.value.misses] == [400]
    assert scene.means.breakers.of("a", "x").last is None


async def test_what_a_target_cannot_be_asked_goes_to_the_next_and_harms_no_breaker() -> None:
    scene = Scene(A, {**B, "on": ["429"]})
    won = await scene.walk(a=UNFIT, b=OK)
    assert won.provider.name == "b"
    assert scene.means.breakers.of("a", "x").last is None


@pytest.mark.parametrize(
    ("on", "failure", "falls"),
    [
        ([], failed(401), True),
        ([], failed(404), True),
        ([], TIMEOUT, True),
        ([429], failed(429), True),
        ([429], failed(503), False),
        (["5xx"], failed(503), True),
        (["5xx"], failed(429), False),
        (["5xx"], Failure("invalid", "api_error", 502, "x"), True),
        (["4xx"], failed(404), True),
        (["timeout"], TIMEOUT, True),
        (["timeout"], REFUSED, False),
        (["refused"], REFUSED, True),
        (["all_failed"], failed(500), True),
        (["all_failed"], TIMEOUT, True),
    ],
)
async def test_a_target_is_fallen_to_on_its_conditions(on: list[Any], failure: Failure, falls: bool) -> None:
    scene = Scene(A, {**B, "on": on}, retry={"attempts": 0})
    if falls:
        assert (await scene.walk(a=failure, b=OK)).provider.name == "b"
    else:
        with pytest.raises(AllFailed):
            await scene.walk(a=failure, b=OK)
        assert scene.tries == ["a"]


async def test_a_target_whose_conditions_do_not_hold_is_passed_over_for_the_one_behind_it() -> None:
    scene = Scene(A, {**B, "on": ["timeout"]}, {**C, "on": ["all_failed"]}, retry={"attempts": 0})
    won = await scene.walk(a=failed(500), b=OK, c=OK)
    assert (won.provider.name, scene.tries) == ("c", ["a", "c"])


async def test_any_failure_so_far_fulfils_a_condition() -> None:
    scene = Scene(A, B, {**C, "on": ["429"]}, retry={"attempts": 0})
    won = await scene.walk(a=failed(429), b=REFUSED, c=OK)
    assert won.provider.name == "c"


async def test_an_open_breaker_sends_requests_on_without_a_try_under_its_last_failures_name() -> None:
    scene = Scene(A, {**B, "on": ["5xx"]}, retry={"attempts": 0})
    for _ in range(3):
        await scene.walk(a=failed(503), b=OK)
    scene.tries.clear()
    won = await scene.walk(a=OK, b=OK)
    assert (won.provider.name, scene.tries) == ("b", ["b"])
    assert scene.meter.of("breaker") == [("a", "x", "open")]
    scene.clock.ahead += 60
    won = await scene.walk(a=OK, b=OK)
    assert (won.provider.name, scene.tries) == ("a", ["b", "a"])
    assert scene.meter.of("breaker")[-1] == ("a", "x", "closed")


async def test_with_every_breaker_open_the_caller_is_told_when_to_come_again() -> None:
    scene = Scene(A, retry={"attempts": 0})
    for _ in range(3):
        with pytest.raises(AllFailed):
            await scene.walk(a=failed(503))
    with pytest.raises(AllFailed) as caught:
        await scene.walk(a=OK)
    failure = caught.value.misses[-1].failure
    assert (failure.status, failure.kind, failure.provider_status) == (503, "overloaded_error", 503)
    assert failure.retry_after == pytest.approx(60, abs=1)
    assert failure.message == "The provider a has failed too often and is left alone for 60 s. HTTP 503"


async def test_a_full_provider_is_passed_over_and_its_room_comes_back() -> None:
    scene = Scene(A, B, limit=1)
    holding: list[Try] = []

    async def hold(tried: Try) -> str:
        holding.append(tried)
        return OK

    await scene.walk(hold)
    won = await scene.walk(a=OK, b=OK)
    assert won.provider.name == "b"
    assert won.misses[0].failure.sort == "busy"
    holding[0].slot.won()
    assert (await scene.walk(a=OK, b=OK)).provider.name == "a"
    assert [each.active for each in scene.means.providers.values()] == [0, 0, 0]


async def test_after_the_routes_time_nothing_more_is_tried() -> None:
    scene = Scene(A, B, timeout="1500ms")
    with pytest.raises(AllFailed):
        await scene.walk(a=failed(503), b=failed(503))
    # One wait of a second fits; after the next there would be nothing left.
    assert (scene.tries, scene.clock.slept) == (["a", "a", "b"], [1.0])


async def test_an_attempt_is_told_what_is_left_and_whether_it_is_the_last() -> None:
    scene = Scene(A, B, timeout="10s", retry={"attempts": 0})
    seen: list[tuple[bool, float]] = []

    async def look(tried: Try) -> str:
        seen.append((tried.last, round(tried.left)))
        scene.clock.ahead += 4
        raise Unable(TIMEOUT)

    with pytest.raises(AllFailed):
        await scene.walk(look)
    assert seen == [(False, 10), (True, 6)]


@pytest.mark.parametrize("error", [KeyError("bug"), KeyboardInterrupt()])
async def test_an_attempt_that_breaks_gives_its_place_back(error: BaseException) -> None:
    scene = Scene(A)
    with pytest.raises(type(error)):
        await scene.walk(a=error)
    assert scene.means.providers["a"].active == 0
    assert scene.means.breakers.of("a", "x").last is None


async def test_a_target_without_a_model_gets_the_callers_name() -> None:
    scene = Scene(A)
    decision = Decision((Target("a"),), "only", "m")
    scene.script = {"a": [OK]}
    won = await Walk(scene.means, decision, scene.route, "theirs", scene.attempt).run()
    assert won.model == "theirs"


def test_without_conditions_every_target_is_wanted() -> None:
    assert is_wanted(Target("a"), [])
