"""llm/visible.py: a caller has the routes that it may know of, by no name, alias or path any other."""

from collections.abc import Mapping
from typing import Any

import pytest

from fedgate.core.call import Call, Principal
from fedgate.core.errors import NotFound
from fedgate.llm import telling, visible
from fedgate.llm.visible import VisibleRoutes
from tests.llm.test_telling import ROUTES, a_call


class Who:
    """The port: one caller, who does not see some routes."""

    def __init__(self, *hidden: str, key: bytes = b"one") -> None:
        self.key = key
        self.asked = 0
        self._hidden = hidden

    def sees(self, facts: Mapping[str, Any], unknown: tuple[str, ...] = ()) -> bool:
        assert unknown == telling.UNKNOWN
        self.asked += 1
        return facts["llm"]["route"] not in self._hidden

    def of(self, _call: Call) -> "Who":
        return self

    def by(self, _protocol: str, _principal: Principal) -> "Who":
        return self


def test_without_rules_everybody_has_all_routes() -> None:
    assert VisibleRoutes(ROUTES).get(a_call()) is ROUTES


def test_a_hidden_route_has_no_name_no_alias_and_no_path() -> None:
    routes = VisibleRoutes(ROUTES, Who("small", "smart")).get(a_call())
    assert routes.names == ["auto"]
    assert routes.at("/smart/v1/models") is None
    for model in ("small", "tiny", "mini-5", "claude-small", "smart"):
        assert routes.find(model) is None
        with pytest.raises(NotFound) as caught:
            routes.named(model)
        said, _, hint = caught.value.message.partition("; ")
        assert said == f"there is no model {model!r} here"
        assert hint in ("there are auto", "did you mean auto?")
    assert ROUTES.names == ["auto", "small", "smart", "tiny"]


def test_what_is_made_for_one_kind_of_caller_is_kept_within_a_limit() -> None:
    who = Who("small")
    shared = VisibleRoutes(ROUTES, who)
    assert shared.get(a_call()) is shared.get(a_call())
    assert who.asked == len(ROUTES)
    for number in range(visible.MAX_KEPT + 5):
        who.key = b"%d" % number
        shared.get(a_call())
    assert len(shared) == visible.MAX_KEPT
