"""Frames of an event stream that is passed on: nothing is lost, nothing is cut in the middle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core import sse
from fedgate.core.errors import UpstreamInvalid
from fedgate.core.sse_frames import Data, Frames, read

STREAM = (
    b": hello\n\n",
    b'data: {"a":1}\n\n',
    b"event: error\r\nid: 7\r\ndata: x\r\ndata: y\r\n\r\n",
    b"retry: 10\r\r",
    b"data:no space\n\r\n",
)


def test_frames_are_cut_behind_their_blank_lines_and_keep_every_byte() -> None:
    assert Frames().feed(b"".join(STREAM)) == list(STREAM)


@given(st.lists(st.integers(1, 9), max_size=60))
def test_frames_are_the_same_however_the_stream_is_cut(sizes: list[int]) -> None:
    whole = b"".join(STREAM)
    frames, got, at = Frames(), [], 0
    for size in sizes:
        got += frames.feed(whole[at : at + size])
        at += size
    got += frames.feed(whole[at:])
    assert b"".join(got) + frames.rest() == whole
    assert [read(each) for each in got if read(each).data] == [
        Data(b'{"a":1}'),
        Data(b"x\ny", b"error"),
        Data(b"no space"),
    ]


@given(
    st.lists(
        st.sampled_from([b"data: a", b"data:", b":", b"event: e", b"\n", b"\r\n", b"\r", b"\n\n", b"x"]), max_size=40
    )
)
def test_what_frames_say_is_what_the_other_reader_reads(pieces: list[bytes]) -> None:
    stream = b"".join(pieces) + b"\n\n\n"
    frames = Frames()
    found = [read(each) for piece in (*pieces, b"\n\n\n") for each in frames.feed(piece)]
    # A CR at a chunk's end waits for its LF, so the cut may lie one line later; what is said does not change.
    wanted = [Data(event.data, event.event) for event in sse.Reader().feed(stream) if event.data]
    assert [each for each in found if each.data] == wanted


@given(
    st.lists(
        st.sampled_from([b"data: a", b"data: ", b"data:", b":", b"event: e", b"event: ", b"\n", b"\r\n", b"\r", b"x"])
        | st.sampled_from([b"data: a\n\n", b"data: a\r\n\r\n", b"event: e\ndata: a\n\n", b"data: a\n\r\n"]),
        max_size=12,
    )
)
def test_events_are_the_frames_and_what_each_of_them_says(pieces: list[bytes]) -> None:
    frames, events = Frames(), Frames()
    for piece in pieces:
        assert events.events(piece) == [(each, *read(each)) for each in frames.feed(piece)]
    assert events.rest() == frames.rest()


def test_a_frame_of_one_line_is_passed_on_as_the_object_it_came_in() -> None:
    chunk = b"data: 1\n\n"
    assert Frames().feed(chunk)[0] is chunk


def test_a_chunk_of_many_frames_is_cut_and_the_rest_is_kept_for_the_next() -> None:
    frames = Frames()
    assert frames.feed(b"data: 1\n\n: ping\n\n\n\ndata: 2\n") == [b"data: 1\n\n", b": ping\n\n", b"\n\n"]
    assert frames.feed(b"\ndata: 3\n\n") == [b"data: 2\n\n", b"data: 3\n\n"]
    assert frames.rest() == b""


def test_what_follows_the_last_whole_frame_is_told() -> None:
    frames = Frames()
    assert frames.feed(b"data: 1\n\ndata: 2") == [b"data: 1\n\n"]
    assert frames.rest() == b"data: 2"


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 200],
        [b"data: ", b"x" * 50, b"x" * 50],
        [b"x" * 120 + b"\n\n"],
        [b"\n\n" + b"x" * 99 + b"\n\n"],
    ],
)
def test_a_frame_beyond_the_limit_is_refused(chunks: list[bytes]) -> None:
    frames = Frames(limit=100)
    *first, last = chunks
    for chunk in first:
        frames.feed(chunk)
    with pytest.raises(UpstreamInvalid, match="larger than 100 bytes"):
        frames.feed(last)
