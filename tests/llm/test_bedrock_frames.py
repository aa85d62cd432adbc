"""llm/bedrock_frames.py: AWS event streams are the same however they were cut, and damage is seen."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.llm.bedrock_frames import Frame, Reader
from tests.llm.event_stream import event, exception, frame, header

STREAM = event("messageStart", {"role": "assistant"}) + event("contentBlockDelta", {"delta": {"text": "a" * 300}})
STREAM += event("messageStop", {"stopReason": "end_turn"})


def test_the_encoding_is_that_of_aws() -> None:
    # Checked against botocore.
    made = frame(header("content-type", "application/json"), b"{'foo':'bar'}")
    assert made.hex() == (
        "0000003d" "00000020" "07fd8396"
        "0c636f6e74656e742d74797065" "07" "0010" "6170706c69636174696f6e2f6a736f6e"
        "7b27666f6f273a27626172277d" "8d9c08b1"
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_events_are_the_same_however_they_were_cut(cuts: list[int]) -> None:
    reader = Reader()
    chunks = [STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    frames = [found for chunk in chunks for found in reader.feed(chunk)]
    assert [found.event for found in frames] == [b"messageStart", b"contentBlockDelta", b"messageStop"]
    assert frames[0] == Frame(b'{"role": "assistant"}', b"messageStart")
    assert not reader.pending


def test_byte_by_byte_is_enough() -> None:
    reader = Reader()
    assert len([found for at in range(len(STREAM)) for found in reader.feed(STREAM[at : at + 1])]) == 3


def test_a_stream_that_was_cut_off_is_seen() -> None:
    reader = Reader()
    assert reader.feed(STREAM[:-1])[-1].event == b"contentBlockDelta"
    assert reader.pending


def test_exceptions_are_named_as_such() -> None:
    assert Reader().feed(exception("throttlingException", "Slow.")) == [
        Frame(b'{"message": "Slow."}', b"exception:throttlingException")
    ]


def test_errors_tell_their_message_in_a_header() -> None:
    headers = header(":message-type", "error") + header(":error-code", "InternalFailure")
    assert Reader().feed(frame(headers + header(":error-message", "Oh."), b"")) == [
        Frame(b'{"message":"Oh."}', b"exception:InternalFailure")
    ]


def test_headers_of_other_types_are_stepped_over() -> None:
    others = b"\x01a\x00" + b"\x01b\x01" + b"\x01c\x02x" + b"\x01d\x03xx" + b"\x01e\x04xxxx" + b"\x01f\x05" + b"x" * 8
    others += b"\x01g\x06\x00\x03xxx" + b"\x01h\x08" + b"x" * 8 + b"\x01i\x09" + b"x" * 16
    assert Reader().feed(frame(others + header(":event-type", "metadata"), b"{}")) == [Frame(b"{}", b"metadata")]


@pytest.mark.parametrize("at", [0, 5, 9, 20, -6, -1])
def test_damage_is_seen_by_the_checksums(at: int) -> None:
    body = bytearray(event("metadata", {"a": 1}))
    body[at] ^= 1
    with pytest.raises(UpstreamInvalid, match="damaged"):
        Reader().feed(bytes(body))


@pytest.mark.parametrize(
    "headers", [b"\x01a", b"\x05a", b"\x01a\x0a", b"\x01a\x07", b"\x01a\x07\x00", b"\x01a\x07\x00\x09x", b"\x01a\x08x"]
)
def test_headers_that_cannot_be_read_are_damage(headers: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="headers cannot be read"):
        Reader().feed(frame(headers, b"{}"))


def test_an_event_beyond_the_limit_is_refused_before_it_came() -> None:
    with pytest.raises(UpstreamInvalid, match="larger than 100 bytes"):
        Reader(100).feed(frame(header(":event-type", "x"), b"x" * 100)[:12])


def prelude(total: int, headers: int) -> bytes:
    lengths = total.to_bytes(4) + headers.to_bytes(4)
    return lengths + zlib.crc32(lengths).to_bytes(4)


@pytest.mark.parametrize(("total", "headers"), [(0, 0), (15, 0), (16, 1), (200000, 131073), (20, 2**32 - 1)])
def test_lengths_that_cannot_be_are_damage(total: int, headers: int) -> None:
    with pytest.raises(UpstreamInvalid, match="lengths of an event cannot be"):
        Reader().feed(prelude(total, headers))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=40), st.binary(max_size=20).map(lambda junk: frame(junk, b"{}"))), max_size=4)
)
def test_junk_is_read_or_invalid(chunks: list[bytes]) -> None:
    reader = Reader(1000)
    try:
        for chunk in chunks:
            reader.feed(chunk)
    except UpstreamInvalid:
        return
