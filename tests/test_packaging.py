"""What is shipped: a wheel with every part under one name, and a lock that pins everything and names no place."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"

_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.+!-]+)(?: ; [^\\/]+)? \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


def build(source: Path, target: Path) -> Path:
    """The wheel of a source tree."""
    (path,) = WheelBuilder(str(source)).build(directory=str(target), versions=["standard"])
    return Path(path)


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def run(site: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with what a wheel was unpacked to, and its dependencies; nothing of this source tree is importable."""
    paths = dict.fromkeys([str(site), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-S", "-c", program, *arguments]
    return subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_wheel_holds_every_module_under_one_name(wheel: Path) -> None:
    parts = [link for link in (ROOT / "fedgate").iterdir() if link.is_dir() and link.name != "__pycache__"]
    expected = {f"fedgate/{link.name}/{each.relative_to(link)}" for link in parts for each in link.rglob("*.py")}
    found = names(wheel)
    assert expected | {"fedgate/__init__.py", "fedgate/__main__.py"} <= found
    assert {"fedgate/core/call.py", "fedgate/samples/time_server.py"} <= found
    assert {name.partition("/")[0] for name in found if ".dist-info/" not in name} == {"fedgate"}


def test_the_wheel_holds_what_the_samples_read(wheel: Path) -> None:
    data = {f"fedgate/samples/{each.relative_to(ROOT / 'samples')}" for each in (ROOT / "samples").rglob("*.md")}
    assert data
    assert data <= names(wheel)


def test_the_wheel_holds_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        (entry,) = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
        assert archive.read(entry).decode().split() == ["[console_scripts]", "fedgate", "=", "fedgate.cli.main:main"]


def test_an_installed_wheel_shadows_nobody(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = """
import importlib.util, sys
ours = sys.argv[1]
for name in sys.argv[2:]:
    spec = importlib.util.find_spec(name)
    places = [spec.origin or "", *(spec.submodule_search_locations or [])] if spec else []
    print(name, any(place.startswith(ours) for place in places))
"""
    bare = ["a2a", "core", "cli", "gateway", "federation", "samples", "tests"]
    done = run(tmp_path, program, str(tmp_path), "fedgate", *bare)
    assert done.stdout.splitlines() == ["fedgate True", *(f"{name} False" for name in bare)], done.stderr


@pytest.mark.slow
def test_an_installed_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "fedgate.yaml").write_text(
        f"mcp: {{servers: {{time: {{command: '{sys.executable}', args: [-S, -m, fedgate.samples.time_server], "
        f"env: {{PYTHONPATH: '${{PYTHONPATH}}'}}}}}}}}\n"
    )
    program = "import sys; from fedgate.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = run(tmp_path, program, "call", "time__current_time", "--arg", "timezone=UTC", "--json")
    assert done.returncode == 0, done.stderr
    assert '"UTC"' in done.stdout


@pytest.mark.slow
def test_a_wheel_made_from_the_source_archive_is_the_same(wheel: Path, tmp_path: Path) -> None:
    (path,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    (tmp_path / "source").mkdir()
    # Not tarfile: its filter, without which it warns, is younger than the oldest Python supported.
    subprocess.run(["tar", "-xf", path, "-C", tmp_path / "source"], check=True, timeout=60)
    (source,) = (tmp_path / "source").iterdir()
    assert names(build(source, tmp_path / "again")) == names(wheel)


def test_the_lock_pins_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    pinned = {match["name"] for line in LOCK.read_text().splitlines() if (match := _PIN.fullmatch(line))}
    missing = {re.split(r"[><=;\s\[]", each)[0].lower().replace(".", "-") for each in wanted} - pinned
    assert not missing, f"run `make lock`: requirements.lock lacks {missing}"


def test_the_lock_holds_pins_and_hashes_and_names_no_place() -> None:
    odd = [line for line in LOCK.read_text().splitlines() if not (_PIN.fullmatch(line) or _HASH.fullmatch(line))]
    assert not odd, f"run `make lock`: {odd[:3]}"
