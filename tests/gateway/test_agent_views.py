"""Agents as they are shown, and drained by name."""

import pytest

from fedgate.console.ports import InstanceView
from fedgate.core.errors import NotFound
from fedgate.gateway.agent_views import AgentViews
from tests.a2a.agent_kit import BOTH, Process, running, sdk_card, served, world

pytestmark = pytest.mark.anyio

DEAD = "http://127.0.0.1:1"


async def test_an_agent_that_was_not_reached_yet_is_shown_as_starting() -> None:
    async with world({"scout": {"instances": [{"name": "s1", "url": DEAD}], "state": "shared"}}) as made:
        views = AgentViews(made.agents)
        (view,) = views.views()
        assert (view.name, view.state, view.version, view.policy) == ("scout", "starting", "", "shared")
        (instance,) = view.instances
        assert (instance.name, instance.url, instance.state, instance.speaks) == ("s1", "127.0.0.1:1", "starting", ())
        assert dict(views.counts()) == {
            ("scout", "starting"): 1.0,
            ("scout", "ready"): 0.0,
            ("scout", "unreachable"): 0.0,
            ("scout", "lost"): 0.0,
        }


async def test_instances_tell_how_they_are_and_how_they_speak() -> None:
    good = Process(served(sdk_card(BOTH)))
    async with running(good), world({"scout": {"instances": [good.url, DEAD]}}) as made:
        views = AgentViews(made.agents)
        await made.pass_time(lambda: all(each.state != "starting" for each in views.views()[0].instances))
        (view,) = views.views()
        first, second = view.instances
        assert (view.state, view.version, view.reason) == ("ready", "1.2.3", "")
        assert (first.name, first.state, first.speaks) == ("1", "ready", ("1.0/jsonrpc", "0.3/jsonrpc"))
        assert (second.name, second.state, bool(second.reason)) == ("2", "unreachable", True)
        instance = made.agents.all()[0].instances["1"]
        assert first.label == instance.label
        counts = dict(views.counts())
        assert (counts["scout", "ready"], counts["scout", "unreachable"]) == (1.0, 1.0)


async def test_an_instance_is_drained_by_name_and_takes_conversations_again() -> None:
    async with world({"scout": {"instances": [{"name": "s1", "url": DEAD}]}}) as made:
        views = AgentViews(made.agents)

        def instance() -> InstanceView:
            return views.views()[0].instances[0]

        views.drain("scout", "s1", True)
        assert instance().draining
        views.drain("scout", "s1", False)
        assert not instance().draining


async def test_names_that_are_not_there_are_answered_with_the_nearest() -> None:
    instances = [{"name": "s1", "url": DEAD}, {"name": "green", "url": "http://127.0.0.1:2"}]
    async with world({"scout": {"instances": instances}}) as made:
        views = AgentViews(made.agents)
        for agent, instance, said in [
            ("scuot", "s1", 'there is no agent "scuot"; the nearest is scout'),
            ("zzz", "s1", 'there is no agent "zzz"; there are scout'),
            ("scout", "grene", 'agent scout has no instance "grene"; the nearest is green'),
            ("scout", "x" * 99, f'agent scout has no instance "{"x" * 64}"; there are s1, green'),
        ]:
            with pytest.raises(NotFound) as error:
                views.drain(agent, instance, True)
            assert error.value.message == said


async def test_without_agents_there_is_nothing_to_show_or_drain() -> None:
    async with world({}) as made:
        views = AgentViews(made.agents)
        assert (views.views(), list(views.counts())) == ([], [])
        with pytest.raises(NotFound, match='there is no agent "scout"; there are none'):
            views.drain("scout", "s1", True)
