"""What a server process may do to the gateway. Run as `python -S -E stdio_child.py WHAT [ARGUMENT]`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

OUT = sys.stdout.buffer
ERR = sys.stderr.buffer


def say(value: object) -> None:
    OUT.write(json.dumps(value).encode() + b"\n")
    OUT.flush()


def echo() -> None:
    for line in sys.stdin.buffer:
        OUT.write(line)
        OUT.flush()


def banner() -> None:
    OUT.write(b"Welcome to the server!\n[INFO] listening\n\n{not json}\r\n\r\n")
    OUT.write(b'{"first": 1}\r\n  {"second": 2} \n')
    OUT.flush()
    echo()


def noise() -> None:
    OUT.write(b"this is no MCP server\n" * int(sys.argv[2]))
    say({"after": "noise"})
    echo()


def big() -> None:
    say({"text": "x" * int(sys.argv[2])})
    echo()


def pump() -> None:
    for number in range(int(sys.argv[2])):
        say({"number": number, "text": "x" * 65_000})
        if number == 50:
            ERR.write(b"never reached unless read\n")
            ERR.flush()
    echo()


def flood() -> None:
    ERR.write(b"".join(b"line %d\n" % number for number in range(int(sys.argv[2]))))
    ERR.flush()
    say({"flood": "over"})
    echo()


def long_log() -> None:
    ERR.write(b"x" * int(sys.argv[2]))
    ERR.flush()
    say({"log": "over"})
    echo()


def die() -> None:
    ERR.write(b"starting\n\x1b[31mModuleNotFoundError: no module named 'nothing'\x1b[0m\n\n")
    ERR.flush()
    sys.exit(3)


def leak() -> None:
    ERR.write(b"cannot log in with " + os.environ["API_TOKEN"].encode())
    ERR.flush()
    sys.exit(1)


def last_message() -> None:
    say({"last": "message"})
    sys.exit(0)


def stubborn() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say({"ready": True})
    while True:
        signal.pause()


def closes_stdout() -> None:
    say({"ready": True})
    OUT.close()
    os.close(1)
    signal.pause()


def deaf_until_told() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    say({"ready": True})
    signal.sigwait([signal.SIGUSR1])
    echo()


def family() -> None:
    """A grandchild that holds all pipes open and sleeps; with an argument it ignores SIGTERM too."""
    how = signal.SIG_IGN if len(sys.argv) > 2 else signal.SIG_DFL
    signal.signal(signal.SIGTERM, how)
    grandchild = subprocess.Popen(["sleep", "1000"], stdin=0, restore_signals=False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    say({"grandchild": grandchild.pid})
    echo()
    os._exit(0)


def environment() -> None:
    say({"env": dict(os.environ), "cwd": str(Path.cwd())})
    echo()


ACTS: list[Callable[[], None]] = [
    echo, banner, noise, big, pump, flood, long_log, die, leak, last_message, stubborn, closes_stdout, deaf_until_told,
    family, environment,
]  # fmt: skip

if __name__ == "__main__":
    next(act for act in ACTS if act.__name__ == sys.argv[1])()
