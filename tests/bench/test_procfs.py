"""bench/procfs.py"""

import os

import pytest

from bench.procfs import (
    Gone,
    Stat,
    cpu_seconds,
    family,
    parse_peak,
    parse_resident,
    parse_stat,
    peak_bytes,
    resident_bytes,
)


def test_cpu_ticks_are_own_and_awaited_childrens_user_and_system_time() -> None:
    line = "42 (a (strange) name) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7"
    assert parse_stat(line) == Stat(42, 7, 127)


def test_a_family_is_a_process_and_all_its_descendants() -> None:
    stats = [Stat(5, 4, 0), Stat(1, 0, 0), Stat(4, 2, 0), Stat(3, 1, 0), Stat(2, 1, 0)]
    assert sorted(each.pid for each in family(stats, 2)) == [2, 4, 5]


def test_resident_memory_is_the_rss_line() -> None:
    assert parse_resident("5581-7ffd [rollup]\nRss:      1024 kB\nPss:       512 kB\n") == 1024 * 1024


def test_the_peak_is_the_high_water_mark() -> None:
    assert parse_peak("VmPeak:\t 9999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n") == 2048 * 1024
    assert (parse_peak(""), peak_bytes(os.getpid()) > 0, resident_bytes(os.getpid()) > 0) == (0, True, True)


def test_a_process_that_has_ended_is_gone_and_a_running_one_has_a_figure() -> None:
    assert cpu_seconds(os.getpid()) > 0
    with pytest.raises(Gone):
        cpu_seconds(2**30)
