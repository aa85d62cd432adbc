"""What makes a run good, and what the runner says when it is not."""

from pathlib import Path

from tests.conformance.report import Outcome, complaints, expected_for, load_expected, markdown, table
from tests.conformance.runs import AUTHORIZATION, CLIENT_LEG, DIRECT, HERE, THROUGH_GATEWAY, Run
from tests.conformance.suite import Scenario

RUN = Run("A", "2025-11-25")
PASSES = Scenario("ping", required=True, passed=2, failed=0)
FAILS = Scenario("tools-list", required=True, passed=1, failed=1, problems=["tools-list: no tools"])


def test_a_run_without_failures_is_good() -> None:
    assert Outcome(RUN, [PASSES], 1.0, {}).surprises == []


def test_an_unexpected_failure_is_told_with_its_message() -> None:
    (surprise,) = Outcome(RUN, [PASSES, FAILS], 1.0, {}).surprises
    assert surprise == "tools-list fails (required)\n      tools-list: no tools"


def test_an_expected_failure_is_good() -> None:
    assert Outcome(RUN, [FAILS], 1.0, {"tools-list": "known"}).surprises == []


def test_an_expected_failure_that_passes_is_told() -> None:
    (surprise,) = Outcome(RUN, [PASSES], 1.0, {"ping": "known"}).surprises
    assert surprise == "ping passes: take it out of the expected failures"


def test_nothing_is_expected_of_a_peer() -> None:
    outcome = Outcome(Run("P1", "2025-11-25", peer="single"), [PASSES, FAILS], 1.0, {})
    assert outcome.surprises == []
    assert table([outcome]).splitlines()[1].split()[-4:] == ["1/1", "1/1", "3/1", "1.0"]


def test_a_run_in_which_nothing_ran_is_not_good() -> None:
    assert Outcome(RUN, [], 1.0, {}).surprises == ["the suite reported no scenario"]


def test_a_run_that_could_not_start_says_why() -> None:
    outcome = Outcome(RUN, [], 1.0, {}, "the gateway is not ready: not within 30 s")
    assert complaints([outcome]) == "A: the gateway is not ready: not within 30 s"


def test_expectations_of_every_run_and_of_one_are_joined(tmp_path: Path) -> None:
    file = tmp_path / "expected.yaml"
    file.write_text('"*": {ping: everywhere}\nA: {tools-list: here}\nB: {other: there}\n')
    assert expected_for(load_expected(file), RUN) == {"ping": "everywhere", "tools-list": "here"}


def test_the_shipped_expectations_name_known_runs_and_give_reasons() -> None:
    expected = load_expected(HERE / "expected.yaml")
    assert expected.keys() <= {"*", *(run.name for run in (*THROUGH_GATEWAY, *CLIENT_LEG, *AUTHORIZATION, *DIRECT))}
    assert all(reason for scenarios in expected.values() for reason in scenarios.values())


def test_the_table_counts_scenarios_and_checks() -> None:
    header, row, _ = table([Outcome(RUN, [PASSES, FAILS], 1.25, {})]).splitlines()
    assert header.split()[0] == "run"
    assert row.split()[-6:] == ["1/1", "1/1", "3/1", "1.2", "NOT", "GOOD"]


def test_the_table_for_a_document_has_no_seconds() -> None:
    assert markdown([Outcome(RUN, [PASSES, FAILS], 1.25, {})]).splitlines()[-1] == (
        "| A | 2025-11-25 -> /mcp/everything -> both http | 1/1 | 1/1 | 3/1 |"
    )
