import json

from fedgate.manifest.problems import MAX_PROBLEMS, ManifestError, Problem

FULL = Problem("a.yaml", 3, 5, "mcp.servrs", 'unknown key "servrs" in mcp', "valid keys: servers", "servers")


def test_a_problem_reads_place_what_why_and_nearest() -> None:
    assert str(FULL) == ('a.yaml:3:5: unknown key "servrs" in mcp; valid keys: servers; did you mean "servers"?')


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    assert str(Problem("a.yaml", 0, 0, "", "cannot be read")) == "a.yaml: cannot be read"


def test_the_machine_form_has_every_field() -> None:
    assert json.loads(json.dumps(FULL.json())) == {
        "file": "a.yaml",
        "line": 3,
        "column": 5,
        "where": "mcp.servrs",
        "what": 'unknown key "servrs" in mcp',
        "why": "valid keys: servers",
        "nearest": "servers",
    }


def test_the_error_shows_a_line_per_problem_and_counts_what_it_leaves_out() -> None:
    assert str(ManifestError([FULL, FULL])) == f"{FULL}\n{FULL}"
    error = ManifestError([FULL] * (MAX_PROBLEMS + 2))
    assert (len(error.problems), error.omitted) == (MAX_PROBLEMS, 2)
    assert str(error).endswith("\n... and 2 more")
