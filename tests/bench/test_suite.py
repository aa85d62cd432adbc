"""bench/suite.py and bench/load.py"""

import pytest

from bench import load, suite
from bench.targets import ALL


def test_without_arguments_every_row_is_measured_on_every_target() -> None:
    sitting = suite.parse([])
    assert [row.name for row in sitting.rows][:3] == ["hop", "mcp-call", "mcp-list"]
    assert (sitting.targets, sitting.rounds, sitting.options.seconds) == (list(ALL), 3, 4.0)


def test_quick_is_one_short_round() -> None:
    sitting = suite.parse(["--quick", "--rounds", "9", "start"])
    assert ([row.name for row in sitting.rows], sitting.rounds, sitting.options.seconds) == (["start"], 1, 1.0)


def test_rows_can_be_named_by_a_pattern() -> None:
    names = [row.name for row in suite.parse(["policy-*-stream", "start"]).rows]
    assert names == ["policy-a2a-stream", "policy-llm-stream", "start"]


@pytest.mark.parametrize(
    "wrong",
    [["mcp-cal"], ["police-*"], ["--targets", "ngin*"], ["--targets", "nginz"], ["--rounds", "0"], ["--seconds", "-1"]],
)
def test_a_wrong_argument_ends_with_a_sentence(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        suite.parse(wrong)
    assert "error: " in capsys.readouterr().err


def test_every_row_says_how_it_is_sampled_and_has_a_name_of_its_own() -> None:
    rows = suite.parse([]).rows
    assert len({row.name for row in rows}) == len(rows)
    assert all((row.shared is None) is not (row.fresh is None) for row in rows)
    assert {row.serves for row in rows} == {"mcp", "a2a", "llm"}


def test_the_command_of_fedgate_may_be_given() -> None:
    assert suite.parse(["--fedgate", "some 'odd path'"]).options.fedgate == ["some", "odd path"]


def test_a_phase_ends_when_it_is_long_or_busy_enough_or_hopeless() -> None:
    tally = load.Tally(seconds=1.0, started=0.0)
    assert not tally.enough(0.9)
    assert not tally.enough(2.9)
    assert tally.enough(3.0)
    tally.latencies = [0.001] * load.LEAST_OPERATIONS
    assert tally.enough(1.0)
    assert not tally.enough(0.9)
    tally.failures = ["no"] * load.MOST_FAILURES
    assert tally.enough(0.0)
