"""What the sample agent understands, without any protocol around it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.samples.memory_talk import HELP, MAX_BOOKINGS, MAX_FACTS, Asks, Done, Memory, Reply, Said


def ask(memory: Memory, text: str, *, conversation: str = "c", task: str = "t") -> Reply:
    return memory.turn(conversation, task, text)[0]


def test_what_is_remembered_is_told_in_the_same_conversation_alone() -> None:
    memory = Memory("one")
    assert ask(memory, "Remember that  Tea is green!") == Done(("I will remember that Tea is green.",))
    assert ask(memory, "What is tea?") == Done(("tea is green.",))
    assert ask(memory, "what's TEA") == Done(("TEA is green.",))
    assert ask(memory, "what is tea?", conversation="another") == Done(("You have not told me what tea is.",))


def test_the_last_word_on_a_thing_counts() -> None:
    memory = Memory("one")
    for colour in ("green", "black"):
        ask(memory, f"remember tea is {colour}")
    assert ask(memory, "what do you know?") == Done(("This is what you have told me:\n", "tea is black.\n"))


def test_what_is_forgotten_is_gone() -> None:
    memory = Memory("one")
    ask(memory, "remember tea is green")
    assert ask(memory, "forget tea") == Done(("I have forgotten what tea is.",))
    assert ask(memory, "forget tea") == Done(("You have not told me what tea is.",))
    assert ask(memory, "tell me everything") == Done(("You have told me nothing yet.",))


def test_turns_are_counted_by_conversation() -> None:
    memory = Memory("one")
    turns = [memory.turn(conversation, "t", "anything")[1] for conversation in ("a", "b", "a", "a")]
    assert turns == [1, 1, 2, 3]


def test_small_talk_is_a_remark_and_everything_unknown_is_answered_with_what_it_can_do() -> None:
    memory = Memory("one")
    assert ask(memory, "hello there") == ask(memory, "Who are you?") == Said("I am one.")
    assert ask(memory, "sing") == ask(memory, "") == Done((HELP,))


def test_it_counts_piece_by_piece_within_limits() -> None:
    memory = Memory("one")
    assert ask(memory, "count to 3") == Done(("1 ", "2 ", "3 "), paced=True)
    assert ask(memory, "count to 1001") == ask(memory, "count to 0") == Done(("I count from 1 to at most 1000.",))


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (["book a table", "4", "19:30"], [Asks("For how many people?"), Asks("At what time? (HH:MM)")]),
        (["book a table", "we are 4, at 19.30"], [Asks("For how many people?")]),
        (["please book a table at 19h30", "4 of us"], [Asks("For how many people?")]),
        (["reserve a table for 4", "at 19:30"], [Asks("At what time? (HH:MM)")]),
        (["book a table for 4 at 19:30"], []),
    ],
)
def test_a_booking_asks_for_what_is_missing(said: list[str], heard: list[Asks]) -> None:
    memory = Memory("one")
    assert [ask(memory, text) for text in said] == [*heard, Done(("A table for 4 at 19:30 is booked.",))]
    assert ask(memory, "4") == Done((HELP,))


def test_bookings_of_one_conversation_do_not_mix() -> None:
    memory = Memory("one")
    ask(memory, "book a table for 2", task="a")
    ask(memory, "book a table for 9", task="b")
    assert ask(memory, "at 20:00", task="a") == Done(("A table for 2 at 20:00 is booked.",))
    memory.drop("c", "b")
    memory.drop("unknown", "b")
    assert ask(memory, "at 20:00", task="b") == Done((HELP,))


def test_the_conversation_that_was_silent_longest_is_forgotten_first() -> None:
    memory = Memory("one", limit=2)
    for conversation in ("a", "b", "a", "c"):
        memory.turn(conversation, "t", "x")
    assert memory.turn("a", "t", "x")[1] == 3
    assert memory.turn("b", "t", "x")[1] == 1
    assert repr(memory) == "Memory(one, 2 conversations)"


def test_the_oldest_fact_and_the_oldest_booking_go_first() -> None:
    memory = Memory("one")
    for number in range(MAX_FACTS + 1):
        ask(memory, f"remember fact {number} is there")
    assert ask(memory, "what is fact 0") == Done(("You have not told me what fact 0 is.",))
    assert ask(memory, "what is fact 1") == Done(("fact 1 is there.",))
    for number in range(MAX_BOOKINGS + 1):
        ask(memory, "book a table for 4", task=f"t{number}")
    assert ask(memory, "19:30", task="t0") == Done((HELP,))
    assert ask(memory, "19:30", task="t1") == Done(("A table for 4 at 19:30 is booked.",))


@given(
    st.lists(st.text() | st.sampled_from(["book a table", "remember a is b", "what is a", "count to 9"]), max_size=8)
)
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_said_goes_unanswered(texts: list[str]) -> None:
    memory = Memory("one")
    for number, text in enumerate(texts, 1):
        reply, turn = memory.turn("c", "t", text)
        assert turn == number
        said = reply.text if isinstance(reply, Said) else reply.question if isinstance(reply, Asks) else reply.chunks
        assert said
