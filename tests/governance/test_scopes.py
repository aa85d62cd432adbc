"""governance/scopes.py: one look at a call for all limits, and none for calls like one before."""

from collections.abc import Mapping
from typing import Any

from fedgate.core.rawjson import Raw
from fedgate.governance.scope import NOBODY, Scope
from fedgate.governance.scopes import MAX_ANSWERS, MAX_SEEN, Keys, Scopes
from tests.governance.limited import ALICE, BOB, TOOL, call, limit


def scopes(*settings: dict[str, str]) -> Scopes:
    return Scopes(Scope(limit(concurrency=1, **each)) for each in settings)


def nothing() -> Mapping[str, Any]:
    raise AssertionError("nobody has to know what the call is about")


def test_limits_by_caller_need_no_look_at_the_call() -> None:
    found = scopes({}, {})
    assert found.keys(call(ALICE), nothing) == ("key:alice", "key:alice")
    assert found.keys(call(BOB), nothing) == ("key:bob", "key:bob")
    assert len(found) == 0


def test_the_protocol_is_not_asked_for_what_no_expression_mentions() -> None:
    found = scopes({"key": "source.address"}, {"when": "principal.metadata.team == 'core'"})
    assert found.keys(call(ALICE), nothing) == ("192.0.2.7", "key:alice")
    assert found.keys(call(BOB), nothing) == ("192.0.2.7", None)


def test_equal_calls_are_answered_alike_each_for_its_own_caller() -> None:
    found = scopes({"when": 'mcp.tool.name == "crm__export"'}, {"key": "mcp.tool.name"}, {})
    assert found.keys(call(ALICE), lambda: TOOL) == ("key:alice", "export", "key:alice")
    assert found.keys(call(BOB), lambda: TOOL) == ("key:bob", "export", "key:bob")
    assert len(found) == 1
    other = {"mcp": {"tool": {"name": "import", "full": "crm__import"}}}
    assert found.keys(call(BOB), lambda: other) == (None, "import", "key:bob")
    assert found.keys(call(BOB), dict) == (None, None, "key:bob")


def test_what_is_large_or_cannot_be_shown_is_looked_at_each_time() -> None:
    found = scopes({"key": "mcp.tool.arguments.text"})

    def keys(arguments: bytes) -> Keys:
        return found.keys(call(), lambda: {"mcp": {"tool": {"arguments": Raw(arguments)}}})

    assert keys(b'{"text":"%b"}' % (b"x" * MAX_SEEN))[0] != keys(b'{"text":"%b"}' % (b"y" * MAX_SEEN))[0]
    assert keys(b'{"text":"%b"}' % (b"x" * 100_000)) == (NOBODY,)
    assert keys(b'{"text":"a","text":"b"}') == (NOBODY,)
    assert keys(b"{") == (NOBODY,)
    assert len(found) == 0


def test_answers_that_are_kept_are_bounded() -> None:
    found = scopes({"key": "request.headers.x_team"})
    for number in range(MAX_ANSWERS + 10):
        assert found.keys(call(x_team="-"), nothing) == (NOBODY,)
        key = found.keys(call(x_team=str(number)), nothing)
        assert key == (NOBODY,)  # headers are named with a dash
    assert len(found) == 1
    by_team = scopes({"key": 'request.headers["x-team"]'})
    for number in range(MAX_ANSWERS + 10):
        assert by_team.keys(call(x_team=str(number)), nothing) == (str(number),)
    assert len(by_team) == MAX_ANSWERS
