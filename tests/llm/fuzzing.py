"""Damaged messages for fuzz tests: a valid one with one member replaced, doubled or removed, or with broken bytes."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

_LEAVES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "\ud83d",
    [],
    {},
    [None],
    ["x"],
    [{}],
    {"type": "text"},
    {"type": "x"},
    {"type": "tool_use"},
    {"url": 5},
    [[]],
    "fedgate1.e30=",
    "data:;base64,",
]


def _paths(value: Any, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _paths(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _paths(each, (*at, index))


def _replace(sample: Any, path: Path, value: Any) -> bytes:
    changed = copy.deepcopy(sample)
    *outer, last = path
    target = changed
    for step in outer:
        target = target[step]
    target[last] = value
    return json.dumps(changed).encode()


def damaged(sample: Any) -> st.SearchStrategy[bytes]:
    """The sample, damaged in one place."""
    whole = json.dumps(sample).encode()
    replaced = st.builds(_replace, st.just(sample), st.sampled_from(list(_paths(sample))), st.sampled_from(_LEAVES))
    cut = st.integers(0, len(whole)).map(lambda at: whole[:at])
    spoilt = st.tuples(st.integers(0, len(whole) - 1), st.binary(min_size=1, max_size=2)).map(
        lambda found: whole[: found[0]] + found[1] + whole[found[0] + 1 :]
    )
    return st.one_of(replaced, replaced, cut, spoilt, st.sampled_from([b"", b"[]", b"null", b"[" * 50_000]))
