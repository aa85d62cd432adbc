"""A stand-in for the Anthropic Messages API that has a client call one tool, without a model.

    python tests/clients/stub_messages.py --tool mcp__hub__add --arguments '{"a": 1}' [--record FILE]

The script of a conversation: ask for the tool as soon as a request offers it; when its result
comes back, end the turn and quote it. While the tool is not offered yet (clients connect to
MCP servers in the background), have the client call a harmless tool of its own, a bounded
number of times. Answers stream (SSE) or not, as asked. Every request is kept, and written to
a file of JSON lines if one is given. Standard library only; loopback only.
"""

import argparse
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

MAX_KEPT = 1000
MAX_BODY = 64 * 1024 * 1024
MAX_WAITING_TURNS = 80
WAITING_SECONDS = 0.25
TOOL_USE_ID = "toolu_stub_0001"
WAITING_ID = "toolu_stub_wait"
# Tools that clients bring themselves and that change nothing, with arguments they accept.
HARMLESS: Mapping[str, Mapping[str, Any]] = {
    "TaskList": {},
    "TodoWrite": {"todos": []},
    "Glob": {"pattern": "no-such-file-*"},
    "Bash": {"command": "true", "description": "Nothing"},
}

Json = dict[str, Any]


@dataclass
class Script:
    """What the stub wants called, and what it has seen so far."""

    tool: str
    arguments: Json
    record: Path | None = None
    requests: deque[Json] = field(default_factory=lambda: deque(maxlen=MAX_KEPT))
    waited: int = 0
    offered: bool = False
    result: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, method: str, path: str, body: Json) -> None:
        """Remember a request, and append it to the record."""
        entry = {"method": method, "path": path, "body": body}
        with self.lock:
            self.requests.append(entry)
            if self.record is not None:
                with self.record.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(entry) + "\n")

    def next_block(self, body: Json) -> Json:
        """The content block that answers this request."""
        with self.lock:
            self.result = _result_of(body, TOOL_USE_ID) or self.result
            if _has_result(body, TOOL_USE_ID):
                return _text(f"The tool {self.tool} answered: {self.result}")
            names = [tool.get("name") for tool in body.get("tools") or ()]
            if self.tool in names:
                self.offered = True
                return _tool_use(TOOL_USE_ID, self.tool, self.arguments)
            idle = next((name for name in HARMLESS if name in names), None)
            if idle is None or self.waited >= MAX_WAITING_TURNS:
                return _text(f"The tool {self.tool} is not offered.")
            self.waited += 1
            return _tool_use(f"{WAITING_ID}_{self.waited}", idle, HARMLESS[idle])


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _tool_use(use_id: str, name: str, arguments: Mapping[str, Any]) -> Json:
    return {"type": "tool_use", "id": use_id, "name": name, "input": dict(arguments)}


def _results(body: Json, use_id: str) -> Iterator[Json]:
    for message in body.get("messages") or ():
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_result" and block.get("tool_use_id") == use_id:
                yield block


def _has_result(body: Json, use_id: str) -> bool:
    return next(_results(body, use_id), None) is not None


def _result_of(body: Json, use_id: str) -> str | None:
    """The text of a tool result in the conversation."""
    for block in _results(body, use_id):
        content = block.get("content")
        if isinstance(content, str):
            return content
        return "\n".join(part.get("text", "") for part in content or () if part.get("type") == "text")
    return None


def message(model: str, block: Json) -> Json:
    """A whole answer of one block."""
    reason = "tool_use" if block["type"] == "tool_use" else "end_turn"
    return {
        "id": "msg_stub",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [block],
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 10},
    }


def events(answer: Json) -> Iterator[tuple[str, Json]]:
    """The same answer as the events of a stream."""
    (block,) = answer["content"]
    is_tool = block["type"] == "tool_use"
    empty = {**block, "input": {}} if is_tool else {**block, "text": ""}
    delta = (
        {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        if is_tool
        else {"type": "text_delta", "text": block["text"]}
    )
    yield "message_start", {"message": {**answer, "content": [], "stop_reason": None}}
    yield "content_block_start", {"index": 0, "content_block": empty}
    yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    stop = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": stop, "usage": {"output_tokens": 10}}
    yield "message_stop", {}


class _Handler(BaseHTTPRequestHandler):
    """Speaks the few paths that clients of the Messages API use."""

    protocol_version = "HTTP/1.1"
    script: ClassVar[Script]

    def do_HEAD(self) -> None:
        self._answer(200, b"")

    def do_GET(self) -> None:
        self.script.keep("GET", self.path, {})
        self._answer_json(200, {"data": [], "has_more": False})

    def do_POST(self) -> None:
        body = self._body()
        self.script.keep("POST", self.path, body)
        path = self.path.partition("?")[0]
        if path == "/v1/messages/count_tokens":
            self._answer_json(200, {"input_tokens": 10})
        elif path == "/v1/messages":
            self._answer_message(body)
        else:
            self._answer_json(404, {"type": "error", "error": {"type": "not_found_error", "message": path}})

    def _body(self) -> Json:
        size = min(int(self.headers.get("content-length") or 0), MAX_BODY)
        try:
            body = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    def _answer_message(self, body: Json) -> None:
        block = self.script.next_block(body)
        if str(block.get("id", "")).startswith(WAITING_ID):
            time.sleep(WAITING_SECONDS)  # give the client time to connect before it comes back
        answer = message(str(body.get("model", "stub")), block)
        if not body.get("stream"):
            self._answer_json(200, answer)
            return
        frames = [
            f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode() for name, data in events(answer)
        ]
        self._answer(200, b"".join(frames), "text/event-stream")

    def _answer_json(self, status: int, body: Json) -> None:
        self._answer(status, json.dumps(body).encode())

    def _answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: what came is in the record."""


class StubMessages:
    """The stub on a free loopback port, serving from a thread while the context is open."""

    def __init__(self, script: Script, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"script": script})
        self.script = script
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="stub-messages")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def wait(self) -> None:
        self._thread.join()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Serve a scripted Messages API on loopback.")
    parser.add_argument("--tool", required=True, help="name of the tool to call, as the client offers it")
    parser.add_argument("--arguments", type=json.loads, default={}, help="its arguments, as JSON")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path, help="append every request to this file, a JSON object a line")
    options = parser.parse_args(argv)
    with StubMessages(Script(options.tool, options.arguments, options.record), options.port) as stub:
        sys.stdout.write(f"{stub.url}\n")
        sys.stdout.flush()
        try:
            stub.wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
