"""Plain HTTP load with wrk: its script, its command and what it reports.

Above: `measure.py`. Below: `chat.py`, `processes.py`. No process is started by the pure parts.
"""

import json
from pathlib import Path
from typing import Any

from bench import chat
from bench.processes import BenchError, Child

SCRIPT = """
local file = io.open("%(body)s", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %(key)s"
file:close()
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"ops":%%d,"seconds":%%f,"p50_ms":%%f,"p99_ms":%%f,"max_ms":%%f,"failures":%%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def prepare(folder: Path, key: str) -> Path:
    """Write the request body and the script; returns the script."""
    body, script = folder / "chat.json", folder / "chat.lua"
    body.write_bytes(chat.request_body())
    script.write_text(SCRIPT % {"body": body, "key": key})
    return script


def command(script: Path, port: int, connections: int, seconds: float) -> list[str]:
    """wrk counts whole seconds: `seconds` is rounded up."""
    whole = max(1, -int(-seconds // 1))
    url = f"http://127.0.0.1:{port}{chat.PATH}"
    return ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "-s", str(script), url]


def parse(line: str) -> dict[str, Any] | None:
    """The report in one line of wrk's output; None for its other lines."""
    if not line.startswith("{"):
        return None
    report: dict[str, Any] = json.loads(line)
    failures = report["failures"]
    return {**report, "errors": [f"{failures} requests failed or had a status over 399"] if failures else []}


def read(child: Child, seconds: float) -> dict[str, Any]:
    """Wait for the report; raises `BenchError` when wrk says something else or nothing."""
    for _ in range(50):
        if (report := parse(child.line(seconds))) is not None:
            return report
    raise BenchError(f"wrk gave no report: {child.tail()}")
