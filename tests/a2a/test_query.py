"""a2a/query.py: a query says its version and context once, and the rest goes on as it was written."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.errors import A2aError
from fedgate.a2a.operations import MAX_ID, Route, of_route
from fedgate.a2a.query import MAX_PAIRS, Query, read_query, version_in


def route(method: str, path: str) -> Route:
    found = of_route(method, path)
    assert found is not None
    return found


LIST = route("GET", "/tasks")
GET = route("GET", "/tasks/t-1")
CONFIG = route("GET", "/tasks/t-1/pushNotificationConfigs/c-1")
SEND = route("POST", "/message:send")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", Query()),
        (b"contextId=c-1", Query("", "c-1", "contextId=c-1")),
        (b"context_id=c%20d&pageSize=5", Query("", "c d", "context_id=c%20d&pageSize=5")),
        (b"contextId=a+b", Query("", "a b", "contextId=a+b")),
        (b"context%49d=c", Query("", "c", "context%49d=c")),
        (b"contextId=", Query("", "", "contextId=")),
        (b"contextId", Query("", "", "contextId")),
        (b"A2A-Version=1.0", Query("1.0", "", "")),
        (b"pageSize=5&A2A-Version=1.0&x=%zz&&y", Query("1.0", "", "pageSize=5&x=%zz&&y")),
        (b"a2a-version=0.3&A2A%2DVersion=0.3", Query("0.3", "", "")),
        (b"A2A-Version=&x=1", Query("", "", "x=1")),
        (
            b"status=TASK_STATE_WORKING&q=a/b?c:d@e!$'()*,|",
            Query("", "", "status=TASK_STATE_WORKING&q=a/b?c:d@e!$'()*,|"),
        ),
    ],
)
def test_a_query_is_read_and_passed_on(raw: bytes, found: Query) -> None:
    assert read_query(raw, LIST) == found


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"contextId=a&contextId=b",
            b"contextId=a&contextId=a",
            b"contextId=a&context_id=b",
            b"contextId=&contextId=b",
        ),
        *(b"contextid=a", b"ContextId=a", b"CONTEXT_ID=a", b"x.contextId=a", b"context%49D=a", b"context__id=a"),
        *(b"contextId=%00", b"contextId=" + b"a" * (MAX_ID + 1), b"id=t", b"taskId=t", b"name=t", b"filter.name=t"),
    ],
)
def test_ids_of_a_list_stand_in_one_place(raw: bytes) -> None:
    with pytest.raises(A2aError) as caught:
        read_query(raw, LIST)
    assert caught.value.code == -32602


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        *((b"id=t-2", GET), (b"taskId=t-2", GET), (b"task_id=t-2", GET), (b"name=t-1", GET), (b"contextId=c", GET)),
        *((b"id=t-1", CONFIG), (b"taskId=c-1", CONFIG), (b"message.contextId=c", SEND), (b"id=t-1", SEND)),
        *((b"taskId=", GET), (b"contextId=", SEND)),
    ],
)
def test_ids_of_a_path_do_not_stand_in_the_query_too(raw: bytes, place: Route) -> None:
    with pytest.raises(A2aError) as caught:
        read_query(raw, place)
    assert caught.value.code == -32602


@pytest.mark.parametrize(
    ("raw", "place"),
    [(b"id=t-1", GET), (b"taskId=t-1", GET), (b"taskId=t-1&id=c-1", CONFIG), (b"historyLength=5", GET)],
)
def test_the_same_id_again_does_no_harm(raw: bytes, place: Route) -> None:
    assert read_query(raw, place).rest == raw.decode()


@pytest.mark.parametrize(
    "raw",
    [
        *(b"a=1;contextId=b", b"a b", b"a#b", b"a\\b", b"a=\xc3\xa9", b"a=\x00", b"a=\n", b"%FF=1", b"a=%C3"),
        *(b"A2A-Version=1.0&A2A-Version=0.3", b"&" * MAX_PAIRS),
    ],
)
def test_a_query_that_readers_take_apart_differently_is_refused(raw: bytes) -> None:
    for read in (lambda: read_query(raw, LIST), lambda: version_in(raw)):
        with pytest.raises(A2aError) as caught:
            read()
        assert caught.value.code == -32600


def test_the_version_alone_can_be_asked_for() -> None:
    assert version_in(b"") == version_in(b"x=1&contextid=odd") == ""
    assert version_in(b"x=1&A2A-Version=1.0") == "1.0"


@given(st.binary(max_size=60) | st.from_regex(rb"((context_?[iI]d|id|A2A-Version)=[a-c%0-9]{0,4}&?){1,4}"))
def test_any_query_is_read_or_refused(raw: bytes) -> None:
    for place in (LIST, GET, CONFIG, SEND):
        with suppress(A2aError):
            assert isinstance(read_query(raw, place), Query)
    with suppress(A2aError):
        version_in(raw)
