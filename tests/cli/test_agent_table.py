"""Agents as a table, whatever is told of them."""

import pytest

from fedgate.cli.agent_table import agent_table, state_of
from tests.cli.desk import AGENT


def test_there_is_a_row_for_every_instance() -> None:
    assert agent_table([AGENT]) == (
        "AGENT    INSTANCE  STATE  VERSION  SPEAKS                REASON\n"
        "support  s1        ready  1.0.0    1.0/jsonrpc 0.3/rest\n"
        "support  s2        lost   1.0.0    -                     it is gone"
    )


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"state": "ready"}, "ready"),
        ({"state": "ready", "draining": True}, "draining"),
        ({"state": "lost", "draining": True}, "lost, draining"),
        ({}, ""),
    ],
)
def test_a_state_says_whether_it_drains(told: dict[str, object], state: str) -> None:
    assert state_of(told) == state


@pytest.mark.parametrize("odd", [{}, {"instances": "x"}, {"instances": [5]}, {"instances": [{"speaks": 5}]}])
def test_what_is_odd_is_still_a_row(odd: dict[str, object]) -> None:
    assert len(agent_table([odd], counts=True).splitlines()) == 2


def test_states_are_painted() -> None:
    shown = agent_table([AGENT], colour=True)
    assert "\x1b[32mready\x1b[0m" in shown
    assert "\x1b[31mlost \x1b[0m" in shown
