"""The rows of A2A. fedgate stands before three replicas of an agent that remember, the others before one.

Above: `rows.py`. Below: `measure_talk.py`.
"""

from bench import measure_talk
from bench.row import LOAD, STREAM, Column, Row, cpu_goal
from bench.targets import ALL, FEDGATE

AGENT_ROWS = (
    Row(
        "a2a-send",
        "SendMessage of 1.9 kB, answered with 1.2 kB, in 16 conversations; fedgate over 3 replicas that remember",
        ALL,
        LOAD,
        cpu_goal(200),
        shared=measure_talk.requests("a2a_load", "send"),
        one_hop=True,
        serves="a2a",
    ),
    Row(
        "a2a-task",
        "the same, answered with a new task each time, which is pinned too",
        ALL,
        LOAD,
        shared=measure_talk.requests("a2a_load", "task"),
        serves="a2a",
    ),
    Row(
        "a2a-rest",
        "the same over HTTP+JSON",
        ALL,
        LOAD,
        shared=measure_talk.requests("a2a_load", "rest"),
        serves="a2a",
    ),
    Row(
        "a2a-bridged",
        "the same from a client of A2A 0.3 to agents of 1.0",
        (FEDGATE,),
        LOAD,
        shared=measure_talk.requests("a2a_load", "legacy"),
        serves="a2a",
    ),
    Row(
        "a2a-stream",
        "SendStreamingMessage, 64 streams of 50 events 20 ms apart",
        ALL,
        STREAM,
        cpu_goal(60, "µs/chunk"),
        unit="CPU µs per chunk",
        shared=measure_talk.streams("a2a_load", measure_talk.PACED),
        serves="a2a",
    ),
    Row(
        "a2a-pins",
        "SendMessage with 10 and with 100,000 conversations pinned, 10 at a time",
        (FEDGATE,),
        (
            Column("10 pins µs/op", "few_us"),
            Column("100,000 pins µs/op", "cpu_us"),
            Column("first turn µs", "begin_us"),
            Column("kB/pin", "pin_kb"),
            Column("10 pins p99 ms", "few_p99_ms"),
            Column("100,000 pins p99 ms", "p99_ms"),
            Column("worst ms", "worst_ms"),
        ),
        rounds=1,
        fresh=measure_talk.pins,
        serves="a2a",
    ),
)
