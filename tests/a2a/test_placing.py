"""a2a/placing.py and a2a/pins.py: a request reaches the instance that holds its conversation, or nobody."""

import pytest

from fedgate.a2a.agent import Agent, Deps
from fedgate.a2a.errors import A2aError
from fedgate.a2a.instance import Instance
from fedgate.a2a.operations import CANCEL, GET, SEND
from fedgate.a2a.pins import Foreign, Learnt, Pins, label_of
from fedgate.a2a.placing import Place, Placing
from fedgate.a2a.settings import Agent as AgentSettings
from fedgate.a2a.values import OWN, Asked, Ids, Seen
from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded
from fedgate.core.http_client import HttpClient
from fedgate.sessions.table import SessionTable

pytestmark = pytest.mark.anyio

ALICE, BOB = "key:alice", "key:bob"
DAY = 86_400.0


class Counts:
    """A `Meter` that remembers what became of look-ups."""

    def __init__(self) -> None:
        self.pins: list[str] = []

    def pinned(self, result: str) -> None:
        self.pins.append(result)

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        raise AssertionError("nothing is sent here")

    def reconnected(self, name: str) -> None:
        raise AssertionError("nothing is sent here")


class Desk:
    """An agent with two instances that are ready, and the table."""

    def __init__(self, **settings: object) -> None:
        self.clock = ManualClock()
        self.counts = Counts()
        self.table = SessionTable(self.clock, idle=60.0, limit=10)
        given = AgentSettings.model_validate(
            {"instances": ["http://127.0.0.1:9101", "http://127.0.0.1:9102"], **settings}
        )
        self.agent = Agent("support", given, Deps(HttpClient(), self.clock))
        for instance in self.agent.instances.values():
            instance.reached(instance.asked())
        self.pins = Pins(self.table, self.counts)
        self.pins.shelve("support", given.pins, loose=given.state != "instance")
        self.placing = Placing(self.pins, self.counts)

    @property
    def one(self) -> Instance:
        return self.agent.instances["1"]

    @property
    def two(self) -> Instance:
        return self.agent.instances["2"]

    def restart(self, instance: Instance) -> None:
        instance.refused("nobody listens")
        instance.reached(instance.asked())

    async def learn(
        self, instance: Instance, owner: str = ALICE, task: str = "", context: str = "", state: str = ""
    ) -> Learnt:
        return await self.pins.learn("support", owner, instance.label, Seen(task, context, state), turn=True)

    def place(self, owner: str = ALICE, operation: str = SEND, references: tuple[str, ...] = (), **ids: str) -> Place:
        named = Ids(ids.get("task", ""), ids.get("context", ""), references, ids.get("message", ""))
        asked = Asked(operation, OWN, "support", named)
        return self.placing.place(self.agent, asked, owner)

    def refusal(
        self, owner: str = ALICE, operation: str = SEND, references: tuple[str, ...] = (), **ids: str
    ) -> A2aError:
        with pytest.raises(A2aError) as caught:
            self.place(owner, operation, references, **ids)
        return caught.value


def shape(error: A2aError) -> tuple[int, str]:
    return error.code, error.kind.reason


async def test_a_new_conversation_may_go_anywhere() -> None:
    place = Desk().place()
    assert (place.instance, place.context, place.new_context) == (None, None, "")


async def test_a_context_goes_to_the_instance_whose_answer_named_it() -> None:
    desk = Desk()
    await desk.learn(desk.two, context="c")
    for _ in range(5):
        assert desk.place(context="c").instance is desk.two
    assert desk.counts.pins == ["made"] + ["hit"] * 5


async def test_a_task_goes_to_its_instance_whatever_is_asked_of_it() -> None:
    desk = Desk()
    await desk.learn(desk.two, task="t", context="c")
    for operation in (SEND, GET, CANCEL):
        place = desk.place(operation=operation, task="t")
        assert place.instance is desk.two
        assert place.context is not None
        assert place.context.id == "c"


async def test_nobody_elses_task_is_found_and_it_looks_like_one_that_does_not_exist() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t")
    foreign, unknown = desk.refusal(BOB, task="t"), desk.refusal(BOB, task="x")
    assert shape(foreign) == shape(unknown) == (-32001, "TASK_NOT_FOUND")
    assert foreign.message == unknown.message
    assert desk.counts.pins == ["made", "refused", "refused"]


async def test_an_unknown_task_of_a_known_context_is_the_agents_to_judge() -> None:
    desk = Desk()
    await desk.learn(desk.two, context="c")
    assert desk.place(task="new", context="c").instance is desk.two
    assert shape(desk.refusal(task="new", context="other")) == (-32001, "TASK_NOT_FOUND")


async def test_a_clients_own_context_is_claimed_before_anything_is_sent_and_the_first_wins() -> None:
    desk = Desk()
    first, second = desk.place(context="mine"), desk.place(context="mine")
    assert (first.instance, first.new_context) == (None, "mine")
    assert desk.placing.claim(first, desk.one) is desk.one
    assert desk.placing.claim(second, desk.two) is desk.one
    assert desk.place(context="mine").instance is desk.one


async def test_who_loses_the_race_for_a_context_to_another_caller_is_refused() -> None:
    desk = Desk()
    ours, theirs = desk.place(context="c"), desk.place(BOB, context="c")
    desk.placing.claim(theirs, desk.two)
    with pytest.raises(A2aError) as caught:
        desk.placing.claim(ours, desk.one)
    assert shape(caught.value) == (-32602, "INVALID_CONTEXT")


async def test_a_foreign_context_is_invalid_and_nothing_tells_it_from_an_unknown_one_where_none_are_adopted() -> None:
    adopting, rejecting = Desk(), Desk(client_context="reject")
    for desk in (adopting, rejecting):
        await desk.learn(desk.one, context="c")
    assert shape(adopting.refusal(BOB, context="c")) == (-32602, "INVALID_CONTEXT")
    foreign, unknown = rejecting.refusal(BOB, context="c"), rejecting.refusal(BOB, context="c2")
    assert shape(foreign) == shape(unknown) == (-32602, "INVALID_CONTEXT")
    assert foreign.message == unknown.message


async def test_a_task_of_ones_own_does_not_open_anothers_context() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t", context="a")
    await desk.learn(desk.one, BOB, context="b")
    assert shape(desk.refusal(task="t", context="b")) == (-32602, "INVALID_CONTEXT")


async def test_referenced_tasks_must_be_the_callers_also_beside_a_context() -> None:
    desk = Desk()
    await desk.learn(desk.two, task="t1", context="c")
    await desk.learn(desk.one, BOB, task="t2")
    assert desk.place(references=("t1",)).instance is desk.two
    assert shape(desk.refusal(references=("t1", "t2"))) == (-32001, "TASK_NOT_FOUND")
    assert shape(desk.refusal(references=("t2",), context="c")) == (-32001, "TASK_NOT_FOUND")


async def test_references_to_two_instances_leave_the_choice_open() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t1")
    await desk.learn(desk.two, task="t2")
    assert desk.place(references=("t1", "t2")).instance is None


async def test_a_repeated_message_reaches_the_instance_that_got_it_first() -> None:
    desk = Desk()
    desk.pins.remember("support", ALICE, "m", desk.two.label)
    assert desk.place(message="m").instance is desk.two
    assert desk.place(BOB, message="m").instance is None
    assert desk.place(message="m2").instance is None
    desk.restart(desk.two)
    assert desk.place(message="m").instance is None


async def test_an_instance_that_cannot_be_reached_is_unavailable_and_nobody_stands_in_for_it() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t", context="c")
    desk.one.refused("nobody listens")
    for refused in (desk.refusal(context="c"), desk.refusal(task="t")):
        assert shape(refused) == (-32603, "INSTANCE_UNAVAILABLE")
        assert refused.metadata == {"retryDelay": "2s"}
    desk.two.missed("no answer in time")
    with pytest.raises(A2aError) as caught:
        desk.placing.choose(desk.agent)
    assert shape(caught.value) == (-32603, "INSTANCE_UNAVAILABLE")


async def test_a_timeout_alone_loses_nothing() -> None:
    desk = Desk()
    await desk.learn(desk.one, context="c")
    desk.one.missed("no answer in time")
    desk.refusal(context="c")
    desk.one.reached(desk.one.asked())
    assert desk.place(context="c").instance is desk.one


async def test_what_an_instance_held_is_lost_when_it_comes_back_as_another_process() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t", context="c")
    desk.restart(desk.one)
    assert shape(desk.refusal(context="c")) == (-32602, "CONTEXT_LOST")
    assert shape(desk.refusal(task="t")) == (-32001, "TASK_NOT_FOUND")
    assert shape(desk.refusal(context="c")) == (-32602, "CONTEXT_LOST")  # and stays so: it is not adopted anew
    assert desk.counts.pins.count("lost") == 3


async def test_an_instance_that_is_given_up_has_lost_its_conversations() -> None:
    desk = Desk()
    await desk.learn(desk.one, context="c")
    desk.one.refused("nobody listens")
    desk.clock.advance(20.0)
    desk.one.tick()
    assert shape(desk.refusal(context="c")) == (-32602, "CONTEXT_LOST")


async def test_an_agent_that_rebuilds_from_history_gets_lost_conversations_elsewhere() -> None:
    desk = Desk(on_lost="repin")
    await desk.learn(desk.one, task="t", context="c")
    desk.restart(desk.one)
    desk.one.draining = True
    assert desk.place(context="c").instance is desk.two
    assert desk.place(context="c").instance is desk.two
    assert desk.counts.pins.count("repinned") == 1
    assert shape(desk.refusal(task="t")) == (-32001, "TASK_NOT_FOUND")


async def test_a_draining_instance_keeps_what_it_has_and_gets_nothing_new() -> None:
    desk = Desk()
    await desk.learn(desk.one, context="c")
    desk.agent.drain("1", True)
    assert desk.place(context="c").instance is desk.one
    assert {desk.placing.choose(desk.agent).name for _ in range(6)} == {"2"}


async def test_shared_state_goes_on_elsewhere() -> None:
    desk = Desk(state="shared")
    await desk.learn(desk.one, task="t", context="c")
    assert desk.place(context="c").instance is desk.one
    desk.one.refused("nobody listens")
    assert desk.place(context="c").instance is desk.two
    assert desk.place(task="t").instance is desk.two
    desk.one.reached(desk.one.asked())
    assert desk.place(context="c").instance is desk.two


async def test_without_state_any_instance_answers_and_ownership_still_holds() -> None:
    desk = Desk(state="none")
    await desk.learn(desk.one, task="t", context="c")
    assert {place.name for _ in range(6) if (place := desk.place(context="c").instance)} == {"1", "2"}
    assert shape(desk.refusal(BOB, task="t")) == (-32001, "TASK_NOT_FOUND")


async def test_an_answer_cannot_take_an_id_that_another_caller_has() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t", context="c")
    for seen in ({"task": "t"}, {"context": "c"}):
        with pytest.raises(Foreign):
            await desk.learn(desk.two, BOB, **seen)
    assert desk.place(task="t").instance is desk.one


async def test_an_answer_of_another_instance_binds_nothing_anew() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t", context="c")
    await desk.learn(desk.two, task="t", context="c")
    assert desk.place(task="t").instance is desk.one
    assert desk.place(context="c").instance is desk.one


async def test_states_are_noted_and_finished_tasks_can_still_be_asked_for_a_day() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t", context="c", state="TASK_STATE_WORKING")
    record = desk.pins.task("support", "t")
    assert record is not None
    assert record.data == {"context": "c", "state": "TASK_STATE_WORKING"}
    await desk.learn(desk.one, task="t", state="TASK_STATE_COMPLETED")
    assert desk.pins.tasks_of("support", ALICE) == [record]
    with pytest.raises(Foreign):
        await desk.learn(desk.two, BOB, task="t")
    desk.clock.advance(DAY - 1)
    assert desk.place(operation=GET, task="t").instance is desk.one
    desk.clock.advance(DAY)
    assert shape(desk.refusal(operation=GET, task="t")) == (-32001, "TASK_NOT_FOUND")


async def test_a_task_that_works_is_kept_longer_and_a_context_as_long_as_it_is_used() -> None:
    desk = Desk()
    await desk.learn(desk.one, task="t", context="c")
    for _ in range(3):
        desk.clock.advance(DAY - 1)
        desk.place(context="c")
    assert desk.place(operation=GET, task="t").instance is desk.one
    desk.clock.advance(DAY)
    assert desk.place(context="c").new_context == "c"


async def test_at_the_cap_new_conversations_are_refused_and_old_ones_go_on() -> None:
    desk = Desk(pins={"max": 2})
    await desk.learn(desk.one, context="a")
    await desk.learn(desk.one, context="b")
    with pytest.raises(Overloaded):
        await desk.learn(desk.one, context="c")
    with pytest.raises(Overloaded):
        desk.placing.claim(desk.place(context="d"), desk.one)
    assert desk.place(context="a").instance is desk.one


async def test_one_caller_cannot_fill_the_table() -> None:
    desk = Desk(pins={"per_owner": 1})
    await desk.learn(desk.one, context="a")
    with pytest.raises(Overloaded, match="one caller"):
        await desk.learn(desk.one, context="b")
    await desk.learn(desk.one, BOB, context="c")


async def test_turns_are_counted_by_answers() -> None:
    desk = Desk()
    for _ in range(3):
        await desk.learn(desk.one, context="c")
    record = desk.pins.context("support", "c")
    assert record is not None
    assert (record.turns, label_of(record)) == (3, desk.one.label)


async def test_what_was_learnt_covers_all_that_says_nothing_new() -> None:
    desk = Desk()
    learnt = await desk.learn(desk.one, task="t", context="c", state="TASK_STATE_WORKING")
    assert learnt.covers(Seen("t", "c"))
    assert learnt.covers(Seen("t", "c", "TASK_STATE_WORKING"))
    for new in (Seen("t", "c", "TASK_STATE_COMPLETED"), Seen("t", ""), Seen("", "c"), Seen("u", "c"), Seen("t", "d")):
        assert not learnt.covers(new)
    await desk.learn(desk.one, task="t", state="TASK_STATE_INPUT_REQUIRED")
    assert not learnt.covers(Seen("t", "c", "TASK_STATE_WORKING")), "somebody else has heard of another state"
    assert learnt.covers(Seen("t", "c"))


@pytest.mark.parametrize("ended", ["context", "task"])
async def test_what_was_learnt_of_a_record_that_is_gone_must_be_learnt_again(ended: str) -> None:
    desk = Desk()
    learnt = await desk.learn(desk.one, task="t", context="c")
    record = learnt.context if ended == "context" else learnt.task
    assert record is not None
    desk.table.end(record)
    assert not learnt.covers(Seen("t", "c"))


async def test_a_task_that_is_finished_has_not_gone() -> None:
    desk = Desk()
    learnt = await desk.learn(desk.one, task="t", context="c", state="TASK_STATE_COMPLETED")
    assert learnt.covers(Seen("t", "c", "TASK_STATE_COMPLETED"))
