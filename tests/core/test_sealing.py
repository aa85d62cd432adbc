"""core/sealing.py: what was sealed comes back; nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.sealing import Box

BOX = Box()


@given(st.binary(max_size=200))
def test_what_was_sealed_comes_back_and_shows_nothing(plain: bytes) -> None:
    sealed = BOX.seal(plain)
    assert BOX.open(sealed, 1000) == plain
    assert sealed != BOX.seal(plain)


@given(st.text(max_size=200))
def test_what_was_not_sealed_here_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not sealed here"):
        BOX.open(text, 1000)


def test_another_key_a_changed_byte_and_too_much_are_refused() -> None:
    sealed = BOX.seal(b"x")
    changed = sealed[:-3] + ("A" if sealed[-3] != "A" else "B") + sealed[-2:]
    for box, text, limit in ((Box(), sealed, 1000), (BOX, changed, 1000), (BOX, sealed, 10)):
        with pytest.raises(ValueError, match=r"not sealed here|too long"):
            box.open(text, limit)
