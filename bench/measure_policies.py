"""The measurements of policies: a gateway with a policy as in any other row, and the parts that are measured apart.

Above: `rows_policies.py`. Below: `micro.py` (as a process), `policies.py`.
"""

import json
import sys
from collections.abc import Callable

from bench.measure import Sample
from bench.policies import MICROS
from bench.processes import BenchError, running
from bench.row import STEP
from bench.targets import Live, Rig

CALLS_A_SECOND = 25_000
"""Calls of a part for each second of a phase: 100,000 in the usual four."""
MICRO_SECONDS = 120.0

Measured = Callable[[Rig, Live], Sample]


def with_parts(measured: Measured) -> Measured:
    """The same, but a target that is a part and no gateway is measured by `micro.py`."""

    def sample(stage: Rig, live: Live) -> Sample:
        part = MICROS.get(live.name)
        return measured(stage, live) if part is None else micro(stage, part)

    return sample


def micro(stage: Rig, part: str) -> Sample:
    """What the part costs in one call, in the column of what each policy costs."""
    calls = round(CALLS_A_SECOND * stage.options.seconds)
    words = [part, "--protocol", stage.serves, "--calls", str(calls)]
    with running("micro", [sys.executable, "-m", "bench.micro", *words], stage.folder, piped=True) as child:
        line = child.line(MICRO_SECONDS)
    try:
        return Sample({STEP: float(json.loads(line)["us"])})
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{part} was not measured: {line!r}") from error
