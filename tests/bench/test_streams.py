"""bench/streams.py"""

import pytest

from bench.http_client import Wrong
from bench.streams import Listener, Wish, mark, wish_in


def listener(count: int = 2) -> Listener:
    return Listener("w", count, lambda data: data.decode().removeprefix("="))


def frame(word: str, number: int) -> bytes:
    return f"data: {mark(word, number)}\n\n".encode()


def test_a_wish_is_found_wherever_it_stands() -> None:
    wish = Wish("3.14.15", "stream", 50, 20)
    assert wish_in(f'{{"text":"{wish} The quick"}}'.encode()) == wish
    assert wish_in(b"{}") == Wish("none")


def test_events_in_order_are_right_however_they_are_cut() -> None:
    heard = listener()
    whole = frame("w", 0) + b": ping\n\n" + frame("w", 1)
    for place in range(0, len(whole), 7):
        heard.take(whole[place : place + 7])
    heard.check()
    assert len(heard.lags) == 2
    assert all(lag >= -0.001 for lag in heard.lags)


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        ([frame("w", 1), frame("w", 0)], "event 1 of w came as event 0 of w"),
        ([frame("w", 0), frame("w", 0)], "event 0 of w came as event 1 of w"),
        ([frame("other", 0), frame("w", 1)], "event 0 of other came as event 0 of w"),
        ([frame("w", 0)], "1 events of 2 came"),
        ([frame("w", 0), frame("w", 1), b"data: cut"], "2 events of 2 came, then"),
        ([b"data: nonsense\n\n"], "not enough values"),
    ],
)
def test_what_is_lost_doubled_swapped_cut_or_foreign_is_wrong(frames: list[bytes], problem: str) -> None:
    heard = listener()
    for each in frames:
        heard.take(each)
    with pytest.raises(Wrong, match=problem):
        heard.check()


def test_events_without_a_mark_are_not_counted_and_the_last_one_is_known() -> None:
    heard = Listener("w", 1, lambda data: "" if data == b"[DONE]" else data.decode())
    heard.take(frame("w", 0) + b"data: [DONE]\n\n")
    heard.check()
    assert (len(heard.lags), heard.last) == (1, b"[DONE]")
