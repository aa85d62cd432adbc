"""A sample MCP server that keeps notes: tools, resources that come and go, and a prompt.

    python -m fedgate.samples.notes_server [--port 9001] [--path /mcp] [--file notes.jsonl]
    python -m fedgate.samples.notes_server --stdio

Made with the official SDK, which serves both protocol eras on one URL. Each note is also a
resource `note:///ID`; whenever one is added or deleted, every connected client is told that
the list of resources changed. Logs go to standard error.
"""

import argparse
import logging
import socket
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from mcp import types
from mcp.server import MCPServer, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.server.session import ServerSession
from pydantic import Field

from fedgate.samples.notes_store import Note, NotesError, NotesStore

HOST = "127.0.0.1"
PORT = 9001
MAX_TITLE = 200
MAX_TEXT = 65_536
MAX_SUMMARISED = 50
MAX_SESSIONS_TOLD = 256

log = logging.getLogger("notes")
READS_ONLY = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
Title = Annotated[str, Field(description="A few words", min_length=1, max_length=MAX_TITLE)]
Text = Annotated[str, Field(description="The note itself", min_length=1, max_length=MAX_TEXT)]


class NotesServer(MCPServer[Any]):
    """The SDK's server, listing one resource per note that exists right now."""

    def __init__(self, store: NotesStore) -> None:
        super().__init__(
            "notes",
            title="Notes",
            version="1.0.0",
            instructions="Short notes that several clients share. Search before you add a duplicate.",
            log_level="WARNING",
            middleware=[self._follow_sessions],
        )
        self.store = store
        # Handshake-era sessions, which hear of changes on a stream of their own.
        self._sessions: deque[ServerSession] = deque(maxlen=MAX_SESSIONS_TOLD)

    async def list_resources(self) -> list[types.Resource]:
        return [
            types.Resource(uri=f"note:///{note.id}", name=note.title, mime_type="text/plain")
            for note in self.store.all()
        ]

    async def announce_change(self, ctx: Context) -> None:
        """Tell every client that the list of resources changed."""
        await ctx.notify_resources_changed()
        for session in list(self._sessions):
            await session.send_resource_list_changed()

    async def _follow_sessions(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method == "notifications/initialized":
            self._sessions.append(ctx.session)
        elif ctx.method == "initialize" and isinstance(result, dict):
            # The SDK's handshake promises no list changes by itself; this server sends them.
            result["capabilities"]["resources"]["listChanged"] = True
        return result


def build(store: NotesStore) -> NotesServer:
    """A server over `store` with its tools, template and prompt."""
    server = NotesServer(store)
    _add_tools(server)

    @server.resource("note:///{note_id}", name="note", description="One note by its id.", mime_type="text/plain")
    def read_note(note_id: str) -> str:
        try:
            note = store.get(note_id)
        except NotesError as error:
            raise ResourceNotFoundError(str(error)) from error
        return f"{note.title}\n\n{note.text}"

    @server.prompt()
    def summarize_notes(topic: str = "") -> str:
        """Summarise the notes, or those that mention a topic."""
        notes = store.search(topic)[-MAX_SUMMARISED:]
        listed = "\n\n".join(f"## {note.title} (note {note.id}, {note.created})\n{note.text}" for note in notes)
        about = f" that mention {topic!r}" if topic else ""
        return f"Summarise these {len(notes)} notes{about} in a few bullet points:\n\n{listed or '(no notes)'}"

    return server


def _add_tools(server: NotesServer) -> None:
    store = server.store

    @server.tool()
    async def add_note(title: Title, text: Text, ctx: Context) -> Note:
        """Keep a note and return it with its id."""
        try:
            note = await store.add(title, text)
        except NotesError as error:
            raise ToolError(str(error)) from error
        await server.announce_change(ctx)
        return note

    @server.tool(annotations=READS_ONLY)
    async def list_notes() -> list[Note]:
        """List all notes, oldest first."""
        return store.all()

    @server.tool(annotations=READS_ONLY)
    async def search_notes(query: str) -> list[Note]:
        """Find the notes that contain every word of the query."""
        return store.search(query)

    @server.tool(annotations=types.ToolAnnotations(destructive_hint=True, idempotent_hint=True))
    async def delete_note(note_id: str, ctx: Context) -> Note:
        """Delete a note and return what it said."""
        try:
            note = await store.delete(note_id)
        except NotesError as error:
            raise ToolError(str(error)) from error
        await server.announce_change(ctx)
        return note


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Serve notes over streamable HTTP, or over stdio.")
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output instead of HTTP")
    parser.add_argument("--port", type=int, default=PORT, help="TCP port; 0 takes a free one")
    parser.add_argument("--path", default="/mcp", help="path of the MCP endpoint")
    parser.add_argument("--file", type=Path, help="keep the notes in this file (JSON lines)")
    options = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    log.setLevel(logging.INFO)
    try:
        server = build(NotesStore(options.file))
        if options.stdio:
            server.run("stdio")
        else:
            _serve_http(server, options.port, options.path)
    except (NotesError, OSError) as error:
        log.error("%s", error)
        return 1
    return 0


def _serve_http(server: NotesServer, port: int, path: str) -> None:
    import uvicorn

    app = server.streamable_http_app(streamable_http_path=path)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    with socket.create_server((HOST, port)) as listener:
        log.info("listening on http://%s:%d%s", HOST, listener.getsockname()[1], path)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
