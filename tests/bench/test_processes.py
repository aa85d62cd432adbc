"""bench/processes.py"""

import os

from bench.processes import ROOT, environment


def test_children_find_this_repository_first_and_what_their_parent_finds() -> None:
    first, *others = environment()["PYTHONPATH"].split(os.pathsep)
    given = os.environ.get("PYTHONPATH", "")
    assert (first, others) == (str(ROOT), given.split(os.pathsep) if given else [])


def test_no_proxy_stands_between_children() -> None:
    assert environment()["NO_PROXY"] == environment()["no_proxy"] == "127.0.0.1"
