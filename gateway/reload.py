"""Takes another manifest while the gateway serves: read and checked whole, compared, then put in place at once.

One at a time, whoever asks: a signal, the file's watcher, an administrator. A manifest that cannot be used changes
nothing; why is logged, counted, and told to administrators until one can. Above: `serve.py`, the administration.
Below: `differences.py`; the gateway, which applies.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
from pydantic import ValidationError

from ..core.clock import Clock
from ..core.errors import Conflict
from ..core.tasks import Tasks
from ..manifest.model import Manifest
from ..manifest.problems import ManifestError
from .differences import Differences, differences, effective
from .imports import prepare

log = logging.getLogger("fedgate.reload")

MAX_REASON = 4000
"""Characters of why a manifest was refused."""
SETTLE = 200
"""Milliseconds without another change of the files, until they are read."""
AGAIN = 5.0
"""Seconds until files that could not be watched are watched again."""
_EMPTY = Differences({})

Result = Literal["applied", "unchanged", "refused"]


class Load(Protocol):
    """Where manifests come from. Called in a thread."""

    def __call__(self) -> Manifest:
        """Raises `ManifestError`."""
        ...


class Applies(Protocol):
    """The gateway, as this module sees it."""

    manifest: Manifest

    @property
    def metrics(self) -> Any: ...

    def apply(self, manifest: Manifest) -> None: ...


class Outcome(msgspec.Struct, frozen=True):
    """What became of one attempt. `when` in seconds since the epoch; `by` says who asked."""

    result: Result
    when: float
    by: str
    changes: Differences = _EMPTY
    reason: str = ""
    """Why it was refused: what is wrong, with file, line and column."""


class Standing(msgspec.Struct, frozen=True):
    """Which manifest is served. `last`: the latest attempt, if there was any."""

    possible: bool
    generation: int
    """1: the manifest of the start."""
    since: float
    last: Outcome | None = None


class Reloader:
    """`load`: reads the manifest again; without it there is nothing to be read."""

    def __init__(self, gateway: Applies, load: Load | None, clock: Clock) -> None:
        self._gateway = gateway
        self._load = load
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tasks = Tasks("reload")
        self._standing = Standing(load is not None, 1, clock.now())
        self._asked: Manifest | None = None
        """The last manifest that was read, as it was read: what needs a restart is told once."""

    @property
    def standing(self) -> Standing:
        return self._standing

    async def aclose(self) -> None:
        await self._tasks.aclose()

    def ask(self, by: str) -> None:
        """Reload in the background: for signals. Returns at once."""
        if self._load is not None and not self._tasks.closed and len(self._tasks) < 3:
            self._tasks.start(self.reload(by), "reload")

    async def reload(self, by: str) -> Outcome:
        """Read the manifest and serve it. Raises `Conflict` if there is none to be read."""
        load = self._load
        if load is None:
            raise Conflict("this gateway was not started from a manifest file, so there is nothing to read again")
        async with self._turn:
            outcome = await self._attempt(load, by)
        self._gateway.metrics.reloaded(outcome.result)
        applied = outcome.result == "applied"
        standing = self._standing
        self._standing = Standing(
            True,
            standing.generation + applied,
            outcome.when if applied else standing.since,
            outcome,
        )
        return outcome

    async def _attempt(self, load: Load, by: str) -> Outcome:
        now = self._clock.now()
        try:
            new = await asyncio.get_running_loop().run_in_executor(None, lambda: prepare(load()))
            return self._taken(new, by, now)
        except (ManifestError, ValidationError, ValueError, OSError) as error:
            why = _why(error)
            log.error("the manifest was not taken (%s), the one before is served on: %s", by, why)
            return Outcome("refused", now, by, reason=why)

    def _taken(self, new: Manifest, by: str, now: float) -> Outcome:
        running = self._gateway.manifest
        changes = differences(running, new)
        told = self._asked is not None and self._asked == new
        self._asked = new
        if not changes.sections:
            if changes.restart and not told:
                log.warning("the manifest needs a restart (%s): %s", by, changes)
            return Outcome("unchanged", now, by, changes)
        self._gateway.apply(effective(running, new))
        log.info("another manifest is served (%s): %s", by, changes)
        return Outcome("applied", now, by, changes)

    # The files.

    def watch(self, paths: Callable[[], list[Path]]) -> None:
        """Reload whenever one of the files changes. Needs a running loop; returns at once."""
        if self._load is not None:
            self._tasks.start(self._watch(paths), "watch files")

    async def _watch(self, paths: Callable[[], list[Path]]) -> None:
        """Folders are watched rather than files: editors, and volumes of Kubernetes, put another file in place."""
        from watchfiles import DefaultFilter, awatch

        while True:
            wanted = [path.absolute() for path in paths()]
            folders = sorted({path if path.is_dir() else path.parent for path in wanted})
            seen = _Seen(wanted)
            try:
                async for _ in awatch(
                    *folders, watch_filter=DefaultFilter(), debounce=SETTLE * 2, step=SETTLE, recursive=False
                ):
                    if seen.other():
                        await self.reload("file")
            except OSError as error:
                log.warning("the manifest's folder cannot be watched: %s", error.strerror)
            await self._clock.sleep(AGAIN)


class _Seen:
    """What the files look like, so that others in their folder wake nobody."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self._stamps = self._look()

    def other(self) -> bool:
        """Whether they are other than when they were looked at last."""
        before, self._stamps = self._stamps, self._look()
        return before != self._stamps

    def _look(self) -> dict[str, tuple[int, int, int]]:
        found = {}
        for path in self._paths:
            for each in sorted(path.iterdir()) if path.is_dir() else [path]:
                try:
                    stat = each.stat()
                except OSError:
                    continue  # it is being replaced
                found[str(each)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        return found


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        context = error.errors(include_url=False, include_input=False)[0].get("ctx", {})
        refusals = context.get("refusals", ())
        said = [f"{'.'.join(map(str, each.at))} {each.what}; {each.why}".strip() for each in refusals]
        return "; ".join(said)[:MAX_REASON] or "its sections do not go together"
    if isinstance(error, OSError):
        return f"it cannot be read: {error.strerror or 'unknown reason'}"
    return str(error)[:MAX_REASON]
