"""federation/stdio_stderr.py"""

from fedgate.core.clock import ManualClock
from fedgate.federation.stdio_stderr import BYTES, LINE, LINES, StderrLog


def make(*secrets: str) -> tuple[StderrLog, list[str], ManualClock]:
    clock = ManualClock()
    seen: list[str] = []
    return StderrLog(seen.append, clock, secrets), seen, clock


def test_lines_are_passed_on_and_the_last_one_is_remembered() -> None:
    log, seen, _ = make()
    log.feed(b"starting\nreading conf")
    log.feed(b"ig\n\n")
    assert seen == ["starting", "reading config"]
    assert log.last == "reading config"


def test_a_line_without_newline_is_passed_on_at_the_end() -> None:
    log, seen, _ = make()
    log.feed(b"died here")
    log.flush()
    assert seen == ["died here"]


def test_a_long_line_is_shortened() -> None:
    log, seen, _ = make()
    log.feed(b"x" * 10_000 + b"\n")
    assert seen == ["x" * LINE]


def test_of_a_flood_the_first_lines_are_passed_on_and_the_rest_is_counted() -> None:
    log, seen, clock = make()
    log.feed(b"line\n" * (LINES + 23))
    assert len(seen) == LINES
    assert log.suppressed == 23
    clock.advance(1)
    log.feed(b"later\n")
    assert seen[LINES:] == ["(suppressed 23 lines)", "later"]
    assert log.suppressed == 0


def test_what_was_suppressed_is_said_at_the_end_too() -> None:
    log, seen, _ = make()
    log.feed(b"line\n" * (LINES + 1) + b"last words")
    log.flush()
    assert seen[LINES:] == ["(suppressed 1 lines)", "last words"]
    assert log.last == "last words"


def test_the_last_words_are_known_though_they_were_suppressed() -> None:
    log, seen, _ = make()
    log.feed(b"line\n" * 50_000 + b"this is why\n\n")
    log.feed(b"\n\n")
    assert len(seen) == LINES
    assert log.last == "this is why"


def test_too_many_bytes_in_one_window_are_over_until_it_rolls() -> None:
    log, _, clock = make()
    seen = []
    for data in (b"x" * BYTES, b"x"):
        log.feed(data)
        seen.append(log.over)
    clock.advance(0.25)
    remaining = log.remaining
    log.roll()
    assert [*seen, log.over] == [False, True, False]
    assert (remaining, log.remaining) == (0.75, 1)


def test_secrets_are_masked_in_lines_and_last_words() -> None:
    log, seen, _ = make("hunter2-long", "hunter2")
    log.feed(b"token hunter2-long and hunter2\n")
    assert seen == ["token *** and ***"]
    assert log.last == "token *** and ***"
