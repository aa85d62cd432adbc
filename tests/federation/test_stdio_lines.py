"""federation/stdio_lines.py"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.federation.stdio_lines import LineTooLong, LogLines, MessageLines, as_line, is_message

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b and b == b.strip())), st.data())
def test_lines_come_out_whole_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + data.draw(st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"])) for line in lines)
    framer = MessageLines(1_000_000)
    seen: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        seen += framer.feed(stream[:size])
        stream = stream[size:]
    assert seen == lines


def test_a_line_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    framer = MessageLines(10)
    assert list(framer.feed(b"0123456789\n01234")) == [b"0123456789"]
    with pytest.raises(LineTooLong, match="more than 10 bytes"):
        list(framer.feed(b"567890"))


def test_good_lines_before_one_that_is_too_long_are_still_delivered() -> None:
    lines = MessageLines(5).feed(b"good\ntoo long\n")
    assert next(lines) == b"good"
    with pytest.raises(LineTooLong):
        next(lines)


@pytest.mark.parametrize("line", [b"{}", b'{"a": [1, 2]}', b"[]", b'[{"jsonrpc": "2.0"}]'])
def test_objects_and_batches_are_messages(line: bytes) -> None:
    assert is_message(line)


@pytest.mark.parametrize(
    "line", [b"[INFO] ready", b"{not json}", b'{"cut": ', b"{} {}", b'"text"', b"12", b"Welcome", b"[" * 200_000]
)
def test_banners_and_broken_json_are_no_messages(line: bytes) -> None:
    assert not is_message(line)


@given(json_values)
def test_a_message_with_newlines_says_the_same_on_one_line(value: object) -> None:
    pretty = json.dumps(value, indent=2).replace("\n", "\r\n").encode()
    line = as_line(pretty)
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert json.loads(line) == value


def test_a_message_of_one_line_is_not_touched() -> None:
    assert as_line(b'{"a":  1}') == b'{"a":  1}\n'


def test_log_lines_are_cut_to_the_limit_and_cleaned_of_control_characters() -> None:
    cut = LogLines(8)
    assert cut.feed(b"\x1b[1mB\x07\r\n12345", 100) == (["B"], 0)
    assert cut.feed(b"6789 and more\nnext", 100) == (["12345678"], 0)
    assert cut.flush() == ["next"]
    assert cut.flush() == []


def test_log_lines_without_text_are_left_out_and_bad_utf8_survives() -> None:
    assert LogLines(100).feed(b"\n  \r\n\xff!\n\x1b[2J\n", 100) == (["\ufffd!"], 0)


def test_log_lines_beyond_the_most_are_counted() -> None:
    cut = LogLines(100)
    assert cut.feed(b"1\n2\n3\n4", 2) == (["1", "2"], 1)
    assert cut.feed(b"4\n5", 0) == ([], 1)
    assert cut.flush() == ["5"]


def test_blank_lines_are_endless_only_up_to_the_limit() -> None:
    framer = MessageLines(10)
    assert list(framer.feed(b"\n" * 10)) == []
    with pytest.raises(LineTooLong):
        list(framer.feed(b"\n\n"))
    framer = MessageLines(10)
    assert list(framer.feed(b"\n\n\n{}\n" * 10)) == [b"{}"] * 10
