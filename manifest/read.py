"""Files and folders to sources: which files, how large, in which encoding. Parses nothing."""

from collections.abc import Iterable
from pathlib import Path

from .problems import Problem
from .tree import Source

SUFFIXES = (".yaml", ".yml", ".json")
MAX_BYTES = 4 << 20
MAX_FILES = 256


def read(paths: Iterable[Path], problems: list[Problem]) -> list[Source]:
    """The text of every file named, and of those in every folder named (sorted, without hidden ones)."""
    files: list[Path] = []
    for path in paths:
        files.extend(_files(path, problems))
    if len(files) > MAX_FILES:
        problems.append(_whole(files[MAX_FILES], f"more than {MAX_FILES} files", "name fewer files"))
        files = files[:MAX_FILES]
    sources = [_source(path, problems) for path in files]
    return [source for source in sources if source is not None]


def _whole(path: Path, what: str, why: str = "") -> Problem:
    return Problem(str(path), 0, 0, "", what, why)


def _files(path: Path, problems: list[Problem]) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        inside = sorted(
            each for each in path.iterdir() if each.suffix in SUFFIXES and each.name[0] != "." and each.is_file()
        )
    except (OSError, ValueError) as error:
        problems.append(_whole(path, f"cannot be read: {_reason(error)}"))
        return []
    if not inside:
        problems.append(_whole(path, "no manifest in this folder", f"it takes files ending in {', '.join(SUFFIXES)}"))
    return inside


def _source(path: Path, problems: list[Problem]) -> Source | None:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problems.append(_whole(path, f"cannot be read: {_reason(error)}"))
        return None
    if len(content) > MAX_BYTES:
        problems.append(_whole(path, f"larger than {MAX_BYTES >> 20} MiB", "split it into several files"))
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = Source(str(path), path, content[: error.start].decode("utf-8-sig", "replace"))
        problems.append(before.problem(len(before.text), "", "not UTF-8 text", "save the file as UTF-8"))
        return None
    return Source(str(path), path.absolute().parent, text)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "unknown reason").lower() if isinstance(error, OSError) else "not a path"
