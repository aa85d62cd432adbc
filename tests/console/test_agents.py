"""How much each instance holds, and what draining tells."""

import pytest

from fedgate.console.agents import Roster
from fedgate.console.ports import AgentView
from fedgate.core.errors import NotFound
from tests.console.kit import BOB, Desk, FakeAgents, two

pytestmark = pytest.mark.anyio


class Leaving(FakeAgents):
    """Addresses that DNS has forgotten by the time that one is drained."""

    def drain(self, agent: str, instance: str, on: bool) -> None:
        self.held.clear()


async def test_conversations_and_tasks_are_counted_for_the_process_that_holds_them() -> None:
    desk = Desk(two())
    start = desk.clock.now()
    desk.context("c1")
    desk.context("c2", BOB)
    desk.context("c3", label="s2#bbbb")
    desk.task("t1", "c1")
    desk.task("t2", "c1", "TASK_STATE_COMPLETED", "finished")
    desk.clock.advance(7)
    desk.context("c2", BOB)
    (row,) = await Roster(desk.agents, desk.table).rows()
    assert (row.conversations, row.tasks, row.lost, row.policy) == (3, 1, 0, "instance")
    first, second = row.instances
    assert (first.conversations, first.tasks, first.last_used) == (2, 1, start + 7)
    assert (second.conversations, second.tasks, second.last_used) == (1, 0, start)
    assert (first.speaks, first.url, first.since) == (("1.0/jsonrpc",), "127.0.0.1:1", 5.0)


async def test_conversations_of_a_process_that_is_gone_are_lost() -> None:
    desk = Desk(two())
    desk.context("c1", label="s1#older")
    desk.context("c2", label="s9#aaaa")
    (row,) = await Roster(desk.agents, desk.table).rows()
    assert (row.conversations, row.lost, [each.conversations for each in row.instances]) == (2, 2, [0, 0])


async def test_nothing_is_lost_where_no_instance_holds_anything() -> None:
    desk = Desk(two(policy="shared"))
    desk.context("c1", label="s1#older")
    (row,) = await Roster(desk.agents, desk.table).rows()
    assert row.lost == 0


async def test_an_agent_is_not_counted_for_another_whose_name_begins_alike() -> None:
    desk = Desk(AgentView("sup", "ready"), two())
    desk.context("c1")
    rows = {row.name: row for row in await Roster(desk.agents, desk.table).rows()}
    assert (rows["sup"].conversations, rows["support"].conversations) == (0, 1)


async def test_draining_answers_with_what_is_left() -> None:
    desk = Desk(two())
    desk.context("c1")
    roster = Roster(desk.agents, desk.table)
    row = await roster.drained("support", "s1", True)
    assert (row.name, row.draining, row.conversations) == ("s1", True, 1)
    assert (await roster.drained("support", "s1", False)).draining is False


async def test_what_is_not_there_cannot_be_drained() -> None:
    desk = Desk(two())
    with pytest.raises(NotFound, match="the nearest is s1"):
        await Roster(desk.agents, desk.table).drained("support", "s3", True)


async def test_an_instance_that_goes_while_it_is_drained_is_said_so() -> None:
    with pytest.raises(NotFound, match="has just gone"):
        await Roster(Leaving(two()), Desk().table).drained("support", "s1", True)
