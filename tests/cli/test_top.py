"""What `fedgate top` makes of the events; that it talks to a gateway is in tests/e2e/test_live.py."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fedgate.cli.top import KEPT, Board


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "id": f"boot-{number}",
        "protocol": "mcp",
        "operation": "tools/call",
        "user": "alice",
        "source": "127.0.0.1:5000",
        "target": "",
        "destination": "notes",
        "state": "running",
        "since": 90.0,
        "seconds": None,
        "bytes_in": 10,
        "bytes_out": 0,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": None,
        "session": "",
        **more,
    }


def test_a_snapshot_replaces_and_a_delta_changes_what_is_shown() -> None:
    board = Board()
    board.take("snapshot", {"when": 100.0, "total": 2, "operations": [row(1), row(2, user="bob")]})
    text = board.text(limit=None, colour=False)
    assert text.startswith("2 operations under way, 0 sessions\n")
    assert "running  alice  mcp       tools/call  127.0.0.1:5000  notes        10.00s  10    0\n" in text
    gone = row(1, state="done", seconds=10.5, bytes_out=77, input_tokens=3, output_tokens=4, cost_usd=0.25)
    board.take("delta", {"when": 101.0, "total": 1, "operations": [], "ended": [gone]})
    assert list(board.running) == [2]
    text = board.text(limit=None, colour=False)
    assert "bob" in text
    assert "done" in text
    assert "10.50s" in text
    assert "0.2500" in text
    board.take("snapshot", {"when": 102.0, "total": 0, "operations": []})
    assert board.running == {}


def test_of_those_that_ended_the_last_few_stay() -> None:
    board = Board()
    for number in range(KEPT + 5):
        board.take("delta", {"when": 1.0, "total": 0, "operations": [], "ended": [row(number, seconds=1.0)]})
    assert [each["number"] for each in board.over] == list(range(KEPT + 4, 4, -1))


def test_sessions_stand_below() -> None:
    board = Board()
    board.take("sessions", {"total": 7, "sessions": [{"mark": "ab12", "protocol": "mcp", "owner": "key:alice"}]})
    assert board.text(limit=None, colour=False).startswith("0 operations under way, 7 sessions\n\nSESSION")


def test_nothing_in_names_steers_the_terminal() -> None:
    board = Board()
    board.take("snapshot", {"when": 1.0, "total": 1, "operations": [row(1, user="\x1b[2Jevil\nline")]})
    text = board.text(limit=None, colour=False)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["state", "user", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["snapshot", "delta", "sessions"]), st.dictionaries(st.sampled_from(["operations", "ended"]), JSON)
)
def test_whatever_rows_hold_something_is_shown(name: str, data: dict[str, Any]) -> None:
    board = Board()
    board.take(name, data)
    assert board.text(limit=80, colour=False)
