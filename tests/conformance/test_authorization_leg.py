"""What the runner takes out of the suite's words, and the run's place in the table."""

from pathlib import Path

from tests.conformance.authorization_leg import PREFIX, WAITS, address
from tests.conformance.report import Outcome, table
from tests.conformance.runs import AUTHORIZATION
from tests.conformance.suite import Scenario, read_results

URL = "http://127.0.0.1:1/oauth/authorize?response_type=code&state=a"


def test_the_address_is_known_as_soon_as_somebody_waits_for_who_comes_back() -> None:
    said = f"Access the following URL in your browser.\n{URL}\n\nWaiting up to 5 minutes\n"
    assert address("Running test\n") == ""
    assert address(said) == ""
    assert address(f"{said}{WAITS}: http://127.0.0.1:3\n") == URL


def test_results_are_found_under_the_name_that_the_suite_gives_them(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}authorization-code-grant-2026-11-28T20-02-16-812Z"
    folder.mkdir()
    (folder / "checks.json").write_text('[{"id": "grant", "status": "FAILURE", "errorMessage": "no code"}]')
    (scenario,) = read_results("✗ authorization-code-grant: 0 passed, 1 failed\n", folder.parent, frozenset(), PREFIX)
    assert (scenario.name, scenario.required, scenario.problems) == (
        "authorization-code-grant",
        False,
        ["grant: no code"],
    )


def test_the_run_stands_in_the_table_with_what_it_is() -> None:
    (run,) = AUTHORIZATION
    row = table([Outcome(run, [Scenario("authorization-code-grant", False, 1, 0)], 1.0, {})]).splitlines()[1]
    assert "2026-07-28 login -> /oauth -> issuer" in row
    assert row.endswith("good")
