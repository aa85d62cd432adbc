"""The demo's child: its address is read, and it ends with everything that it started."""

import textwrap
from pathlib import Path

import pytest

from fedgate.cli.sample_child import listening, started
from fedgate.cli.stop import Stop
from tests.cli.kit import gone


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which children import."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def write(folder: Path, name: str, program: str) -> str:
    (folder / f"{name}.py").write_text(textwrap.dedent(program))
    return name


def test_the_address_that_it_says_is_given_and_its_group_is_ended(modules: Path) -> None:
    program = """
        import subprocess, sys, time
        child = subprocess.Popen(["sleep", "60"])
        sys.stderr.write(f"starting\\nlistening on http://127.0.0.1:1/{child.pid}\\n")
        sys.stderr.flush()
        time.sleep(60)
    """
    with listening(write(modules, "good_server", program)) as url:
        assert url.startswith("http://127.0.0.1:1/")
        grandchild = int(url.rpartition("/")[2])
        assert not gone(grandchild)
    # It was told to end; when it is gone is for the system to say, which each look gives some time.
    assert any(gone(grandchild) for _ in range(100))


def test_several_start_at_a_time_and_are_waited_for_afterwards(modules: Path) -> None:
    program = """
        import sys, time
        sys.stderr.write(f"listening on http://127.0.0.1:1/{'-'.join(sys.argv[1:])}\\n")
        sys.stderr.flush()
        time.sleep(60)
    """
    name = write(modules, "named_server", program)
    with started(name, "--name", "s1") as first, started(name, "--name", "s2") as second:
        urls = [second(), first()]
    assert urls == [f"http://127.0.0.1:1/--port-0---name-{each}" for each in ("s2", "s1")]


def test_a_child_that_ends_at_once_is_reported_in_its_own_words(modules: Path) -> None:
    name = write(modules, "bad_server", "raise SystemExit('no room for another server')")
    with pytest.raises(Stop) as stopped, listening(name):
        pass
    assert str(stopped.value) == "the sample server bad_server does not start: no room for another server"
    assert stopped.value.hint == "python -m bad_server --port 0"
