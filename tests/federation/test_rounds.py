"""federation/rounds.py: a modern server's questions are put to a legacy client, and its call is made again."""

import asyncio
import json
from typing import Any

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import RpcError, UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.core.tasks import Tasks
from fedgate.federation.exchange import Exchange
from fedgate.federation.messages import Answer, Client, Outbound
from fedgate.federation.rounds import LATER, MAX_QUESTIONS, answers_to, needs_input

from .fakes import Person, dump, exchange, raws

pytestmark = pytest.mark.anyio

CALL = Outbound(
    method="tools/call",
    params=raws({"name": "add", "arguments": {"a": 1}}),
    meta=raws({"progressToken": 1}),
    client=Client("k"),
    name="add",
    param_headers=((b"mcp-param-a", b"1"),),
    timeout=7.0,
)


def asking(**members: Any) -> Answer:
    return Answer(result=dump({"resultType": "input_required", **members}))


def question(method: str = "elicitation/create", **params: Any) -> dict[str, Any]:
    return {"method": method, "params": params}


def params_of(outbound: Outbound) -> Any:
    return {key: json.loads(bytes(part)) for key, part in outbound.params.items()}


@pytest.mark.parametrize(
    ("result", "needed"),
    [
        ({"resultType": "input_required"}, True),
        ({"resultType": "complete"}, False),
        ({"resultType": "complete", "structuredContent": {"x": "input_required"}}, False),
        ({"content": []}, False),
    ],
)
def test_only_the_type_of_a_result_says_that_it_asks(result: dict[str, Any], needed: bool) -> None:
    assert needs_input(Answer(result=dump(result))) is needed


def test_an_error_asks_nothing() -> None:
    assert not needs_input(Answer(error=b'{"message":"input_required"}'))


async def test_the_call_is_made_again_with_the_answers_and_the_state_as_it_was_given() -> None:
    person = Person(
        elicitation_create=Answer(result=b'{"action": "accept", "content": {"n": 1.50}}'),
        sampling_createMessage=Answer(result=b'{"role": "assistant"}'),
    )
    wanted = {"name": question(message="Who?"), "text": question("sampling/createMessage", maxTokens=1)}
    again = await answers_to(asking(inputRequests=wanted, requestState="s\u00e9\n"), CALL, exchange(person))
    assert person.asked == [
        ("elicitation/create", b'{"message": "Who?"}'),
        ("sampling/createMessage", b'{"maxTokens": 1}'),
    ]
    assert params_of(again) == {
        "name": "add",
        "arguments": {"a": 1},
        "inputResponses": {
            "name": {"action": "accept", "content": {"n": 1.5}},
            "text": {"role": "assistant"},
        },
        "requestState": "s\u00e9\n",
    }
    assert b'{"n": 1.50}' in bytes(again.params["inputResponses"])
    assert bytes(again.params["requestState"]) == dump("s\u00e9\n")
    kept = ("method", "meta", "client", "name", "param_headers", "timeout")
    assert all(getattr(again, name) == getattr(CALL, name) for name in kept)


async def test_a_further_round_forgets_the_one_before() -> None:
    first = await answers_to(asking(inputRequests={"a": question()}, requestState="1"), CALL, exchange(Person()))
    second = await answers_to(asking(inputRequests={"b": question()}), first, exchange(Person()))
    assert params_of(second) == {"name": "add", "arguments": {"a": 1}, "inputResponses": {"b": {}}}


async def test_a_question_without_parameters_is_put_with_none() -> None:
    person = Person()
    await answers_to(asking(inputRequests={"r": {"method": "roots/list"}}), CALL, exchange(person))
    assert person.asked == [("roots/list", b"{}")]


async def test_a_state_alone_means_later() -> None:
    clock, tasks, person = ManualClock(), Tasks("test"), Person()
    waiting = tasks.start(answers_to(asking(requestState="s"), CALL, exchange(person), clock), "again", awaited=True)
    async with asyncio.timeout(5):
        while not clock.sleeping:
            await clock.sleep(0)
        clock.advance(LATER)
        again = await waiting
    assert params_of(again) == {"name": "add", "arguments": {"a": 1}, "requestState": "s"}
    assert person.asked == []
    await tasks.aclose()


async def test_later_passes_by_the_real_clock_too() -> None:
    async with asyncio.timeout(LATER + 5):
        assert "requestState" in (await answers_to(asking(requestState="s"), CALL, exchange(Person()))).params


@pytest.mark.parametrize("members", [{}, {"inputRequests": {}}, {"inputRequests": []}, {"inputRequests": None}])
async def test_a_question_about_nothing_is_the_servers_error(members: dict[str, Any]) -> None:
    with pytest.raises(UpstreamInvalid, match="does not say which"):
        await answers_to(asking(**members), CALL, exchange(Person()))


@pytest.mark.parametrize("wanted", [7, "x", [], None])
async def test_a_question_in_another_form_is_the_servers_error(wanted: Any) -> None:
    person = Person()
    with pytest.raises(UpstreamInvalid, match="in a form that is none"):
        await answers_to(asking(inputRequests={"a": wanted}), CALL, exchange(person))
    assert person.asked == []


async def test_too_many_questions_are_put_to_nobody() -> None:
    person = Person()
    many = {str(number): question() for number in range(MAX_QUESTIONS + 1)}
    with pytest.raises(UpstreamInvalid, match=f"more than {MAX_QUESTIONS} inputs"):
        await answers_to(asking(inputRequests=many), CALL, exchange(person))
    assert person.asked == []


async def test_a_refusal_ends_the_call_in_the_clients_own_words_and_nothing_more_is_asked() -> None:
    refused = b'{"code":-1,"message":"not now"}'
    person = Person(elicitation_create=Answer(error=refused))
    with pytest.raises(RpcError, match="elicitation/create was not answered") as caught:
        await answers_to(asking(inputRequests={"a": question(), "b": question()}), CALL, exchange(person))
    assert (caught.value.code, caught.value.data) == (-32603, refused)
    assert len(person.asked) == 1


async def test_when_the_call_is_cancelled_no_question_stays_open() -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def silent(_exchange: Exchange, _method: str, _params: bytes) -> Answer:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()
        return Answer()

    tasks = Tasks("test")
    wanted = {"a": question(), "b": question()}
    waiting = tasks.start(answers_to(asking(inputRequests=wanted), CALL, exchange(silent)), "again", awaited=True)
    async with asyncio.timeout(5):
        await asked.wait()
        await tasks.aclose()
    assert waiting.cancelled()
    assert closed.is_set()


async def test_a_method_that_is_no_string_is_asked_as_none_and_refused_by_whoever_knows_methods() -> None:
    person = Person()
    await answers_to(asking(inputRequests={"a": {"method": 7, "params": {}}}), CALL, exchange(person))
    assert person.asked == [("", b"{}")]


def test_needs_input_reads_raw_bytes() -> None:
    assert needs_input(Answer(result=bytes(Raw(b'{ "resultType" : "input_required" }'))))
