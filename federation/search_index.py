"""Full text search over tools: SQLite FTS5 in memory, ranked by bm25, names before descriptions.

Identifiers are taken apart (`createIssue`, `create_issue` → create issue), words are
stemmed and match by their beginning, scripts without spaces are matched by pairs of
characters. What a client looks for becomes quoted words and nothing else, so no query
language is reachable. Building takes milliseconds per hundred tools and belongs in a
thread; asking takes a fraction of one. Above: `searcher.py`. Below: sqlite3.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..core.rawjson import fields, is_object, sub, text
from .offers import Offer
from .search import Query

MAX_TERMS = 24
"""Words of a query that are looked at."""
MAX_TERM = 40
PREFIX = 3
"""Characters from which on a word matches by its beginning."""

_TABLE = """
CREATE VIRTUAL TABLE tools USING fts5(
  name, title, description, parameters, exposed UNINDEXED, server UNINDEXED,
  tokenize = 'porter unicode61 remove_diacritics 2')"""
_MATCHING = "FROM tools WHERE tools MATCH :words AND :server IN ('', server)"
_EVERY = "FROM tools WHERE :server IN ('', server)"
_BEST = "ORDER BY bm25(tools, 10.0, 4.0, 2.0, 1.0), rowid LIMIT :limit"
_FIRST = "ORDER BY rowid LIMIT :limit"

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_WORD = re.compile(r"[^\W_]+")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
"""Kana, ideographs, Hangul: nothing between words."""
_COMMON = frozenset({"a", "an", "and", "are", "as", "at", "by", "can", "for", "from", "how", "i", "in", "is", "it"})
_COMMON |= {"me", "my", "of", "on", "or", "that", "the", "this", "to", "what", "with"}


class Found(NamedTuple):
    """Exposed names, best first, and how many matched in all."""

    names: list[str]
    total: int


class Index:
    """Over the tools of one view, as they were when it was built. May be used from any thread, one at a time."""

    def __init__(self, tools: Iterable[tuple[str, Offer]]) -> None:
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute(_TABLE)
        rows = (_row(name, offer) for name, offer in tools if not offer.refusal)
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO tools VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def find(self, query: Query) -> Found:
        """Words find what has any of them, best first; without words, everything in the catalog's order."""
        words = _match(query.words)
        if not words and query.words.strip():
            return Found([], 0)
        which, order = (_MATCHING, _BEST) if words else (_EVERY, _FIRST)
        bound = {"words": words, "server": query.server, "limit": query.limit}
        names = self._database.execute(f"SELECT exposed {which} {order}", bound).fetchall()
        (total,) = self._database.execute(f"SELECT count(*) {which}", bound).fetchone()
        return Found([name for (name,) in names], total)

    def close(self) -> None:
        self._database.close()


def _row(name: str, offer: Offer) -> tuple[str, str, str, str, str, str]:
    try:
        members = fields(offer.raw)
    except ValueError:  # nested too deeply for the stack as it is now
        members = {}
    names = " ".join([name, *_words(name), offer.item.key, *_words(offer.item.key), *_words(offer.server)])
    title = text(members.get("title")) or text(sub(members, "annotations").get("title")) or ""
    description = text(members.get("description")) or ""
    return names, _spaced(title), _spaced(description), _parameters(offer), name, offer.server


def _parameters(offer: Offer) -> str:
    """The names of the arguments and what is said of each."""
    try:
        properties = sub(sub(fields(offer.raw), "inputSchema"), "properties")
        return " ".join(
            part
            for name, schema in properties.items()
            for part in (
                *_words(name),
                _spaced(text(fields(schema).get("description")) or "") if is_object(schema) else "",
            )
        )
    except ValueError:
        return ""


def _words(identifier: str) -> list[str]:
    """`getHTTPStatus_code2` → get HTTP Status code 2; other scripts in pairs of characters."""
    return [word for part in _PARTS.findall(identifier) for word in _pairs(part)]


def _pairs(word: str) -> list[str]:
    if not _DENSE.search(word):
        return [word]
    return _spaced(word).split()


def _spaced(prose: str) -> str:
    """With runs of dense scripts written as pairs: 创建问题 → 创建 建问 问题."""
    if prose.isascii():
        return prose
    return _DENSE.sub(lambda run: f" {' '.join(_split(run[0]))} ", prose)


def _split(run: str) -> Iterator[str]:
    if len(run) == 1:
        return iter([run])
    return (run[i : i + 2] for i in range(len(run) - 1))


def _match(words: str) -> str:
    """The FTS5 expression for what a client wrote: quoted words, any of them."""
    whole = [word for word in _WORD.findall(_spaced(words)) if len(word) > 1 or not word.isascii() or word.isdigit()]
    terms = dict.fromkeys(part.lower()[:MAX_TERM] for word in whole for part in (*_words(word), word))
    telling = [term for term in terms if term not in _COMMON] or list(terms)
    return " OR ".join(f'"{term}"*' if len(term) >= PREFIX else f'"{term}"' for term in telling[:MAX_TERMS])
