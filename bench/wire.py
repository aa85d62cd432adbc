"""HTTP/1.1 messages as bytes, and the few MCP constants that both ends of the benchmark share.

Pure: values in, bytes out. Above: the fake upstream and the load generator.
"""

LEGACY_VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")
LEGACY = LEGACY_VERSIONS[-1]
MODERN = "2026-07-28"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"x-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n"  # the last but one keeps nginx from buffering
)
STREAM_END = b"0\r\n\r\n"
META = "io.modelcontextprotocol"

REASONS = {
    200: b"OK",
    202: b"Accepted",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
    501: b"Not Implemented",
}


def response(status: int, body: bytes = b"", headers: bytes = b"") -> bytes:
    """A whole response with a length; `headers` are complete lines, each ending in CRLF."""
    kind = b"content-type: application/json\r\n" if body else b""
    return b"HTTP/1.1 %d %s\r\n%s%scontent-length: %d\r\n\r\n%s" % (
        status,
        REASONS[status],
        kind,
        headers,
        len(body),
        body,
    )


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def rpc_result(ident: bytes, result: bytes) -> bytes:
    """A JSON-RPC response; `ident` and `result` are JSON already."""
    return b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (ident, result)


def rpc_error(ident: bytes, code: int, sentence: str) -> bytes:
    """A JSON-RPC error response; `sentence` holds no character that JSON escapes."""
    return b'{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"%s"}}' % (
        ident,
        code,
        sentence.encode(),
    )
