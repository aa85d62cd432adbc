"""bench/report.py and bench/plot.py"""

from xml.etree import ElementTree as ET

from bench import plot, report
from bench.measure import Sample
from bench.report import Result
from bench.row import STEP
from bench.rows import ROWS
from bench.rows_policies import HAVING, NOTE
from bench.stats import Spread
from bench.targets import FEDGATE, NGINX, STARLETTE

CALL = next(row for row in ROWS if row.name == "mcp-call")
POLICED = next(row for row in ROWS if row.name == "policy-mcp-call")


def result(fedgate: list[float]) -> Result:
    made = Result(CALL)
    for cost in fedgate:
        made.add(NGINX, Sample({"cpu_us": 20.0}))
        made.add(FEDGATE, Sample({"cpu_us": cost, "p50_ms": 0.5}))
    return made


def test_a_table_shows_median_range_ratio_and_the_target() -> None:
    text = report.table(result([180.0, 200.0, 240.0]))
    line = next(line.split() for line in text.splitlines() if line.startswith("  fedgate"))
    assert line[1:5] == ["200", "180-240", "10.0", "-"]
    assert "CPU of the process tree <= 250 µs/op: 200 ok" in text


def test_a_figure_over_its_target_says_so() -> None:
    assert report.table(result([251.0])).endswith("<= 250 µs/op: 251 over")
    assert report.as_json(result([251.0]))["goals"][0]["met"] is False


def test_a_target_with_a_wrong_answer_has_no_figures() -> None:
    made = result([100.0])
    made.add(FEDGATE, Sample({"cpu_us": 90.0}, ["no answer with id 7"]))
    text = report.table(made)
    assert "fedgate FAILED: invalid: no answer with id 7" in text
    assert "not measured" in text
    assert made.figures(FEDGATE) == {}


def test_what_is_missing_is_named() -> None:
    made = result([100.0])
    made.skipped[STARLETTE] = "aiohttp is not installed"
    assert "starlette+aiohttp skipped: aiohttp is not installed" in report.table(made)


def policed(*rounds: dict[str, float]) -> Result:
    """A row of policies after these rounds: CPU by target."""
    made = Result(POLICED)
    for costs in rounds:
        for target, cost in costs.items():
            made.add(target, Sample({"cpu_us": cost}))
    return made


def test_what_a_policy_costs_is_the_difference_to_the_one_before_round_by_round() -> None:
    made = policed({"key": 100.0, "jwt": 104.0, "+ rules": 140.0}, {"key": 200.0, "jwt": 203.0, "+ rules": 233.0})
    steps = {target: made.figures(target).get(STEP) for target in ("key", "jwt", "+ rules")}
    assert steps == {"key": None, "jwt": Spread(3.5, 3.0, 4.0, 2), "+ rules": Spread(33.0, 30.0, 36.0, 2)}
    lines = {line[2:11].strip(): line for line in report.table(made).splitlines()}
    assert lines["key"].endswith("  -")
    assert lines["jwt"].endswith("  +3.50 (+3.00 to +4.00)")


def test_a_cost_that_cannot_be_told_from_noise_shows_so() -> None:
    text = report.table(policed({"key": 100.0, "jwt": 98.0}, {"key": 100.0, "jwt": 103.0}))
    assert "+0.500 (-2.00 to +3.00)" in text


def test_of_one_round_no_range_is_shown() -> None:
    lines = report.table(policed({"key": 100.0, "jwt": 104.0})).splitlines()
    assert next(line for line in lines if line.startswith("  jwt")).endswith("  +4.00")


def test_after_a_policy_that_failed_the_next_one_has_no_cost() -> None:
    made = policed({"key": 100.0, "jwt": 104.0, "+ rules": 140.0})
    made.failed["jwt"] = "ended at start"
    assert STEP not in made.figures("+ rules")
    assert made.figures("jwt") == {}


def test_the_figure_to_reach_is_that_of_the_whole_set_of_policies() -> None:
    made = policed({"key": 100.0, "+ limits": 251.0, "+ traces": 300.0})
    assert f"{HAVING} <= 250 µs/op: 251 over" in report.table(made)
    told = report.as_json(made)
    assert (told["judged"], told["goals"][0]["met"]) == ("+ limits", False)


def test_a_part_that_is_measured_apart_has_a_cost_and_nothing_else() -> None:
    made = policed({"key": 100.0})
    made.add("micro: metrics", Sample({STEP: 4.5}))
    line = next(line for line in report.table(made).splitlines() if line.startswith("  micro: metrics"))
    assert line.split()[2:] == ["-", "-", "-", "-", "-", "+4.50"]
    assert all(note in report.table(made) for note in NOTE)


def test_every_gateway_of_a_row_of_policies_is_fedgates_colour() -> None:
    picture = plot.svg([policed({"nginx": 20.0, "key": 100.0, "jwt": 104.0})])
    assert (picture.count(plot.COLOURS[FEDGATE]), picture.count(plot.OTHER)) == (2, 1)


def test_the_plot_is_a_picture_with_a_bar_for_each_target() -> None:
    picture = ET.fromstring(plot.svg([result([100.0, 120.0]), Result(CALL)]))
    bars = [each for each in picture if each.tag.endswith("rect") and each.get("x")]
    assert len(bars) == 2
