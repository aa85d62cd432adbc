"""access/cel_engine.py: the engine alone, and the same one for everybody who imports its package."""

import subprocess
import sys

COUNT = """
import sys
from fedgate.access.cel_engine import engine
found = engine()
value = found.compile("1 + x").execute(found.Context({"x": 2}))
print(value, *sorted({"typer", "rich", "prompt_toolkit"} & set(sys.modules)))
"""
SAME = """
from fedgate.access.cel_engine import engine
found = engine()
import cel
print(cel.compile is found.compile, cel.Context is found.Context, engine() is found)
"""
LATE = """
import cel
from fedgate.access.cel_engine import engine
print(engine().compile is cel.compile)
"""


def said(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_the_engine_computes_and_brings_no_terminal_along() -> None:
    assert said(COUNT) == "3"


def test_who_imports_the_package_finds_the_same_engine() -> None:
    assert said(SAME) == "True True True"


def test_the_package_is_taken_where_somebody_imported_it_before() -> None:
    assert said(LATE) == "True"
