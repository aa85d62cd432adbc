"""The rules of the house (DESIGN 1): links, import directions, cycles, sizes, words. No exception list.

Everything is read from the sources as they lie there; nothing of the package is imported.
"""

import ast
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINKS = ROOT / "fedgate"
OUTSIDE = {"bench", "docs", "fedgate", "tests"}
"""Folders at the top that are no part of the package."""

SDKS = {"a2a"}
"""Parts whose bare name means somebody else's package, and must go on meaning it."""

ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "sessions": {"core"},
    "federation": {"core", "sessions"},
    "a2a": {"core", "sessions"},
    "llm": {"core", "sessions"},
    "access": {"core"},
    "governance": {"core", "access"},
    "telemetry": {"core"},
    "manifest": {"core", "*.settings"},
    "console": {"core", "sessions", "telemetry"},
    "gateway": {
        "core",
        "sessions",
        "federation",
        "a2a",
        "llm",
        "access",
        "governance",
        "telemetry",
        "manifest",
        "console",
    },
    "cli": {"core", "gateway", "manifest", "telemetry.logs"},
    "samples": set(),
}
"""What each part may import besides itself: a part, or `part.module` (`*`: of any part)."""

MODULE_LINES, MODULE_MEDIAN = 300, 150
FUNCTION_LINES, FUNCTION_P90 = 60, 25

# In pieces, so that this file does not contain what it looks for.
WORDS = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "Not" + "ImplementedError", "pragma: no " + "cover")
PLACES = (
    *(rf"(?<![\w.~/-])/{folder}/" for folder in ("work", "root", "tmp", "Users", "opt")),
    *(rf"{name}\.(?:org|com)\b" for name in ("py" + "pi", "files\\.python" + "hosted", "registry\\.npm" + "js")),
)


def parts() -> list[str]:
    """Folders at the top that hold modules."""
    folders = (each for each in ROOT.iterdir() if each.is_dir() and each.name[0] not in "._")
    return sorted(each.name for each in folders if each.name not in OUTSIDE and any(each.glob("*.py")))


def modules() -> Iterator[Path]:
    """Every module of the package."""
    for part in parts():
        yield from sorted((ROOT / part).rglob("*.py"))


def tracked() -> list[Path]:
    """Every file that is or would be under version control; without git, every file that is not hidden or made."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = [ROOT / name for name in listed.splitlines()]
    else:
        made = {"__pycache__", "node_modules", "dist", "build"}
        below = (each for each in ROOT.rglob("*") if not any(p[0] == "." or p in made for p in _steps(each)))
        found = [each for each in below if "fedgate" not in _steps(each)[:1]]
    return [each for each in found if each.is_file() and not each.is_symlink()]


def _steps(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).parts


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Import(NamedTuple):
    """One import of ours: `part` and `module` name the target, `line` where it stands."""

    part: str
    module: str
    line: int


def imports(path: Path) -> Iterator[Import]:
    """Imports of modules of the package, wherever they stand: in functions and for typing too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base, steps = path.parents[node.level - 1], node.module.split(".") if node.module else []
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fedgate."):
            base, steps = ROOT, (node.module or "").split(".")[1:]
        else:
            continue
        for target in _targets(base.joinpath(*steps), [alias.name for alias in node.names]):
            yield Import(_steps(target)[0], target.stem, node.lineno)


def absolute(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and modules of the imports that are not relative."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or ""


def _targets(place: Path, names: list[str]) -> Iterator[Path]:
    """`from ..core import jsonrpc` means the module jsonrpc, `from ..core.call import Call` the module call."""
    if place.with_suffix(".py").is_file():
        yield place.with_suffix(".py")
        return
    for each in names:
        if place != ROOT:
            yield place / f"{each}.py"
        elif (ROOT / each).is_dir():
            yield ROOT / each / "__init__.py"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def fail_with(rule: str, found: list[str]) -> None:
    assert not found, f"{rule}:\n  " + "\n  ".join(found)


# Layout.


def test_fedgate_holds_one_link_per_part_and_nothing_else() -> None:
    wanted = {part: f"../{part}" for part in (*parts(), "__init__.py", "__main__.py")}
    there = {each.name: each for each in LINKS.iterdir() if each.name != "__pycache__"}
    missing = [f"ln -s {wanted[each]} fedgate/{each}" for each in sorted(wanted.keys() - there.keys())]
    extra = [f"fedgate/{each} is no link to a part" for each in sorted(there.keys() - wanted.keys())]
    wrong = [
        f"fedgate/{each} must be a link to {target}"
        for each, target in wanted.items()
        if each in there and (not there[each].is_symlink() or str(there[each].readlink()) != target)
    ]
    fail_with("the folder fedgate/ holds one link per part and nothing else", missing + extra + wrong)


def test_no_part_has_an_init_file() -> None:
    found = [name(each) for each in modules() if each.name == "__init__.py"]
    fail_with("an __init__.py in a part would shadow other people's packages (a2a, ...): delete it", found)


def test_every_part_says_what_it_may_import() -> None:
    unknown = [f"{part}: add it to ALLOWED" for part in parts() if part not in ALLOWED]
    gone = [f"{part}: there is no such part" for part in ALLOWED if part not in parts()]
    fail_with("ALLOWED in this file names every part", unknown + gone)


# Imports.


def test_inside_the_package_imports_are_relative() -> None:
    found = [
        f"{name(path)}:{line}: {target}"
        for path in modules()
        if _steps(path)[0] != "samples"  # run as programs, so they name the package
        for line, target in absolute(path)
        if target.split(".")[0] == "fedgate"
    ]
    fail_with("write `from ..part.module import name`", found)


def test_nobody_imports_a_part_by_its_bare_name() -> None:
    outside = [path for folder in ("tests", "bench") for path in sorted((ROOT / folder).rglob("*.py"))]
    found = [
        f"{name(path)}:{line}: {target}"
        for path in (*modules(), *outside)
        for line, target in absolute(path)
        if target.split(".")[0] in set(parts()) - SDKS
    ]
    fail_with("parts are imported as fedgate.PART (in tests) or relatively (inside)", found)


def test_parts_import_only_what_lies_below_them() -> None:
    found = []
    for path in modules():
        own = _steps(path)[0]
        allowed = ALLOWED.get(own, set())
        for target in imports(path):
            fine = {target.part, f"{target.part}.{target.module}", f"*.{target.module}"}
            if target.part != own and not fine & allowed:
                found.append(f"{name(path)}:{target.line}: {own} may not import {target.part}/{target.module}.py")
    fail_with("the directions of DESIGN 1 (ALLOWED in this file)", found)


def test_there_is_no_import_cycle() -> None:
    graph = {
        f"{_steps(path)[0]}.{path.stem}": {f"{target.part}.{target.module}" for target in imports(path)}
        for path in modules()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("imports go round (typing counts): " + " <- ".join(error.args[1]))


# Sizes.


def test_no_module_is_longer_than_300_lines() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in modules()}
    fail_with(
        f"at most {MODULE_LINES} lines: split it by what it does",
        [f"{name(path)}: {size}" for path, size in sizes.items() if size > MODULE_LINES],
    )
    median = statistics.median(sizes.values())
    assert median <= MODULE_MEDIAN, f"half of the modules are longer than {median} lines; aim at {MODULE_MEDIAN}"


def test_no_function_is_longer_than_60_lines() -> None:
    sizes = {f"{name(path)}:{each.lineno} {each.name}": length(each) for path in modules() for each in functions(path)}
    fail_with(
        f"at most {FUNCTION_LINES} lines",
        [f"{each}: {size}" for each, size in sizes.items() if size > FUNCTION_LINES],
    )
    p90 = statistics.quantiles(sizes.values(), n=10)[-1]
    assert p90 <= FUNCTION_P90, f"one function in ten is longer than {p90:g} lines; aim at {FUNCTION_P90}"


# Words.


def test_every_module_opens_with_its_contract() -> None:
    found = [name(path) for path in modules() if not ast.get_docstring(tree(path))]
    fail_with("begin with a docstring: what it does, what it must not know, who stands above and below", found)


def test_nothing_is_left_for_later() -> None:
    pattern = re.compile("|".join(WORDS))
    found = [
        f"{name(path)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path.suffix == ".py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    fail_with(f"no {', '.join(WORDS)}: do it, or leave it out", found)


def test_no_file_names_a_machine_or_an_index() -> None:
    pattern = re.compile("|".join(PLACES))
    found = []
    for path in tracked():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue  # an image names nothing
        found += [f"{name(path)}:{n}: {line.strip()[:80]}" for n, line in enumerate(lines, 1) if pattern.search(line)]
    fail_with("no path of one machine, and no address of a package index", found)
