from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.federation.offers import Offer, Offers
from fedgate.federation.search import Query
from fedgate.federation.search_index import Index
from tests.federation.fakes import dump, item


def offer(server: str, name: str, description: str = "", title: str = "", **arguments: str) -> Offer:
    properties = {key: {"type": "string", "description": about} for key, about in arguments.items()}
    tool = {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}
    return Offer(server, item("tools/list", name), dump({**tool, **({"title": title} if title else {})}))


TOOLS: Offers = {
    "github__create_issue": offer("github", "create_issue", "Open a new issue in a repository.", labels="Tags"),
    "github__listPullRequests": offer("github", "listPullRequests", "Every PR of a repository, newest first."),
    "github__getHTTPStatus": offer("github", "getHTTPStatus", "Is the site up?"),
    "files__read": offer("files", "read", "Read a file and return its text.", path="Absolute path of the document"),
    "files__delete": offer("files", "delete", "Remove a file for good. Mentions an issue once."),
    "crm__search-kunden": offer("crm", "search-kunden", "Findet Kunden über Namen.", title="Customer search"),
    "wiki__search_pages": offer("wiki", "search_pages", "在维基中搜索页面并返回结果"),
    "wiki__secret": Offer("wiki", item("tools/list", "secret"), dump({"name": "wiki__secret"}), "withheld"),
}  # fmt: skip


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    made = Index(TOOLS.items())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("create issue", "github__create_issue"),
        ("creating issues", "github__create_issue"),  # stems
        ("issue", "github__create_issue"),  # a name weighs more than a description
        ("create_issue", "github__create_issue"),
        ("createIssue", "github__create_issue"),
        ("github__create_issue", "github__create_issue"),
        ("list pull requests", "github__listPullRequests"),
        ("pull", "github__listPullRequests"),
        ("http status", "github__getHTTPStatus"),
        ("gethttpst", "github__getHTTPStatus"),  # the beginning of a name
        ("read the text of a document", "files__read"),
        ("absolute path", "files__read"),  # what is said of arguments
        ("labels", "github__create_issue"),  # names of arguments
        ("customer", "crm__search-kunden"),  # a title
        ("uber namen", "crm__search-kunden"),  # marks do not matter
        ("搜索页面", "wiki__search_pages"),
        ("页面", "wiki__search_pages"),
    ],
)
def test_words_find_the_tool_that_was_meant(index: Index, words: str, first: str) -> None:
    assert index.find(Query(words)).names[0] == first


def test_any_of_the_words_is_enough_and_all_matches_are_counted(index: Index) -> None:
    found = index.find(Query("issue file", limit=2))
    assert len(found.names) == 2
    assert found.total == 3


def test_one_server_can_be_searched_alone(index: Index) -> None:
    assert index.find(Query("issue", server="files")).names == ["files__delete"]
    assert index.find(Query("", server="files")) == (["files__read", "files__delete"], 2)
    assert index.find(Query("issue", server="%")) == ([], 0)


def test_a_server_is_found_by_its_name(index: Index) -> None:
    assert set(index.find(Query("github")).names) == {name for name in TOOLS if name.startswith("github")}


def test_without_words_tools_come_in_order(index: Index) -> None:
    names = [name for name in TOOLS if name != "wiki__secret"]
    assert index.find(Query(" ", limit=3)) == (names[:3], len(names))


@pytest.mark.parametrize("words", ["zzz", "?!", "-", '"', "a", "的"])
def test_words_that_nothing_has_find_nothing(index: Index, words: str) -> None:
    assert index.find(Query(words)) == ([], 0)


def test_common_words_count_only_if_there_are_no_others(index: Index) -> None:
    assert index.find(Query("the text")).names == ["files__read"]
    assert index.find(Query("is the")).total > 0


def test_a_withheld_tool_is_not_found(index: Index) -> None:
    assert index.find(Query("secret")) == ([], 0)


@pytest.mark.parametrize(
    "words",
    ['" OR name:*', "name:read", "read NOT file", "NEAR(read file)", "{name} : x", "^read", "read*", "a AND b",
     "'; DROP TABLE tools; --", "read + file", "\\", "\0", "read\0file", "(", ")", '"unclosed'],
)  # fmt: skip
def test_no_query_language_is_reachable(index: Index, words: str) -> None:
    found = index.find(Query(words))
    assert set(found.names) <= set(TOOLS)
    assert index.find(Query("read file")).names[0] == "files__read"


@given(st.text(max_size=60), st.text(max_size=10), st.integers(1, 25))
def test_any_text_can_be_looked_for(index: Index, words: str, server: str, limit: int) -> None:
    found = index.find(Query(words, server, limit))
    assert len(found.names) <= min(limit, found.total)


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_tool_can_be_indexed(name: str, description: str) -> None:
    index = Index([("x", offer("s", name, description))])
    assert index.find(Query()).total == 1
    index.close()


def test_schemas_of_any_shape_can_be_indexed() -> None:
    shapes: list[object] = [None, 5, [], {}, {"properties": []}, {"properties": {"a": True, "b": {"description": 5}}}]
    tools = {
        f"t{n}": Offer("s", item("tools/list", f"t{n}"), dump({"name": f"t{n}", "inputSchema": shape}))
        for n, shape in enumerate(shapes)
    }
    index = Index(tools.items())
    assert index.find(Query()).total == len(shapes)
    index.close()


def test_a_very_long_query_is_cut() -> None:
    index = Index(TOOLS.items())
    assert index.find(Query(" ".join(f"word{n}" for n in range(500)) + " issue")).total >= 0
    assert index.find(Query("x" * 100_000)) == ([], 0)
    index.close()
