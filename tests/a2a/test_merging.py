"""a2a/merging.py: several instances' tasks are one list: complete, unique, latest first, whatever the pages."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.merging import Page, Spot, Task, Tokens, merge, page, result
from fedgate.core.rawjson import Raw


def task(number: int, second: int) -> Task:
    return Task(f"t{number}", f"2026-11-28T10:00:{second:02}Z", Raw(b'{"id":"t%d"}' % number))


class Replica:
    """Lists its tasks in pages of its own size; tokens are offsets."""

    def __init__(self, tasks: list[Task], size: int) -> None:
        self.tasks = sorted(tasks, key=lambda each: each.when, reverse=True)
        self.size = size

    def page(self, token: str) -> Page:
        start = int(token or 0)
        end = start + self.size
        return Page(tuple(self.tasks[start:end]), str(end) if end < len(self.tasks) else "")


def walk(replicas: dict[str, Replica], size: int, mine: dict[str, str]) -> list[str]:
    spots = {name: Spot() for name in replicas}
    found: list[str] = []
    for _ in range(1000):
        pages = {name: (spot, replicas[name].page(spot.token)) for name, spot in spots.items()}
        merged = merge(pages, size, lambda task: mine.get(task, ""))
        assert len(merged.tasks) <= size
        found += [msgspec.json.decode(raw)["id"] for raw in merged.tasks]
        spots = merged.spots
        if not spots:
            return found
    raise AssertionError("the list has no end")


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 59), st.booleans()), max_size=40),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_every_task_of_the_caller_comes_once_and_in_order(
    placed: list[tuple[int, int, bool]], theirs: int, ours: int
) -> None:
    tasks = [task(number, second) for number, (_, second, _) in enumerate(placed)]
    mine = {each.id: str(at) for each, (at, _, own) in zip(tasks, placed, strict=True) if own}
    replicas = {
        str(index): Replica([each for each, (at, _, _) in zip(tasks, placed, strict=True) if at == index], theirs)
        for index in range(3)
    }
    found = walk(replicas, ours, mine)
    when = {each.id: each.when for each in tasks}
    assert sorted(found) == sorted(mine)
    assert [when[each] for each in found] == sorted((when[each] for each in found), reverse=True)


def test_a_task_that_two_instances_know_comes_from_the_one_that_holds_it() -> None:
    replicas = {"a": Replica([task(1, 5)], 5), "b": Replica([task(1, 9), task(2, 4)], 5)}
    assert walk(replicas, 1, {"t1": "a", "t2": "b"}) == ["t1", "t2"]


def test_a_page_is_read_without_touching_its_tasks() -> None:
    raw = b'{"id":"a","status":{"timestamp":"2026","state":"X"},"odd": 1.0}'
    found = page(b'{"tasks":[%b,{"id":"b"}],"nextPageToken":"n","totalSize":9}' % raw)
    assert (found.next, found.tasks[0].when, bytes(found.tasks[0].raw), found.tasks[1].when) == ("n", "2026", raw, "")
    with pytest.raises(ValueError, match="Expected"):
        page(b'{"tasks":{}}')


def test_a_result_is_a_list_tasks_response() -> None:
    body = result([Raw(b'{"id":"a"}'), Raw(b'{"id":"b"}')], "next", 2, 7)
    assert body == b'{"tasks":[{"id":"a"},{"id":"b"}],"nextPageToken":"next","pageSize":2,"totalSize":7}'


def test_a_token_is_good_for_its_question_alone() -> None:
    tokens = Tokens()
    with pytest.raises(ValueError, match="not sealed here"):
        tokens.open(b"q", "abc")
    token = tokens.seal(b"alice", {"one#1": Spot("t", 3)})
    assert tokens.open(b"alice", token) == {"one#1": Spot("t", 3)}
    with pytest.raises(ValueError, match="for another question"):
        tokens.open(b"bob", token)
    with pytest.raises(ValueError, match="not sealed here"):
        Tokens().open(b"alice", token)
    with pytest.raises(ValueError, match="not sealed here"):
        tokens.open(b"alice", token[:-4] + "AAAA")
