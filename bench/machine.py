"""What the figures were measured on, to stand beside them. Reads only; nothing of it identifies a host.

Above: `suite.py`. Below: nothing of ours.
"""

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from bench.targets import SYSTEM_PATH

PACKAGES = ("uvicorn", "uvloop", "httptools", "starlette", "aiohttp", "msgspec")


def describe() -> dict[str, object]:
    """Processor, cores, kernel, load average and versions."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_average": [round(each, 1) for each in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := installed(name))},
        "nginx": nginx_version(),
    }


def processor() -> str:
    """The processor's name as the kernel gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def nginx_version() -> str | None:
    """`1.22.1`, or None where there is no nginx."""
    if (binary := shutil.which("nginx", path=SYSTEM_PATH)) is None:
        return None
    done = subprocess.run([binary, "-v"], capture_output=True, text=True, timeout=10, check=False)
    return done.stderr.strip().rpartition("/")[2] or None
