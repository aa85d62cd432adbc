"""governance/tokens.py: what the provider said counts, and where it said nothing, the estimate."""

import pytest

from fedgate.core.spending import Expected
from fedgate.governance.tokens import READ, WRITTEN, is_told, used

EXPECTED = Expected(100, 50, 400)


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({READ: 90, WRITTEN: 7}, 97),
        ({READ: 90, WRITTEN: 7000}, 7090),
        ({READ: 0, WRITTEN: 0}, 0),
        ({READ: 90}, 140),
        ({WRITTEN: 7}, 107),
        ({}, 150),
        ({READ: None, WRITTEN: "many"}, 150),
    ],
)
def test_a_whole_answer_counts_what_was_said(fields: dict[str, object], tokens: int) -> None:
    assert used(EXPECTED, fields) == tokens


@pytest.mark.parametrize(
    ("fields", "sent", "tokens"),
    [
        ({READ: 90, WRITTEN: 1}, 0, 91),
        ({READ: 90, WRITTEN: 1}, 1600, 190),
        ({READ: 90, WRITTEN: 300}, 1600, 390),
        ({}, 1600, 200),
        ({}, 1_000_000, 500),
    ],
)
def test_a_stream_that_was_cut_counts_what_came_of_it(fields: dict[str, object], sent: int, tokens: int) -> None:
    assert used(EXPECTED, fields, sent=sent) == tokens


def test_without_a_most_what_was_sent_decides() -> None:
    assert used(Expected(10, 50), {}, sent=160_000) == 10_010


def test_either_count_is_a_word_of_the_provider() -> None:
    assert [is_told(each) for each in ({}, {READ: 1}, {WRITTEN: 0}, {"gen_ai.request.model": 3})] == [
        False,
        True,
        True,
        False,
    ]
