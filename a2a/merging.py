"""ListTasks over several instances as one list (specification 3.1.4): pure merging, and the token of the next page.

Each instance lists its own tasks, the latest update first. Pages of all are merged in that order; of each
instance it is remembered which of its pages was open and how many of that page were given out. The
token is sealed: it names instances and their tokens, and is good for one caller and one question.
Above: `listing_tasks.py`, which asks the instances.
"""

import hashlib
import heapq
from collections.abc import Callable, Iterable

import msgspec

from ..core.rawjson import Raw
from ..core.sealing import Box

MAX_TOKEN = 64 * 1024
"""Characters of a page token."""


class Spot(msgspec.Struct, frozen=True, array_like=True):
    """Where the reading of one instance stands: its token of the open page, and how many of it were given out."""

    token: str = ""
    skip: int = 0


class Task(msgspec.Struct, frozen=True):
    """One task of a page: what is needed to sort and to check it, and the bytes that are passed on."""

    id: str
    when: str
    """`status.timestamp`: RFC 3339 in UTC, so that text sorts as time does."""
    raw: Raw


class Page(msgspec.Struct, frozen=True):
    """What one instance answered."""

    tasks: tuple[Task, ...]
    next: str = ""
    """Its token for the page after this one; empty: this was the last."""


class _Status(msgspec.Struct):
    timestamp: str = ""


class _Head(msgspec.Struct):
    id: str = ""
    status: _Status = msgspec.field(default_factory=_Status)


class _Listed(msgspec.Struct, rename="camel"):
    tasks: list[Raw] = []
    next_page_token: str = ""


_listed = msgspec.json.Decoder(_Listed)
_head = msgspec.json.Decoder(_Head)


def page(result: bytes) -> Page:
    """Read a ListTasksResponse of 1.0. `ValueError` if it is none."""
    listed = _listed.decode(result)
    tasks = []
    for raw in listed.tasks:
        head = _head.decode(raw)
        tasks.append(Task(head.id, head.status.timestamp, raw))
    return Page(tuple(tasks), listed.next_page_token)


class Merged(msgspec.Struct, frozen=True):
    """One page of the whole. `spots` is empty when nothing follows."""

    tasks: tuple[Raw, ...]
    spots: dict[str, Spot]


def merge(pages: dict[str, tuple[Spot, Page]], size: int, holder: Callable[[str], str]) -> Merged:
    """The next `size` tasks of all instances, latest first.

    `pages`: instance → where its reading stands, and the page that stands there. `holder` says
    which instance holds a task of the caller's; what any other instance lists is passed over. An instance whose page
    is used up before `size` is reached ends the merged page: what it has next might belong here.
    """
    heap: list[tuple[_Latest, str, int]] = []
    at = {name: spot.skip for name, (spot, _) in pages.items()}
    if any(found.next and at[name] >= len(found.tasks) for name, (_, found) in pages.items()):
        return Merged((), _spots(pages, at))
    for name, (spot, found) in pages.items():
        _push(heap, name, found, spot.skip)
    taken: list[Raw] = []
    while heap and len(taken) < size:
        _, name, index = heapq.heappop(heap)
        found = pages[name][1]
        task = found.tasks[index]
        at[name] = index + 1
        if holder(task.id) == name:
            taken.append(task.raw)
        _push(heap, name, found, index + 1)
        if index + 1 >= len(found.tasks) and found.next:
            break
    return Merged(tuple(taken), _spots(pages, at))


def _push(heap: list[tuple["_Latest", str, int]], name: str, found: Page, index: int) -> None:
    if index < len(found.tasks):
        heapq.heappush(heap, (_Latest(found.tasks[index].when), name, index))


def _spots(pages: dict[str, tuple[Spot, Page]], at: dict[str, int]) -> dict[str, Spot]:
    spots = {}
    for name, (spot, found) in pages.items():
        if at[name] < len(found.tasks):
            spots[name] = Spot(spot.token, at[name])
        elif found.next:
            spots[name] = Spot(found.next, 0)
    return spots


class _Latest(str):
    """Text whose order is turned round."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


class Tokens:
    """Page tokens of the gateway. `question` is what the token is good for: caller, agent and filter."""

    def __init__(self) -> None:
        self._box: Box | None = None

    def seal(self, question: bytes, spots: dict[str, Spot]) -> str:
        if self._box is None:
            self._box = Box()
        return self._box.seal(msgspec.json.encode((digest(question), spots)))

    def open(self, question: bytes, token: str) -> dict[str, Spot]:
        """`ValueError` for a token that is not ours, or was given out for another question."""
        if self._box is None:
            raise ValueError("not sealed here")
        known, spots = msgspec.json.decode(self._box.open(token, MAX_TOKEN), type=tuple[str, dict[str, Spot]])
        if known != digest(question):
            raise ValueError("for another question")
        return spots


def digest(question: bytes) -> str:
    return hashlib.blake2b(question, digest_size=16).hexdigest()


def result(tasks: Iterable[Raw], token: str, size: int, total: int) -> bytes:
    """A ListTasksResponse of 1.0."""
    joined = b",".join(bytes(each) for each in tasks)
    rest = msgspec.json.encode({"nextPageToken": token, "pageSize": size, "totalSize": total})
    return b'{"tasks":[%b],%b' % (joined, rest[1:])
