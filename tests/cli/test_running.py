"""Signals become one `KeyboardInterrupt`, and are given back afterwards."""

import signal

import pytest

from fedgate.cli.running import ended_by_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block_and_nothing_else(number: signal.Signals) -> None:
    reached = []
    with ended_by_signals():
        signal.raise_signal(number)
        reached.append("after the signal")
    assert reached == []


def test_a_signal_lets_what_must_be_finished_finish() -> None:
    finished = []
    with ended_by_signals():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            finished.append(True)
    assert finished == [True]


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with ended_by_signals():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_failures_pass() -> None:
    with pytest.raises(ValueError, match="x"), ended_by_signals():
        raise ValueError("x")
