"""An HTTP API as a process that lets nobody in without a token of its issuer for itself, or a user's own header.

`python -m tests.e2e.token_api JWKS_URL AUDIENCE` says `listening URL`. Below the URL lie `/openapi.json`, which wants a
token too, and what it describes. `POST /revoked` makes every token that it has seen a refused one; `GET /log` tells
whom each request came from.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

USER = "x-user-token"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Who am I", "version": "1"},
    "servers": [{"url": "/v1"}],
    "paths": {
        "/me": {
            "get": {
                "operationId": "me",
                "parameters": [{"name": USER, "in": "header", "schema": {"type": "string"}}],
                "responses": {"200": {"description": "You"}},
            }
        },
        "/notes": {
            "post": {
                "operationId": "add",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"type": "object", "properties": {"text": {"type": "string"}}}}
                    },
                },
                "responses": {"200": {"description": "Done"}},
            }
        },
    },
}


class Desk:
    """Who is let in."""

    def __init__(self, jwks_url: str, audience: str) -> None:
        self._keys = jwt.PyJWKClient(jwks_url)
        self._audience = audience
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._revoked: set[str] = set()
        self.log: list[str] = []

    def who(self, headers: Any) -> str:
        """The caller; empty for nobody."""
        if headers.get(USER):
            return f"user {headers[USER]}"
        token = headers.get("authorization", "").removeprefix("Bearer ")
        with self._lock:
            if token in self._revoked:
                return ""
            self._seen.add(token)
        try:
            key = self._keys.get_signing_key_from_jwt(token).key
            return str(jwt.decode(token, key, ["RS256"], audience=self._audience)["sub"])
        except jwt.PyJWTError:
            return ""

    def revoke(self) -> None:
        with self._lock:
            self._revoked |= self._seen


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    desk: Desk

    def do_GET(self) -> None:
        if self.path == "/log":
            self._answer(200, self.desk.log)
        elif who := self._admitted():
            self._answer(200, DOCUMENT if self.path == "/openapi.json" else {"you": who})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/revoked":
            self.desk.revoke()
            self._answer(200, {})
        elif who := self._admitted():
            self._answer(200, {"you": who, "text": json.loads(body)["text"]})

    def _admitted(self) -> str:
        who = self.desk.who(self.headers)
        self.desk.log.append(f"{self.command} {self.path} {who or 'nobody'}")
        if not who:
            self._answer(401, {"error": "a token is needed"})
        return who

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


def main(jwks_url: str, audience: str) -> None:
    handler = type("Handler", (_Handler,), {"desk": Desk(jwks_url, audience)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        sys.stdout.write(f"listening http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
