"""Session records in a SQLite file: one table, one writer, nothing to install.

The file is this gateway's alone while it runs (an exclusive lock, which the system frees
when the process is killed). Write-ahead log with `synchronous=NORMAL`: what is committed
survives the death of the process; after a power failure the last moments may be missing.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from .store import CannotOpenStore, Changes, StoredSession, StoreFailed, Worth

APPLICATION = 0x66656467
"""`PRAGMA application_id`: the file is one of ours ("fedg")."""
SCHEMA = 1
"""`PRAGMA user_version`."""

# The column is called protocol since a shelf was all there was of one.
_TABLE = """
CREATE TABLE sessions (
  protocol TEXT NOT NULL, key TEXT NOT NULL, owner TEXT NOT NULL, view TEXT NOT NULL,
  created REAL NOT NULL, seen REAL NOT NULL, turns INTEGER NOT NULL, data TEXT NOT NULL, pins TEXT NOT NULL,
  PRIMARY KEY (protocol, key)
) WITHOUT ROWID
"""
_PUT = "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SEEN = "UPDATE sessions SET seen = ?, turns = ? WHERE protocol = ? AND key = ?"
_GONE = "DELETE FROM sessions WHERE protocol = ? AND key = ?"
_SHELVES = "SELECT DISTINCT protocol FROM sessions ORDER BY protocol"
_OLD = "DELETE FROM sessions WHERE protocol = ? AND seen < ?"
_SURPLUS = """
DELETE FROM sessions WHERE (protocol, key) IN
  (SELECT protocol, key FROM sessions WHERE protocol = ? ORDER BY seen DESC LIMIT -1 OFFSET ?)
"""
_ALL = "SELECT protocol, key, owner, view, created, seen, turns, data, pins FROM sessions ORDER BY seen"


class SqliteStore:
    """A `Store`. Opened, and checked to be writable, when it is made. Raises `CannotOpenStore`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            _create(path)
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise self._unusable(error) from error
        except CannotOpenStore:
            self._db.close()
            raise

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._path)!r})"

    @property
    def place(self) -> str:
        return str(self._path)

    def _prepare(self) -> None:
        """Take the lock, see whose file it is, and write to it."""
        db = self._db
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        is_new = self._is_new()
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN EXCLUSIVE")
        if is_new:
            db.execute(_TABLE)
        # Written every time: a file that can only be read is found out now.
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
        db.execute("COMMIT")

    def _is_new(self) -> bool:
        """Whether it is empty. What is not ours, or not of this version, is left as it is."""
        application, version = self._number("PRAGMA application_id"), self._number("PRAGMA user_version")
        if not application and not self._number("SELECT count(*) FROM sqlite_master"):
            return True
        if application != APPLICATION:
            raise CannotOpenStore(f"{self._path} is a database of something else; name another file (sessions.store)")
        if version != SCHEMA:
            raise CannotOpenStore(
                f"{self._path} was written by another version of fedgate (its format is {version}, not {SCHEMA}); "
                "use that version, or name another file (sessions.store)"
            )
        return False

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def load(self, worth: Callable[[str], Worth]) -> list[StoredSession]:
        try:
            for (shelf,) in self._db.execute(_SHELVES).fetchall():
                oldest, limit = worth(shelf)
                self._db.execute(_OLD, (shelf, oldest))
                self._db.execute(_SURPLUS, (shelf, limit))
            return [msgspec.convert(row, StoredSession) for row in self._db.execute(_ALL)]
        except (sqlite3.Error, msgspec.ValidationError) as error:
            raise self._unusable(error) from error

    def save(self, changes: Changes) -> None:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_PUT, changes.put)
            db.executemany(_SEEN, changes.seen)
            db.executemany(_GONE, changes.gone)
            db.execute("COMMIT")
        except (sqlite3.Error, ValueError) as error:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")  # refused where the failure has already ended the transaction
            raise StoreFailed(f"{self._path}: {error}") from error

    def close(self) -> None:
        self._db.close()

    def _unusable(self, error: Exception) -> CannotOpenStore:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            what = "is in use by another gateway; give each a file of its own (sessions.store)"
        elif isinstance(error, msgspec.ValidationError) or code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            what = f"is damaged or no session file ({error}); move it away to begin with a new one"
        else:
            said = error.strerror if isinstance(error, OSError) else error
            what = f"cannot be used to keep sessions: {said}; see that its folder exists and may be written to"
        return CannotOpenStore(f"{self._path} {what}")


def _create(path: Path) -> None:
    """A new file is readable for this user alone; SQLite gives its companions the same mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
