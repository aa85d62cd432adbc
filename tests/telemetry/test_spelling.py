"""Whatever a value holds, the line stays one line and the value comes back."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.telemetry.spelling import (
    LONGEST,
    Value,
    bound,
    clean_key,
    json_line,
    logfmt,
    milliseconds,
    timestamp,
)

_PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^\s"=]+)(?: |\Z)')


def parsed(line: str) -> list[tuple[str, str]]:
    """A reference reader of logfmt: `key=bare` or `key="JSON string"`, one blank between."""
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(line):
        match = _PAIR.match(line, at)
        assert match is not None, line[at:]
        key, text = match.groups()
        pairs.append((key, json.loads(text) if text.startswith('"') else text))
        at = match.end()
    return pairs


keys = st.from_regex(r"\A[a-z][a-z0-9_.]{0,20}\Z")


@given(st.lists(st.tuples(keys, st.text())))
def test_what_was_written_as_logfmt_is_read_back(fields: list[tuple[str, str]]) -> None:
    line = logfmt(fields)
    assert parsed(line) == fields
    assert len(line.splitlines()) <= 1
    assert not fields or line.isprintable()


@given(st.dictionaries(keys, st.text() | st.integers() | st.booleans() | st.none()))
def test_what_was_written_as_json_is_read_back_from_one_ascii_line(fields: dict[str, Value]) -> None:
    line = json_line(fields)
    assert json.loads(line) == fields
    assert line.isascii()
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("tools/call", "tools/call"),
        ("a1e5.elb.amazonaws.com:443", "a1e5.elb.amazonaws.com:443"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "x"', r'"say \"x\""'),
        ("a=b", '"a=b"'),
        ("back\\slash", r'"back\\slash"'),
        ("line\nrequest user=root", r'"line\nrequest user=root"'),
        ("\x1b[2J", r'"\u001b[2J"'),
        ("\x9b31m", r'"\u009b31m"'),
        ("\u202egpj.exe", r'"\u202egpj.exe"'),
        ("\udc80", r'"\udc80"'),
        ("Zoë", '"Zoë"'),
        ("null", "null"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (183, "183"),
        (0.012, "0.012"),
    ],
)
def test_a_value_is_bare_only_where_no_reader_could_stumble(value: Value, spelled: str) -> None:
    assert logfmt([("k", value)]) == f"k={spelled}"


def test_lone_surrogates_do_not_stop_a_json_line() -> None:
    assert json.loads(json_line({"path": "/\udc80"})) == {"path": "/\udc80"}


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [
        (4.797, "4797ms"),
        (0.00042, "0.42ms"),
        (0.0000004, "0.00ms"),
        (0.0, "0.00ms"),
        (0.0099, "9.90ms"),
        (0.010, "10ms"),
        (600.0, "600000ms"),
    ],
)
def test_durations_are_whole_milliseconds_from_ten_on(seconds: float, spelled: str) -> None:
    assert milliseconds(seconds) == spelled


def test_dates_are_utc_with_milliseconds() -> None:
    assert timestamp(1736937000.0) == "2025-01-15T10:30:00.000Z"
    assert timestamp(1736937000.1239) == "2025-01-15T10:30:00.123Z"


def test_long_values_are_cut_visibly() -> None:
    assert bound("x" * LONGEST) == "x" * LONGEST
    assert bound("x" * (LONGEST + 1)) == "x" * (LONGEST - 3) + "..."


@pytest.mark.parametrize(("key", "clean"), [("a.b-c_d", "a.b-c_d"), ("a b=c\n", "a_b_c_"), ("", "_"), ("é", "_")])
def test_a_key_cannot_split_a_line(key: str, clean: str) -> None:
    assert clean_key(key) == clean
