"""`python bench/a2a_experiment.py`: conversations with a replicated A2A agent, by round robin and by fedgate.

Run with the Python that has the package's dependencies. Makes the repository importable,
whatever the working directory; all else is in `a2a_trial.py`.
"""

import signal
import sys
from pathlib import Path


def start() -> int:
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from bench.a2a_trial import main

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that every child is stopped
    try:
        return main(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(start())
