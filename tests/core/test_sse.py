"""core/sse.py: events are the same however the stream was cut, and no peer makes the reader hold too much."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.sse import COMMENT, Event, Reader, event


def read(*chunks: bytes, limit: int = 1000) -> list[Event]:
    reader = Reader(limit)
    return [found for chunk in chunks for found in reader.feed(chunk)]


STREAMS = st.lists(
    st.sampled_from(
        [
            b"data",
            b"event",
            b"id",
            b"retry",
            b"x",
            b":",
            b": ",
            b" ",
            b"\n",
            b"\r",
            b"\r\n",
            b"7",
            b"\0",
            b"\xef\xbb\xbf",
        ]
    ),
    max_size=40,
).map(b"".join)


@given(STREAMS | st.binary(max_size=60), st.lists(st.integers(min_value=0, max_value=100), max_size=8))
@example(b"data: a\r\n\r\ndata: b\r\r\n", [7, 8, 9, 10])
@settings(deadline=None)
def test_random_cuts_give_the_events_of_the_whole_stream(stream: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    whole, cut = Reader(), Reader()
    events = whole.feed(stream)
    assert [found for piece in pieces for found in cut.feed(piece)] == events
    assert cut.last_id == whole.last_id
    single = Reader()
    assert [found for byte in stream for found in single.feed(bytes([byte]))] == events


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_of_the_standard_ends_a_line(end: bytes) -> None:
    stream = end.join([b"event: e", b"data: 1", b"data: 2", b"id: 9", b"", b"data: 3", b"", b""])
    assert read(stream) == [Event(b"1\n2", b"e", b"9"), Event(b"3", b"message", b"9")]


def test_one_space_after_the_colon_is_dropped_and_further_ones_stay() -> None:
    assert read(b"data:a\n\n", b"data: a\n\n", b"data:  a\n\n") == [Event(b"a"), Event(b"a"), Event(b" a")]


def test_a_field_without_a_colon_has_an_empty_value() -> None:
    assert read(b"data\n\n", b"data\ndata\n\n") == [Event(b""), Event(b"\n")]


def test_comments_unknown_fields_and_foreign_case_are_passed_over() -> None:
    assert read(COMMENT, b":\n\n", b"Data: no\nfoo: bar\ndata: yes\n\n") == [Event(b"yes")]


def test_the_type_of_an_event_does_not_outlive_it() -> None:
    assert read(b"event: e\n\ndata: 1\n\nevent: f\ndata: 2\n\ndata: 3\n\n") == [
        Event(b"1"),
        Event(b"2", b"f"),
        Event(b"3"),
    ]


def test_an_empty_type_is_message() -> None:
    assert read(b"event: e\nevent:\ndata: 1\n\n") == [Event(b"1", b"message")]


def test_the_priming_event_has_an_id_and_no_data() -> None:
    assert read(b"id: 0.1\nretry: 500\ndata:\n\n") == [Event(b"", b"message", b"0.1", 500)]


@pytest.mark.parametrize(
    ("value", "retry"), [(b"3000", 3000), (b"0", 0), (b"+1", None), (b"1.5", None), (b"", None), (b"9" * 50, 999999999)]
)
def test_only_digits_are_a_retry(value: bytes, retry: int | None) -> None:
    found = read(b"retry: " + value + b"\n\n")
    assert found == ([] if retry is None else [Event(b"", retry=retry)])


def test_an_id_lasts_until_another_one_and_an_empty_one_ends_it() -> None:
    found = read(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: x\0y\ndata: d\n\n")
    assert [each.id for each in found] == [b"1", b"1", b"", b""]


def test_the_id_of_an_event_that_was_cut_off_is_not_where_to_resume() -> None:
    reader = Reader()
    assert reader.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n") == [Event(b"a", id=b"1")]
    assert reader.last_id == b"1"
    assert reader.feed(b"\n") == [Event(b"b", id=b"2")]
    assert reader.last_id == b"2"


def test_an_id_without_data_counts_and_gives_no_event() -> None:
    reader = Reader()
    assert reader.feed(b"id: 3\n\n") == []
    assert reader.last_id == b"3"


def test_a_byte_order_mark_is_dropped_at_the_start_and_nowhere_else() -> None:
    assert read(b"\xef\xbb", b"\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n") == [Event(b"a")]


def test_data_is_never_decoded() -> None:
    assert read(b"data: \xff\xfe\n\n") == [Event(b"\xff\xfe")]


LIMIT = 100


@pytest.mark.parametrize("cuts", [1, 7, 1000])
def test_data_of_the_limit_passes_and_a_byte_more_is_the_servers_error(cuts: int) -> None:
    def fed(size: int) -> list[Event]:
        stream = b"data: " + b"x" * size + b"\n\n"
        return read(*(stream[at : at + cuts] for at in range(0, len(stream), cuts)), limit=LIMIT)

    assert fed(LIMIT) == [Event(b"x" * LIMIT)]
    with pytest.raises(UpstreamInvalid, match="larger than 100 bytes"):
        fed(LIMIT + 1)


def test_many_lines_count_together() -> None:
    assert read(b"data: xxxxxxxxx\n" * 10 + b"\n", limit=LIMIT) == [Event(b"\n".join([b"x" * 9] * 10))]
    with pytest.raises(UpstreamInvalid):
        read(b"data: xxxxxxxxx\n" * 11 + b"\n", limit=LIMIT)


def test_empty_data_lines_count_so_that_an_event_cannot_grow_without_end() -> None:
    with pytest.raises(UpstreamInvalid):
        read(b"data\n" * (LIMIT + 2), limit=LIMIT)


@pytest.mark.parametrize("line", [b": comment ", b"event: ", b"id: ", b"unknown: "])
def test_a_line_that_does_not_end_is_the_servers_error_whatever_it_is(line: bytes) -> None:
    with pytest.raises(UpstreamInvalid):
        read(line, *[b"x" * 10] * 20, limit=LIMIT)
    with pytest.raises(UpstreamInvalid):
        read(line + b"x" * 200 + b"\n", limit=LIMIT)


def test_the_limit_is_for_each_event_and_not_for_the_stream() -> None:
    assert len(read(*[b"data: " + b"x" * LIMIT + b"\n\n"] * 5, limit=LIMIT)) == 5


def test_nothing_is_kept_of_chunks_that_are_empty() -> None:
    reader = Reader()
    for _ in range(1000):
        assert reader.feed(b"") == []
    assert reader.feed(b"data: a\n\n") == [Event(b"a")]


def test_an_event_is_written_with_what_it_has() -> None:
    assert event(b"{}") == b"event: message\ndata: {}\n\n"
    assert event(b"", id_=b"0.0", name=b"", retry=0) == b"id: 0.0\nretry: 0\ndata: \n\n"


@given(st.binary(max_size=40), st.sampled_from([b"", b"7.1"]), st.sampled_from([b"message", b"endpoint"]))
@settings(deadline=None)
def test_what_is_written_is_read_back_with_line_breaks_as_line_feeds(data: bytes, ident: bytes, name: bytes) -> None:
    written = event(data, id_=ident, name=name)
    plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert read(written) == [Event(plain, name, ident)]
