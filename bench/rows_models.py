"""The rows of models: chat completions, whole and streamed.

Above: `rows.py`. Below: `measure_talk.py`.
"""

from bench import measure_talk
from bench.row import LOAD, STREAM, Column, Row, cpu_goal
from bench.targets import ALL, FEDGATE, NGINX, STARLETTE

MODEL_ROWS = (
    Row(
        "llm-json",
        "chat completion of 1.9 kB, answered with 1.2 kB; OpenAI's format on both sides, 16 at a time",
        ALL,
        LOAD,
        cpu_goal(180),
        shared=measure_talk.requests("llm_load", "json"),
        one_hop=True,
        serves="llm",
    ),
    Row(
        "llm-translated",
        "the same, answered by a provider that speaks Anthropic's format",
        (FEDGATE,),
        LOAD,
        shared=measure_talk.requests("llm_load", "json", model="other"),
        serves="llm",
    ),
    Row(
        "llm-stream",
        "chat completions, 64 streams of 50 events 20 ms apart",
        ALL,
        STREAM,
        cpu_goal(50, "µs/chunk"),
        unit="CPU µs per chunk",
        shared=measure_talk.streams("llm_load", measure_talk.PACED),
        serves="llm",
    ),
    Row(
        "llm-burst",
        "chat completions, 16 streams of 200 events without a pause",
        ALL,
        STREAM,
        unit="CPU µs per chunk",
        shared=measure_talk.streams("llm_load", measure_talk.BURST),
        serves="llm",
    ),
    Row(
        "llm-memory",
        "the largest resident memory while 500 streams are open",
        (NGINX, STARLETTE, FEDGATE),
        (
            Column("peak MB", "peak_mb"),
            Column("range", "peak_mb", "range"),
            Column("warm MB", "warm_mb"),
            Column("kB/stream", "stream_kb"),
        ),
        main="peak_mb",
        unit="largest resident MB",
        fresh=measure_talk.open_streams,
        serves="llm",
    ),
)
