"""A collector of traces as a process: `otlp_receiver.py well|hang|refuse`. Says `listening PORT`, then a line a span.

It reads requests by OpenTelemetry's own message types, which nobody here wrote. `hang` takes requests and never
answers; `refuse` answers 400.
"""

import gzip
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

FOREVER = threading.Event()
MODE = sys.argv[1]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def plain(attributes: Any) -> dict[str, Any]:
    found = {}
    for each in attributes:
        kind = each.value.WhichOneof("value")
        found[each.key] = getattr(each.value, kind)
    return found


def spans(request: Any, headers: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "service": plain(resource.resource.attributes).get("service.name"),
            "headers": headers,
            "name": span.name,
            "kind": span.kind,
            "trace": span.trace_id.hex(),
            "span": span.span_id.hex(),
            "parent": span.parent_span_id.hex(),
            "state": span.trace_state,
            "start": span.start_time_unix_nano,
            "end": span.end_time_unix_nano,
            "status": span.status.code,
            "attributes": plain(span.attributes),
        }
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if MODE == "hang":
            say(json.dumps({"hanging": True}))
            FOREVER.wait()
        if MODE == "refuse":
            self.send_response(400)
            self.end_headers()
            return
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        for each in spans(request, {name.lower(): value for name, value in self.headers.items()}):
            say(json.dumps(each))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_words: Any) -> None:
        """Quiet."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    say(f"listening {server.server_address[1]}")
    server.serve_forever()
