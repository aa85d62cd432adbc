"""What is wrong with a manifest, said so that it can be mended: where, what, and what to do.

Plain values without pydantic or YAML; the loader fills them, `cli/` prints them. None ever
holds a resolved value, only what stands in the file.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `line` and `column` count from 1; both are 0 where the file as a whole is meant.
    `where` is the dotted path, empty at the top. `why` says what is expected instead.
    """

    file: str
    line: int
    column: int
    where: str
    what: str
    why: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        why = f"; {self.why}" if self.why else ""
        nearest = f'; did you mean "{self.nearest}"?' if self.nearest else ""
        return f"{place}: {self.what}{why}{nearest}"

    def json(self) -> dict[str, str | int | None]:
        """The machine form: the fields under their own names."""
        return asdict(self)


class ManifestError(Exception):
    """The manifest cannot be used. `problems` holds all that was found (at most `MAX_PROBLEMS`), in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = list(problems)
        self.problems = found[:MAX_PROBLEMS]
        self.omitted = len(found) - len(self.problems)
        lines = [str(problem) for problem in self.problems]
        if self.omitted:
            lines.append(f"... and {self.omitted} more")
        super().__init__("\n".join(lines))
