"""core/garbage.py: nothing is collected while things are made that stay, and everything as ever after that."""

import gc
import weakref

import pytest

from fedgate.core.garbage import made_to_stay


class Thing:
    """Holds itself, so that only the collector lets go of it."""

    def __init__(self) -> None:
        self.itself = self


def test_the_collector_rests_meanwhile_and_works_afterwards() -> None:
    with made_to_stay():
        assert not gc.isenabled()
        inside = weakref.ref(Thing())
    assert gc.isenabled()
    try:
        assert gc.get_freeze_count() > 0
        after = weakref.ref(Thing())
        gc.collect()
        assert (inside() is None, after() is None) == (False, True)
    finally:
        gc.unfreeze()
    gc.collect()
    assert inside() is None


def test_the_collector_works_after_a_failure_too() -> None:
    with pytest.raises(ValueError, match="no"), made_to_stay():
        raise ValueError("no")
    assert gc.isenabled()
    gc.unfreeze()
