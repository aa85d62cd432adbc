"""Where the notes of the sample notes server are kept: in memory, or in a file of JSON lines.

Knows nothing of MCP. The file is appended to by `add` and rewritten by `delete`; it is read
once. All methods that touch it run the file work in a thread.
"""

from datetime import UTC, datetime
from pathlib import Path

import anyio
from anyio.to_thread import run_sync
from pydantic import BaseModel, ValidationError

MAX_NOTES = 10_000


class NotesError(Exception):
    """A failure with a sentence for whoever asked."""


class Note(BaseModel):
    """One note; `created` is ISO 8601 in UTC."""

    id: str
    title: str
    text: str
    created: str


class NotesStore:
    """All notes by id, oldest first."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._notes = _load(file) if file is not None and file.exists() else {}
        self._last = max((int(known) for known in self._notes), default=0)
        self._lock = anyio.Lock()

    def __repr__(self) -> str:
        return f"NotesStore({len(self._notes)} notes, file={self._file})"

    def all(self) -> list[Note]:
        return list(self._notes.values())

    def get(self, note_id: str) -> Note:
        """The note, or a `NotesError` that says which ids exist."""
        if note_id not in self._notes:
            raise NotesError(f"There is no note {note_id!r}. {self._known()}")
        return self._notes[note_id]

    def search(self, query: str) -> list[Note]:
        """Notes that contain every word of the query, in title or text, whatever the case."""
        words = query.lower().split()
        return [note for note in self.all() if all(word in f"{note.title}\n{note.text}".lower() for word in words)]

    async def add(self, title: str, text: str) -> Note:
        async with self._lock:
            if len(self._notes) >= MAX_NOTES:
                raise NotesError(f"There are {MAX_NOTES} notes already; delete some first.")
            created = datetime.now(UTC).isoformat(timespec="seconds")
            note = Note(id=str(self._last + 1), title=title, text=text, created=created)
            if self._file is not None:
                await run_sync(_append, self._file, note)
            self._last += 1
            self._notes[note.id] = note
        return note

    async def delete(self, note_id: str) -> Note:
        async with self._lock:
            note = self.get(note_id)
            left = {known: kept for known, kept in self._notes.items() if known != note_id}
            if self._file is not None:
                await run_sync(_write, self._file, list(left.values()))
            self._notes = left
        return note

    def _known(self) -> str:
        ids = list(self._notes)
        return f"Known ids: {', '.join(ids[:20])}{', ...' if len(ids) > 20 else ''}." if ids else "There are none yet."


def _load(file: Path) -> dict[str, Note]:
    notes: dict[str, Note] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            note = Note.model_validate_json(line)
            int(note.id)
        except (ValidationError, ValueError) as error:
            wanted = 'a line looks like {"id": "1", "title": "...", "text": "...", "created": "..."}'
            raise NotesError(f"{file}:{number}: this is not a note; {wanted}") from error
        notes[note.id] = note
    return notes


def _append(file: Path, note: Note) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(note.model_dump_json() + "\n")


def _write(file: Path, notes: list[Note]) -> None:
    beside = file.with_name(file.name + ".new")  # swapped in whole, so that no reader sees half a file
    beside.write_text("".join(note.model_dump_json() + "\n" for note in notes), encoding="utf-8")
    beside.replace(file)
