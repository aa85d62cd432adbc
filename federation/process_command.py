"""What to run for a server, and the words about it: environment, shown name, refusals, secrets.

Pure but for the look at the file system in `explain_failure`. Knows nothing of pipes,
signals or MCP. Above: `process` and `stdio`.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INHERITED = frozenset({
    "HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER",
    # where uv, npm, podman and the like keep caches and settings: places, no secrets
    "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_DATA_DIRS", "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
})  # fmt: skip
"""The gateway's variables that a server sees, besides `LC_*`. Everything else comes from the manifest."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|PWD|AUTH|CRED|COOKIE", re.IGNORECASE)
_USER_INFO = re.compile(r"://[^/\s]*@")
_LAUNCHERS = {
    "uvx": "uv", "uv": "uv", "npx": "Node.js", "node": "Node.js", "bunx": "Bun", "bun": "Bun",
    "deno": "Deno", "pipx": "pipx", "docker": "Docker", "podman": "Podman", "python": "Python",
    "python3": "Python",
}  # fmt: skip
"""Programs that start another one named in their arguments, and what to install to have them."""
_FLAGS = frozenset({"-y", "--yes", "-q", "--quiet", "-m", "-u", "-B", "-E", "-I", "-S", "-s"})
"""Options of launchers that take no value (or, as `-m`, the very word that is looked for)."""
_PLAIN_WORD = re.compile(r"[@./\w][\w./@+-]{0,80}")


@dataclass(frozen=True, slots=True)
class StdioCommand:
    """The command of one server. `args` and `env` may hold secrets and are kept out of `repr`."""

    name: str
    """The server's name in the manifest."""
    command: str
    """The program: a path if it holds a slash (relative to `cwd`), else looked up on the server's PATH."""
    args: tuple[str, ...] = field(default=(), repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    """The working directory; `None` is the gateway's own."""

    @property
    def endpoint(self) -> str:
        """`uvx mcp-server-time`: the program, and of a launcher what it launches.

        Arguments may hold secrets: only a plain word that cannot be an option's value is shown.
        """
        program = Path(self.command).name
        if program in _LAUNCHERS:
            word = next((arg for arg in self.args if arg not in _FLAGS), "")
            if _PLAIN_WORD.fullmatch(word):
                return f"{program} {word}"
        return program

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values of `env` that must not be shown, longest first: by their name, or URLs that hold a password."""
        values = {v for k, v in self.env.items() if len(v) >= 4 and (_SECRET_NAME.search(k) or _USER_INFO.search(v))}
        return tuple(sorted(values, key=len, reverse=True))


def build_environment(inherited: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a server: the allowed part of `inherited`, and `own` over it."""
    allowed = {k: v for k, v in inherited.items() if k in INHERITED or k.startswith("LC_")}
    # "()" begins an exported shell function: code, not a value
    return {k: v for k, v in allowed.items() if not v.startswith("()")} | dict(own)


def explain_failure(command: StdioCommand, error: OSError | ValueError) -> str:
    """Why the command could not be started, and what to try. One sentence, no secrets."""
    if not isinstance(error, OSError):
        return "command, args, env or cwd holds a NUL byte or an invalid name; remove it from the manifest"
    if command.cwd is not None and not Path(command.cwd).is_dir():
        return f"the working directory {command.cwd!r} does not exist; create it or correct `cwd`"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _explain_missing(command)
    if isinstance(error, PermissionError):
        return (
            f"{command.command!r} may not be executed; make it executable (chmod +x), "
            "or name its interpreter as `command`"
        )
    return f"{command.command!r} could not be started: {error.strerror}"


def _explain_missing(command: StdioCommand) -> str:
    program = command.command
    if "/" in program:
        if (Path(command.cwd or ".") / program).is_file():
            return f"the interpreter that the first line (#!) of {program!r} names does not exist"
        return f"the command {program!r} does not exist; correct `command`"
    path = build_environment(os.environ, command.env).get("PATH", os.defpath)
    if shutil.which(program, path=path):
        return f"the interpreter that the first line (#!) of {program!r} names does not exist"
    install = f"install {_LAUNCHERS[program]}" if program in _LAUNCHERS else "install it"
    return f"the command {program!r} was not found on PATH; {install}, or give its full path as `command`"
