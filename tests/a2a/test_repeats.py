"""a2a/repeats.py"""

from fedgate.a2a.repeats import IDLE, MESSAGES, Repeats
from fedgate.core.clock import ManualClock


def test_a_message_is_found_by_its_owner_and_id() -> None:
    sent = Repeats(ManualClock())
    sent.note("key:alice", "m", "one#1")
    assert (sent.find("key:alice", "m"), sent.find("key:bob", "m"), sent.find("key:alice", "n")) == ("one#1", "", "")


def test_where_it_was_sent_last_is_where_it_goes() -> None:
    sent = Repeats(ManualClock())
    sent.note("key:alice", "m", "one#1")
    sent.note("key:alice", "m", "two#1")
    assert (sent.find("key:alice", "m"), len(sent)) == ("two#1", 1)


def test_it_is_forgotten_after_a_while_and_sending_it_again_counts_anew() -> None:
    clock = ManualClock()
    sent = Repeats(clock)
    sent.note("o", "m", "one#1")
    clock.advance(IDLE - 1)
    sent.note("o", "m", "one#1")
    clock.advance(IDLE - 1)
    assert sent.find("o", "m") == "one#1"
    clock.advance(1)
    assert sent.find("o", "m") == ""
    sent.note("o", "n", "one#1")
    assert len(sent) == 1


def test_of_too_many_the_longest_unsent_is_forgotten() -> None:
    sent = Repeats(ManualClock(), 2)
    for id_ in ("a", "b", "a", "c"):
        sent.note("o", id_, "one#1")
    assert [sent.find("o", id_) for id_ in ("a", "b", "c")] == ["one#1", "", "one#1"]
    assert (len(sent), MESSAGES) == (2, 10_000)
