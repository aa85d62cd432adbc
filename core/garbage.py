"""Python's collector of garbage, kept from looking through what is made to stay.

It counts what was made and not let go of, and goes through all of it again and again: while a program is imported,
that takes a tenth of the time and finds next to nothing. Above: the command line, the start of the gateway. Below:
nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = 10_000
"""New objects after which those that only hold one another are looked for (Python's own: 700)."""


def set_aside() -> None:
    """What is there once it serves will stay: the collector need not go through it again and again, for 5 % of the CPU.

    What a request leaves behind is freed without it; so it may look more rarely, too.
    """
    gc.freeze()
    gc.set_threshold(RARELY)


@contextmanager
def made_to_stay() -> Iterator[None]:
    """For imports and assembly: nothing is looked for meanwhile, and what there is then is not gone through later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
