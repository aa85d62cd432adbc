"""federation/process_command.py"""

from pathlib import Path

import pytest

from fedgate.federation.process_command import StdioCommand, build_environment, explain_failure


@pytest.mark.parametrize(
    ("command", "args", "shown"),
    [
        ("uvx", ("mcp-server-time",), "uvx mcp-server-time"),
        (
            "/usr/bin/npx",
            ("-y", "@modelcontextprotocol/server-fs@1.2", "/data"),
            "npx @modelcontextprotocol/server-fs@1.2",
        ),
        ("python3", ("-m", "notes.server"), "python3 notes.server"),
        ("node", ("./dist/index.js", "--key", "hunter2"), "node ./dist/index.js"),
        ("docker", ("run", "-e", "TOKEN=hunter2", "image"), "docker run"),
        ("uvx", ("--with-secret", "hunter2", "pkg"), "uvx"),
        ("uvx", ("git+https://me:hunter2@host/x",), "uvx"),
        ("python", ("-c", "key = 'hunter2'"), "python"),
        ("./bin/server", ("hunter2",), "server"),
        ("uvx", (), "uvx"),
    ],
)
def test_the_endpoint_names_the_server_and_never_an_argument_that_may_be_secret(
    command: str, args: tuple[str, ...], shown: str
) -> None:
    assert StdioCommand("x", command, args).endpoint == shown


def test_repr_shows_neither_arguments_nor_environment() -> None:
    assert "hunter2" not in repr(StdioCommand("x", "server", ("--key", "hunter2"), {"API_KEY": "hunter2"}))


def test_values_named_like_secrets_and_urls_with_a_password_are_secrets() -> None:
    env = {"API_KEY": "k-123", "GITHUB_TOKEN": "longer-one", "TZ": "Europe/Berlin", "MY_PASSWORD": "x"}
    env |= {"DATABASE_URL": "postgres://me:pw@host/db", "BASE_URL": "http://127.0.0.1:9000"}
    assert StdioCommand("x", "server", env=env).secrets == ("postgres://me:pw@host/db", "longer-one", "k-123")


def test_a_server_inherits_only_what_is_allowed_and_the_manifest_wins() -> None:
    gateway = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "XDG_CACHE_HOME": "/c", "OPENAI_API_KEY": "hunter2",
               "PYTHONPATH": "/p", "TERM": "() { code; }", "LD_PRELOAD": "x.so"}  # fmt: skip
    assert build_environment(gateway, {"HOME": "/other", "TOKEN": "t"}) == {
        "PATH": "/bin", "HOME": "/other", "LC_ALL": "C", "XDG_CACHE_HOME": "/c", "TOKEN": "t",
    }  # fmt: skip


MISSING = FileNotFoundError(2, "No such file or directory")
DENIED = PermissionError(13, "Permission denied")


def test_a_command_that_is_not_on_the_path_is_explained_with_what_to_install() -> None:
    said = explain_failure(StdioCommand("x", "uvx", env={"PATH": "/nowhere"}), MISSING)
    assert said == ("the command 'uvx' was not found on PATH; install uv, or give its full path as `command`")
    assert "install it, or" in explain_failure(StdioCommand("x", "no-such-server"), MISSING)


def test_a_path_that_does_not_exist_is_explained() -> None:
    said = explain_failure(StdioCommand("x", "/nowhere/server"), MISSING)
    assert said == "the command '/nowhere/server' does not exist; correct `command`"


def test_a_missing_working_directory_is_explained_before_anything_else() -> None:
    said = explain_failure(StdioCommand("x", "cat", cwd="/nowhere"), MISSING)
    assert said == "the working directory '/nowhere' does not exist; create it or correct `cwd`"


@pytest.mark.parametrize("by_path", [True, False])
def test_a_script_whose_interpreter_is_missing_is_explained(tmp_path: Path, by_path: bool) -> None:
    script = tmp_path / "server"
    script.write_text("#!/nowhere/python\n")
    script.chmod(0o755)
    command = StdioCommand("x", "./server" if by_path else "server", env={"PATH": str(tmp_path)}, cwd=str(tmp_path))
    assert "interpreter that the first line (#!)" in explain_failure(command, MISSING)


def test_a_file_that_may_not_be_executed_is_explained() -> None:
    assert "chmod +x" in explain_failure(StdioCommand("x", "/etc/hostname"), DENIED)


def test_any_other_refusal_of_the_system_is_passed_on_in_its_words() -> None:
    said = explain_failure(StdioCommand("x", "cat"), OSError(7, "Argument list too long"))
    assert said == "'cat' could not be started: Argument list too long"


def test_a_nul_byte_is_explained_without_showing_the_value() -> None:
    said = explain_failure(StdioCommand("x", "cat", ("hunter2\0",)), ValueError("embedded null byte"))
    assert "NUL" in said
    assert "hunter2" not in said
