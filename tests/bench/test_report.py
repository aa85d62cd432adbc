"""bench/report.py and bench/plot.py"""

from xml.etree import ElementTree as ET

from bench import plot, report
from bench.measure import Sample
from bench.report import Result
from bench.rows import ROWS
from bench.targets import FEDGATE, NGINX, STARLETTE

CALL = next(row for row in ROWS if row.name == "mcp-call")


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


def test_the_plot_is_a_picture_with_a_bar_for_each_target() -> None:
    picture = ET.fromstring(plot.svg([result([100.0, 120.0]), Result(CALL)]))
    bars = [each for each in picture if each.tag.endswith("rect") and each.get("x")]
    assert len(bars) == 2
