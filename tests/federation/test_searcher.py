import asyncio

import pytest

from fedgate.core.tasks import Tasks
from fedgate.federation.offers import Offer, Offers
from fedgate.federation.search import Query
from fedgate.federation.searcher import Searcher
from tests.federation.fakes import dump, item

pytestmark = pytest.mark.anyio


def tools(*names: str) -> Offers:
    return {name: Offer("s", item("tools/list", name), dump({"name": name})) for name in names}


async def test_before_anything_was_offered_nothing_is_found() -> None:
    assert await Searcher(Tasks("t")).find(Query("add")) == ([], 0)


async def test_a_search_right_after_an_offer_sees_it() -> None:
    tasks = Tasks("t")
    searcher = Searcher(tasks)
    searcher.offer(tools("add"))
    assert (await searcher.find(Query("add"))).names == ["add"]
    searcher.offer(tools("add", "add_all"))
    searcher.offer(tools("remove"))
    assert await searcher.find(Query("add")) == ([], 0)
    assert (await searcher.find(Query("remove"))).names == ["remove"]
    await tasks.aclose()
    searcher.close()


async def test_many_searches_wait_for_one_index() -> None:
    tasks = Tasks("t")
    searcher = Searcher(tasks)
    searcher.offer(tools(*(f"tool_{n}" for n in range(500))))
    async with asyncio.timeout(10):
        found = await asyncio.gather(*(searcher.find(Query(f"tool {n}", limit=1)) for n in range(20)))
    assert all(each.total == 500 for each in found)
    await tasks.aclose()
    searcher.close()


async def test_a_search_that_is_given_up_disturbs_nobody() -> None:
    tasks = Tasks("t")
    searcher = Searcher(tasks)
    searcher.offer(tools(*(f"tool_{n}" for n in range(500))))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await searcher.find(Query("tool"))
    assert (await searcher.find(Query("tool"))).total == 500
    await tasks.aclose()
    searcher.close()


async def test_closing_in_the_middle_of_building_leaves_nothing_open() -> None:
    tasks = Tasks("t")
    searcher = Searcher(tasks)
    searcher.offer(tools(*(f"tool_{n}" for n in range(500))))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await searcher.find(Query("tool"))
    await tasks.aclose()
    searcher.close()
    searcher.offer(tools("late"))
    assert await searcher.find(Query("late")) == ([], 0)
