"""bench/processes.py"""

import os
import sys
from pathlib import Path

from bench.processes import ROOT, environment, processors, running


def test_children_find_this_repository_first_and_what_their_parent_finds() -> None:
    first, *others = environment()["PYTHONPATH"].split(os.pathsep)
    given = os.environ.get("PYTHONPATH", "")
    assert (first, others) == (str(ROOT), given.split(os.pathsep) if given else [])


def test_no_proxy_stands_between_children() -> None:
    assert environment()["NO_PROXY"] == environment()["no_proxy"] == "127.0.0.1"


def test_what_is_measured_runs_apart_from_what_drives_it() -> None:
    all_ = os.sched_getaffinity(0)
    apart, beside = processors("apart"), processors("beside")
    assert len(apart) == 1
    assert beside
    assert apart | beside == all_
    assert apart.isdisjoint(beside) or len(all_) == 1


def test_a_process_stays_where_it_was_put(tmp_path: Path) -> None:
    says = "import os, sys; sys.stdin.readline(); print(sorted(os.sched_getaffinity(0)), flush=True)"
    with running("says", [sys.executable, "-c", says], tmp_path, piped=True, place="apart") as child:
        child.say("now")
        assert child.line(20) == str(sorted(processors("apart")))
