"""A sample MCP server over stdio: a small knowledge base with full-text search.

    python -m fedgate.samples.knowledge_server

The articles lie in the folder `knowledge/` beside this file, one Markdown file per topic.
They are indexed in memory with SQLite FTS5 at start. Made with the official SDK.
"""

import difflib
import logging
import re
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.server.mcpserver.resources import TextResource
from mcp.types import ToolAnnotations
from pydantic import Field

FOLDER = Path(__file__).resolve().parent / "knowledge"
MAX_HITS = 20

READS_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


@dataclass(frozen=True)
class Hit:
    """An article that matches, with the words around the match."""

    topic: str
    title: str
    excerpt: str


@dataclass(frozen=True)
class Article:
    """One article, as Markdown."""

    topic: str
    title: str
    text: str


class NoSuchTopicError(Exception):
    """A topic that is not there, with the nearest that are."""


class Knowledge:
    """All articles and their index. Read once, never changed."""

    def __init__(self, folder: Path) -> None:
        self.articles = {path.stem: _article(path) for path in sorted(folder.glob("*.md"))}
        self._index = sqlite3.connect(":memory:")
        self._index.execute("CREATE VIRTUAL TABLE articles USING fts5(topic, title, text, tokenize='porter')")
        rows = [(article.topic, article.title, article.text) for article in self.articles.values()]
        self._index.executemany("INSERT INTO articles VALUES (?, ?, ?)", rows)

    def __repr__(self) -> str:
        return f"Knowledge({len(self.articles)} articles)"

    def close(self) -> None:
        self._index.close()

    def search(self, query: str, limit: int) -> list[Hit]:
        """Articles with any of the words, best first; a match in a title weighs most."""
        # Quoted, so that nothing in the query is read as an operator of FTS5.
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        if not words:
            return []
        rows = self._index.execute(
            "SELECT topic, title, snippet(articles, 2, '', '', ' ... ', 32) FROM articles "
            "WHERE articles MATCH ? ORDER BY bm25(articles, 4.0, 8.0, 1.0) LIMIT ?",
            (words, limit),
        )
        return [Hit(*row) for row in rows]

    def read(self, topic: str) -> Article:
        name = topic.strip().lower().removesuffix(".md").replace(" ", "-")
        if name not in self.articles:
            near = difflib.get_close_matches(name, self.articles, n=3, cutoff=0.5) or list(self.articles)
            raise NoSuchTopicError(f"There is no topic {topic!r}. Try {', '.join(near)}.")
        return self.articles[name]


def _article(path: Path) -> Article:
    text = path.read_text(encoding="utf-8")
    return Article(path.stem, text.splitlines()[0].lstrip("# "), text)


def build(knowledge: Knowledge) -> MCPServer:
    """A server over the articles: two tools, a resource per topic, a template, two prompts."""
    server = MCPServer(
        "knowledge",
        title="Knowledge",
        version="1.0.0",
        instructions="Articles about fedgate and gateways. Search first, then read the topic.",
        log_level="WARNING",
    )
    _add_tools(server, knowledge)
    _add_resources(server, knowledge)

    @server.prompt()
    def explain(topic: str) -> str:
        """Explain a topic to someone who is new to it."""
        try:
            source = knowledge.read(topic).text
        except NoSuchTopicError as error:
            raise ValueError(str(error)) from error
        return f"Explain the following to someone who is new to it, in plain words:\n\n{source}"

    @server.prompt()
    def answer(question: str) -> str:
        """Answer a question from the articles alone."""
        found = [knowledge.articles[hit.topic].text for hit in knowledge.search(question, 3)]
        sources = "\n\n---\n\n".join(found) or "(nothing was found)"
        return f"Answer from these articles alone, and say so if they do not tell: {question}\n\n{sources}"

    return server


def _add_tools(server: MCPServer, knowledge: Knowledge) -> None:
    # Coroutines, because the index belongs to the thread that made it; a look-up takes microseconds.
    @server.tool(annotations=READS_ONLY)
    async def search(
        query: Annotated[str, Field(description="A few words", min_length=1)],
        limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 5,
    ) -> list[Hit]:
        """Search the articles; returns topics with an excerpt each."""
        return knowledge.search(query, limit)

    @server.tool(annotations=READS_ONLY)
    async def read(topic: Annotated[str, Field(description="A topic as search returns it")]) -> Article:
        """Read one article in full."""
        try:
            return knowledge.read(topic)
        except NoSuchTopicError as error:
            raise ToolError(str(error)) from error


def _add_resources(server: MCPServer, knowledge: Knowledge) -> None:
    for article in knowledge.articles.values():
        server.add_resource(
            TextResource(
                uri=f"knowledge:///{article.topic}",
                name=article.topic,
                title=article.title,
                mime_type="text/markdown",
                text=article.text,
            )
        )

    @server.resource("knowledge:///{topic}", name="topic", description="One article.", mime_type="text/markdown")
    async def topic(topic: str) -> str:
        try:
            return knowledge.read(topic).text
        except NoSuchTopicError as error:
            raise ResourceNotFoundError(str(error)) from error


def main() -> int:
    try:
        knowledge = Knowledge(FOLDER)
    except sqlite3.OperationalError as error:
        logging.getLogger("knowledge").error("This Python's SQLite lacks FTS5: %s", error)
        return 1
    try:
        build(knowledge).run("stdio")
    finally:
        knowledge.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
