"""The administration over HTTP: what each address answers, who may ask, and that every act is in the log."""

import logging

import pytest

from fedgate.console.rows import mark_of
from tests.console.kit import SERVER, Desk, Streams, two

pytestmark = pytest.mark.anyio

PATHS = [
    ("GET", "/admin/sessions"),
    ("DELETE", f"/admin/sessions/{'0' * 24}"),
    ("GET", "/admin/agents"),
    ("POST", "/admin/agents/support/instances/s1/drain"),
    ("POST", "/admin/agents/support/instances/s1/undrain"),
    ("GET", "/admin/servers"),
    ("GET", "/admin/openapi.json"),
    ("GET", "/admin/nothing"),
    ("GET", "/admin/"),
    ("GET", "/admin"),
    ("PUT", "/admin/sessions"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("key", [None, "wrong"])
async def test_nothing_is_told_and_nothing_done_for_who_may_not(method: str, path: str, key: str | None) -> None:
    desk = Desk()
    reply = await desk.ask(path, method, key)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert reply.json() == {"error": {"reason": "unauthorized", "message": "administration needs a key"}}
    assert not any(each.draining for each in desk.agents.held["support"].instances)


async def test_a_line_break_in_a_path_leads_past_nobody() -> None:
    desk = Desk()
    for path in ("/admin/agents/a%0Ab/instances/c/drain", "/admin/%0Asessions"):
        assert (await desk.ask(path, "POST", key=None)).status_code == 401
        found = await desk.ask(path, "POST")
        assert (found.status_code, "error" in found.json()) == (404, True)


async def test_sessions_are_listed_with_a_cursor() -> None:
    desk = Desk()
    marks: list[str] = []
    for _ in range(3):
        marks.insert(0, mark_of(desk.session()))
        desk.clock.advance(1)
    first = await desk.get("/admin/sessions?limit=2&protocol=mcp")
    assert ([row["id"] for row in first["sessions"]], first["total"]) == (marks[:2], 3)
    second = await desk.get(f"/admin/sessions?limit=2&protocol=mcp&cursor={first['next']}")
    assert ([row["id"] for row in second["sessions"]], second["next"]) == (marks[2:], None)


async def test_ids_are_shown_if_the_setting_says_so() -> None:
    desk = Desk(plain=True)
    desk.context("c1")
    assert [row["id"] for row in (await desk.get("/admin/sessions"))["sessions"]] == ["c1"]


async def test_a_wrong_question_is_answered_with_what_is_wrong() -> None:
    reply = await Desk().ask("/admin/sessions?knid=task")
    assert reply.status_code == 400
    assert reply.json()["error"] == {
        "reason": "bad_request",
        "message": 'there is no parameter "knid"; did you mean "kind"?',
    }


async def test_ending_a_session_is_an_act_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    session = desk.session()
    session.attachment = streams = Streams()
    mark = mark_of(session)
    with caplog.at_level(logging.INFO, "fedgate.admin"):
        reply = await desk.ask(f"/admin/sessions/{mark}", "DELETE")
    assert (reply.status_code, reply.json()["session"]["mark"], reply.json()["tasks"]) == (200, mark, 0)
    assert streams.over
    assert caplog.messages == [f"key:root at 192.0.2.7 ended mcp session {mark} of key:alice"]
    assert session.id not in caplog.text
    assert (await desk.ask(f"/admin/sessions/{mark}", "DELETE")).status_code == 404


async def test_an_instance_is_drained_and_takes_conversations_again(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.context("c1")
    with caplog.at_level(logging.INFO, "fedgate.admin"):
        drained = await desk.ask("/admin/agents/support/instances/s1/drain", "POST")
        again = await desk.ask("/admin/agents/support/instances/s1/undrain", "POST")
    assert (drained.json()["draining"], drained.json()["conversations"], again.json()["draining"]) == (True, 1, False)
    assert caplog.messages == [
        "key:root at 192.0.2.7 drained instance s1 of agent support",
        "key:root at 192.0.2.7 undrained instance s1 of agent support",
    ]


async def test_what_is_not_there_is_answered_with_the_nearest_and_is_no_act(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fedgate.admin"):
        reply = await Desk().ask("/admin/agents/support/instances/x1/drain", "POST")
    assert reply.status_code == 404
    assert reply.json()["error"] == {"reason": "not_found", "message": 'there is no "x1"; the nearest is s1'}
    assert caplog.messages == []


async def test_agents_and_servers_are_listed() -> None:
    desk = Desk(two("lost"))
    (agent,) = (await desk.get("/admin/agents"))["agents"]
    assert [(each["name"], each["state"]) for each in agent["instances"]] == [("s1", "ready"), ("s2", "lost")]
    assert await desk.get("/admin/servers") == {"servers": [SERVER]}


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/nothing", "/admin/agents/support"])
async def test_an_unknown_path_is_told_where_they_are_described(path: str) -> None:
    reply = await Desk().ask(path)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (404, "not_found")
    assert reply.json()["error"]["message"].endswith("; see /admin/openapi.json")


async def test_another_method_is_told_which_there_is() -> None:
    reply = await Desk().ask("/admin/agents/support/instances/s1/drain", "GET")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert reply.json()["error"] == {"reason": "method_not_allowed", "message": "this address takes POST"}


async def test_nothing_of_it_is_to_be_kept() -> None:
    desk = Desk()
    for key in ("the-admins-key", None):
        assert (await desk.ask("/admin/sessions", key=key)).headers["cache-control"] == "no-store"
