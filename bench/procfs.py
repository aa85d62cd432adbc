"""CPU time and memory of a process tree, from /proc (Linux).

CPU is utime + stime of the process and all its descendants, with what their ended and
awaited children used, so that the sum only grows. It comes in ticks of 10 ms.
Above: `measure.py`, `rows.py`. Below: nothing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


class Gone(Exception):
    """The process whose figures are asked for has ended."""


@dataclass(frozen=True)
class Stat:
    """What /proc/PID/stat says of CPU time, in clock ticks."""

    pid: int
    parent: int
    ticks: int


def parse_stat(text: str) -> Stat:
    """Read one stat line; the name in parentheses may itself hold spaces and parentheses."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(")")[2].split()
    return Stat(int(pid), int(fields[1]), sum(int(each) for each in fields[11:15]))


def family(stats: list[Stat], root: int) -> list[Stat]:
    """`root` and all its descendants among `stats`."""
    children: dict[int, list[Stat]] = {}
    for each in stats:
        children.setdefault(each.parent, []).append(each)
    found = [each for each in stats if each.pid == root]
    for each in found:  # grows while it is walked
        found += children.get(each.pid, [])
    return found


def parse_resident(text: str) -> int:
    """Resident bytes from an smaps_rollup file."""
    for line in text.splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    return 0


def parse_peak(text: str) -> int:
    """The largest resident size so far, in bytes, from a status file."""
    for line in text.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(root: int) -> float:
    """CPU seconds of the tree below and with `root`; raises `Gone`."""
    return sum(each.ticks for each in _tree(root)) / os.sysconf("SC_CLK_TCK")


def resident_bytes(root: int) -> int:
    """Resident memory of the tree (RSS; pages that processes share count in each); raises `Gone`."""
    return _sum(root, "smaps_rollup", parse_resident)


def peak_bytes(root: int) -> int:
    """The largest resident memory so far, each process of the tree by itself; raises `Gone`."""
    return _sum(root, "status", parse_peak)


def _sum(root: int, file: str, parse: Callable[[str], int]) -> int:
    total = 0
    for each in _tree(root):
        try:
            total += parse((PROC / str(each.pid) / file).read_text())
        except OSError:
            continue
    return total


def _tree(root: int) -> list[Stat]:
    stats = []
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                stats.append(parse_stat((folder / "stat").read_text()))
            except OSError:
                continue
    if not (found := family(stats, root)):
        raise Gone(f"process {root} has ended")
    return found
