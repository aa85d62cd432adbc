"""The command line as a whole: what it answers at once, and how it refuses."""

import gc
import json
import subprocess
import sys

import pytest

from fedgate import __version__
from fedgate.cli.main import main
from tests.cli.kit import Run, environment

HEAVY = ("mcp", "pydantic", "uvicorn", "starlette", "prometheus_client", "msgspec", "httpx2", "ruamel", "asyncio")


@pytest.mark.parametrize("option", ["--help", "--version", "-h", "-V"])
def test_help_and_version_import_nothing_that_takes_time(option: str) -> None:
    program = (
        "import sys, json\n"
        "from fedgate.cli.main import main\n"
        f"code = main([{option!r}])\n"
        "print(json.dumps([code, sorted(sys.modules)]))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert not [name for name in HEAVY if name in modules]


@pytest.mark.parametrize("command", ["serve", "demo", "check", "tools", "call", "schema"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: fedgate {command} ")
    assert "--json" in said


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fedgate {__version__}\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines() if line.startswith("  ") and line[2] != " "][:12] == [
        "serve",
        "demo",
        "check",
        "tools",
        "call",
        "agents",
        "models",
        "sessions",
        "top",
        "keys",
        "why",
        "schema",
    ]


def test_no_command_at_all_shows_the_help_as_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().out.startswith("usage: fedgate COMMAND")


def test_a_mistyped_command_is_met_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serv", "x.yaml"]) == 2
    assert (
        capsys.readouterr().err == 'fedgate: there is no command "serv"; did you mean "serve"?\ntry: fedgate --help\n'
    )


def test_an_unknown_option_of_the_program_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--verbose"]) == 2
    assert capsys.readouterr().err == 'fedgate: there is no option "--verbose"\ntry: fedgate --help\n'


def test_an_unknown_option_of_a_command_names_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--verbose"]) == 2
    assert capsys.readouterr().err == "fedgate: unrecognized arguments: --verbose\ntry: fedgate check --help\n"


def test_a_reader_that_has_enough_ends_the_command_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fedgate", "schema"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


def test_python_dash_m_is_the_same_program(fedgate: Run) -> None:
    done = fedgate("--version")
    assert (done.returncode, done.stdout) == (0, f"fedgate {__version__}\n")


def test_garbage_is_collected_again_once_a_command_is_imported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert gc.isenabled()


def test_only_the_program_itself_says_that_pydantic_need_not_look_for_plugins() -> None:
    program = (
        "import os, sys; from fedgate.cli.main import main; name = 'PYDANTIC_DISABLE_PLUGINS'; "
        "sys.argv = ['fedgate', '--version']; main(['--version']); print(os.environ.get(name)); "
        "main(); print(os.environ.get(name)); os.environ[name] = 'mine'; main(); print(os.environ[name])"
    )
    kept = {name: value for name, value in environment().items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept, capture_output=True, text=True, timeout=60, check=True
    )
    assert [line for line in done.stdout.splitlines() if not line.startswith("fedgate")] == ["None", "__all__", "mine"]
