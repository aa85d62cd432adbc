"""Pages hold every record once, whatever comes and goes meanwhile; an end reaches what hangs on a record."""

import asyncio

import pytest

from fedgate.console.filters import Filter, Wanted, position
from fedgate.console.paging import Book, Page
from fedgate.console.rows import Standing, mark_of
from fedgate.console.walk import SLICE
from fedgate.core.errors import NotFound
from fedgate.sessions.unsaved import Unsaved
from tests.console.kit import ALICE, BOB, Desk, Streams, two

pytestmark = pytest.mark.anyio

STANDING = Standing([two()])


async def pages(book: Book, wanted: Wanted) -> list[Page]:
    """All of them, by their cursors."""
    found = [await book.page(wanted, STANDING)]
    while (cursor := found[-1].next) is not None:
        found.append(await book.page(Wanted(wanted.filter, wanted.limit, position(cursor)), STANDING))
        assert len(found) < 100
    return found


async def test_an_empty_table_is_one_empty_page() -> None:
    assert await Book(Desk().table, plain=False).page(Wanted(), STANDING) == Page([], None, 0)


@pytest.mark.parametrize(("count", "limit", "sizes"), [(5, 2, [2, 2, 1]), (4, 2, [2, 2]), (3, 3, [3]), (3, 1000, [3])])
async def test_pages_are_full_until_the_last_and_hold_everything_once(count: int, limit: int, sizes: list[int]) -> None:
    desk = Desk()
    for _ in range(count):
        desk.session()  # all in one moment, so that their marks decide
    found = await pages(Book(desk.table, plain=False), Wanted(limit=limit))
    assert [len(page.sessions) for page in found] == sizes
    assert {page.total for page in found} == {count}
    assert {row.mark for page in found for row in page.sessions} == {mark_of(each) for each in desk.table.all()}


async def test_the_newest_stand_first_over_all_shelves() -> None:
    desk = Desk()
    marks: list[str] = []
    for number in range(6):
        made = desk.session() if number % 2 else desk.context(f"c{number}")
        marks.insert(0, mark_of(made))
        desk.clock.advance(1)
    desk.context("c0")  # used again: that changes no place
    found = await pages(Book(desk.table, plain=False), Wanted(limit=4))
    assert [row.mark for page in found for row in page.sessions] == marks


async def test_what_comes_and_goes_between_pages_moves_nothing() -> None:
    desk, book = Desk(), None
    records = []
    for _ in range(6):
        records.append(desk.session())
        desk.clock.advance(1)
    book = Book(desk.table, plain=False)
    first = await book.page(Wanted(limit=2), STANDING)
    desk.session()
    desk.table.end(records[4])
    desk.table.end(records[2])
    assert first.next is not None
    second = await book.page(Wanted(limit=9, after=position(first.next)), STANDING)
    assert [row.mark for row in second.sessions] == [mark_of(records[3]), mark_of(records[1]), mark_of(records[0])]


async def test_only_what_fits_is_counted_and_shown() -> None:
    desk = Desk()
    desk.session(ALICE)
    desk.session(BOB)
    desk.context("c1", BOB)
    page = await Book(desk.table, plain=True).page(Wanted(Filter(owner="bob", protocol="a2a")), STANDING)
    assert ([row.id for row in page.sessions], page.total) == (["c1"], 1)


async def test_a_large_table_is_walked_in_slices_between_which_others_have_their_turn() -> None:
    desk = Desk()
    for _ in range(SLICE * 3):
        desk.session()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.ensure_future(others())
    page = await Book(desk.table, plain=False).page(Wanted(limit=10), STANDING)
    running.cancel()
    assert page.total == SLICE * 3
    assert turns >= 3


# Ends.


async def test_ending_a_session_closes_its_streams_and_is_counted_as_an_administrators_act() -> None:
    desk = Desk()
    session = desk.session()
    session.attachment = streams = Streams()
    row, tasks = await Book(desk.table, plain=False).end(mark_of(session), STANDING)
    assert (row.mark, tasks, streams.over) == (mark_of(session), 0, True)
    assert desk.endings == [("mcp", "admin")]
    assert desk.table.find("mcp", session.id, ALICE) is None


async def test_ending_a_context_ends_its_tasks_and_nothing_else() -> None:
    desk = Desk()
    context = desk.context("c1")
    desk.task("t1", "c1")
    desk.task("t2", "c1", "TASK_STATE_COMPLETED", "finished")
    other = [desk.context("c2"), desk.task("t3", "c2"), desk.context("c1", agent="other")]
    _, tasks = await Book(desk.table, plain=False).end(mark_of(context), STANDING)
    assert tasks == 2
    assert {each.key for each in desk.table.all()} == {each.key for each in other}


async def test_ending_a_task_leaves_its_context() -> None:
    desk = Desk()
    context, task = desk.context("c1"), desk.task("t1", "c1")
    row, tasks = await Book(desk.table, plain=False).end(mark_of(task), STANDING)
    assert (row.kind, tasks) == ("task", 0)
    assert desk.table.all() == [context]


async def test_a_context_of_a_store_is_matched_with_its_tasks_by_its_digest() -> None:
    desk = Desk()
    desk.table.keep(Unsaved(desk.clock), [])
    context = desk.context("c1")
    context.id = ""  # as it was restored, and its owner has not shown it yet
    desk.task("t1", "c1")
    desk.task("t2", "c2")
    _, tasks = await Book(desk.table, plain=False).end(mark_of(context), STANDING)
    assert tasks == 1


@pytest.mark.parametrize("mark", ["", "x", "0" * 24, "0" * 10_000])
async def test_an_unknown_mark_ends_nothing(mark: str) -> None:
    desk = Desk()
    desk.session()
    with pytest.raises(NotFound, match="no session with this mark"):
        await Book(desk.table, plain=False).end(mark, STANDING)
    assert desk.endings == []


async def test_the_gateways_own_notes_cannot_be_ended() -> None:
    desk = Desk()
    record, _ = desk.table.claim("a2a.instance", "support/s1", "gateway:", "support/s1")
    with pytest.raises(NotFound):
        await Book(desk.table, plain=False).end(mark_of(record), STANDING)
