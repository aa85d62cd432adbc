"""W3C Trace Context: which trace an operation belongs to, as headers say it. Pure.

What cannot be read is as good as absent (Trace Context 1, section 3.2): whoever sends nonsense begins a new trace.
Above: `trail.py`, telemetry. Below: nothing.
"""

import re

import msgspec

TRACEPARENT, TRACESTATE = b"traceparent", b"tracestate"
MAX_STATE = 512
"""Characters of a `tracestate` that is passed on; a longer one is left out, as the specification allows."""

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_STATE = re.compile(r"[ -~]+", re.ASCII)
_SAMPLED = 1


class Context(msgspec.Struct, frozen=True):
    """One span of a trace: ids in lower-case hexadecimal, 32 and 16 digits."""

    trace_id: str
    span_id: str
    sampled: bool = False
    state: str = ""
    """`tracestate`, as it came."""


def parse(traceparent: str | None, tracestate: str | None = None) -> Context | None:
    """The caller's span; `None` if it names none."""
    found = _PARENT.fullmatch(traceparent.strip()) if traceparent and len(traceparent) <= MAX_STATE else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    state = tracestate or ""
    usable = len(state) <= MAX_STATE and _STATE.fullmatch(state) is not None
    return Context(trace_id, span_id, bool(int(flags, 16) & _SAMPLED), state if usable else "")


def render(context: Context) -> str:
    """The value of `traceparent`."""
    return f"00-{context.trace_id}-{context.span_id}-{'01' if context.sampled else '00'}"
