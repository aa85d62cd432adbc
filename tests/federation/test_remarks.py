from collections.abc import Mapping

from fedgate.federation.catalog import Catalog, build
from fedgate.federation.listing import Listing
from fedgate.federation.remarks import Remarks
from fedgate.federation.views import Edit, View
from tests.federation.fakes import tools

MANY = tools(*(f"a_tool_with_a_long_name_{n}" for n in range(100)))


def catalog(view: View, **listings: Listing | None) -> Catalog:
    known: Mapping[str, Listing | None] = listings
    return build(known, view)


def test_a_collision_is_told_at_once_and_once() -> None:
    remarks = Remarks(0)
    found = catalog(View("never"), a=tools("x"), b=tools("x"))
    said = ["tool 'x' of b is hidden: a has that name already"]
    assert remarks.news("", found, settled=False) == said
    assert remarks.news("", found, settled=True) == []
    assert remarks.news("coding", found, settled=True) == [f"profile coding: {said[0]}"]


def test_what_went_away_is_told_again_when_it_returns() -> None:
    remarks = Remarks(0)
    clash, none = catalog(View("never"), a=tools("x"), b=tools("x")), catalog(View("never"), a=tools("x"))
    said = [len(remarks.news("", each, settled=True)) for each in (clash, none, clash)]
    assert said == [1, 0, 1]


def test_an_override_of_nothing_is_told_with_the_nearest_name_once_all_servers_are_known() -> None:
    view = View(edits={"notes__ad": Edit(title="x")})
    remarks = Remarks(0)
    assert remarks.news("coding", catalog(view, notes=tools("add")), settled=False) == []
    assert remarks.news("coding", catalog(view, notes=tools("add"), time=None), settled=True) == []
    assert remarks.news("coding", catalog(view, notes=tools("add")), settled=True) == [
        'profile coding: there is no tool "notes__ad" to override; did you mean "notes__add"?'
    ]


def test_an_expensive_list_is_told_with_what_to_do() -> None:
    remarks = Remarks(500)
    found = catalog(View(), notes=MANY)
    assert remarks.news("", found, settled=False) == []
    assert remarks.news("", found, settled=True) == [
        f"the 100 tools of /mcp cost every conversation about {found.tokens:,} tokens, more than mcp.warn_tokens "
        '(500); offer fewer with mcp.profiles, or set "search: on" below mcp'
    ]
    assert remarks.news("coding", found, settled=True)[0].startswith("the 100 tools of /mcp/coding cost")


def test_a_list_that_only_grows_dearer_is_told_once() -> None:
    remarks = Remarks(10)
    assert len(remarks.news("", catalog(View(), notes=tools("a")), settled=True)) == 1
    assert remarks.news("", catalog(View(), notes=MANY), settled=True) == []


def test_a_limit_of_nothing_is_none_and_a_searched_catalog_is_cheap() -> None:
    assert Remarks(0).news("", catalog(View(), notes=MANY), settled=True) == []
    assert Remarks(500).news("", catalog(View(search="on"), notes=MANY), settled=True) == []
