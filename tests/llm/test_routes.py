"""llm/routes.py: names, aliases, beginnings of names and paths lead to routes."""

import pytest

from fedgate.core.errors import BadRequest, NotFound
from fedgate.llm.routes import Routes
from tests.llm.kit import settings

TARGETS = [{"provider": "up", "model": "x"}]
ROUTES = Routes(
    settings(
        {
            "providers": {"up": {"type": "ollama"}},
            "retry": {"attempts": 1},
            "routes": {
                "smart": {"targets": TARGETS, "aliases": ["gpt-4o", "claude-*"], "path": "/team/smart"},
                "haiku": {"targets": TARGETS, "aliases": ["claude-3-5-haiku*"], "retry": {"attempts": 7}},
                "claude-big": {"targets": TARGETS, "path": "/team"},
            },
        }
    )
)


@pytest.mark.parametrize(
    ("model", "route"),
    [
        ("smart", "smart"),
        ("gpt-4o", "smart"),
        ("claude-sonnet-4-5", "smart"),
        ("claude-3-5-haiku-latest", "haiku"),
        ("claude-big", "claude-big"),
    ],
)
def test_a_name_leads_to_its_route_the_most_exact_first(model: str, route: str) -> None:
    assert ROUTES.named(model).name == route


def test_the_name_in_claude_codes_picker_leads_to_the_route() -> None:
    routes = Routes(settings({"providers": {"up": {"type": "ollama"}}, "routes": {"gpt": {"targets": TARGETS}}}))
    assert routes.picker_names() == ["claude-gpt"]
    assert routes.named("claude-gpt").name == "gpt"


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(NotFound, match=r"there is no model 'smrt' here; did you mean smart\?"):
        ROUTES.named("smrt")
    with pytest.raises(NotFound, match="there is no model 'zzzz' here; there are claude-big, gpt-4o, haiku, smart"):
        ROUTES.named("zzzz")


def test_no_name_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="the request names no model; there are claude-big"):
        ROUTES.named("")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/team", ("claude-big", "")),
        ("/team/v1/messages", ("claude-big", "/v1/messages")),
        ("/team/smart", ("smart", "")),
        ("/team/smart/chat/completions", ("smart", "/chat/completions")),
        ("/team/smarter", ("claude-big", "/smarter")),
        ("/teams", None),
        ("/v1/messages", None),
    ],
)
def test_the_longest_path_wins_by_whole_segments(path: str, found: tuple[str, str] | None) -> None:
    at = ROUTES.at(path)
    assert (at and (at[0].name, at[1])) == found


def test_a_route_has_its_own_retries_or_those_of_all() -> None:
    assert ROUTES.named("smart").backoff.attempts == 1
    assert ROUTES.named("haiku").backoff.attempts == 7


def test_first_segments_are_what_the_gateway_has_to_listen_on() -> None:
    assert ROUTES.prefixes == {"team"}
