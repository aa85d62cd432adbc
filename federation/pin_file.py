"""The file that accepted tool definitions are kept in.

`{"version": 1, "servers": {server: {tool: {part: digest}}}}`, small enough to be read and
reviewed. Blocking; above: the settings, which check it, and `pin_keeper.py`, which works
in threads.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec

from .pins import Accepted

MAX_BYTES = 64 * 1024 * 1024

Stamp = tuple[int, int, int]


class BadPinFile(ValueError):
    """There is a file and it cannot be used; `str(error)` is a predicate."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    servers: Accepted


def load(path: Path) -> Accepted:
    """What the file says; nothing, if there is none. Raises `BadPinFile`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadPinFile(f"is larger than {MAX_BYTES >> 20} MiB")
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadPinFile(f"cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadPinFile("is no file of tool fingerprints") from error
    if found.version != 1:
        raise BadPinFile(f"is of version {found.version}, which this fedgate does not know")
    return found.servers


def save(path: Path, accepted: Accepted) -> None:
    """Replace the file in one step, so that a reader never meets half of it. Raises `OSError`."""
    data = msgspec.json.format(msgspec.json.encode(_File(1, accepted), order="sorted"), indent=1)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def stamp(path: Path) -> Stamp | None:
    """What tells one state of the file from another."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
