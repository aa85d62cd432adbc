import base64
from threading import Event
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.federation.openapi_document import Document
from fedgate.federation.openapi_encode import BadArgument
from fedgate.federation.openapi_request import MAX_PATH
from fedgate.federation.openapi_tools import Operation
from fedgate.federation.openapi_yaml import parse_yaml
from tests.federation.openapi_kit import BASE, PETSTORE, document, only, parameter, sent, tools, with_body


def operation(*parameters: Any, path: str = "/x", base: str = BASE, headers: tuple[str, ...] = ()) -> Operation:
    choice = {"base_url": base, "headers": frozenset(headers)}
    return only({"parameters": list(parameters)}, path, choice=choice)[1]


def at(name: str, **more: Any) -> dict[str, Any]:
    return parameter(name, "path", **more)


def test_arguments_go_where_their_parameters_stand() -> None:
    found = operation(
        at("id"), parameter("q"), parameter("X-Trace", "header"), parameter("sid", "cookie"),
        parameter("b", "cookie"), path="/things/{id}/x",
    )  # fmt: skip
    made = sent(found, {"id": "a b", "q": [1, "&"], "X-Trace": "t é", "sid": "s;1", "b": 2})
    assert (made.method, made.path, made.body) == ("GET", "/v1/things/a%20b/x?q=1&q=%26", b"")
    assert dict(made.headers) == {
        b"accept": b"application/json, */*;q=0.1",
        b"user-agent": b"test/1",
        b"x-trace": "t é".encode(),
        b"cookie": b"sid=s%3B1; b=2",
    }


def test_what_is_absent_or_null_is_not_sent() -> None:
    found = operation(parameter("q"), parameter("X-A", "header"), parameter("c", "cookie"))
    assert sent(found, {"q": None}).path == "/v1/x"
    assert {name for name, _ in sent(found, {"X-A": None, "c": None}).headers} == {b"accept", b"user-agent"}


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("http://h", "/a?q=1"),
        ("http://h/", "/a?q=1"),
        ("http://h/v1/", "/v1/a?q=1"),
        ("http://h/v1/x?key=k", "/v1/x/a?q=1&key=k"),
        ("http://h/bot%20x", "/bot%20x/a?q=1"),
    ],
)
def test_the_path_and_query_of_base_url_are_kept(base: str, path: str) -> None:
    assert sent(operation(parameter("q"), path="/a", base=base), {"q": 1}).path == path


def test_a_template_may_have_a_query_several_names_and_odd_characters() -> None:
    found = operation(at("a"), at("b c"), parameter("q"), path="/x y/{a}.{b c}?fixed=1&v={a}#frag")
    assert sent(found, {"a": "1?", "b_c": "2", "q": 3}).path == "/v1/x%20y/1%3F.2?fixed=1&v=1%3F&q=3"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "missing: id, q"),
        ({"id": None, "q": 1}, "missing: id"),
        ({"id": "1"}, "missing: q"),
        ({"id": "1", "q": 1, "z": 2}, "there is no argument 'z'; there are: id, q"),
        ({"id": "", "q": 1}, "id must not be empty"),
        ({"id": [], "q": 1}, "id must not be empty"),
        ({"id": ".", "q": 1}, "id must not have . or .. between slashes"),
        ({"id": "..", "q": 1}, "id must not have"),
        ({"id": "a/../b", "q": 1}, "id must not have"),
        ({"id": "a\\..\\b", "q": 1}, "id must not have"),
        ({"id": "../admin", "q": 1}, "id must not have"),
        ({"id": "x" * MAX_PATH, "q": 1}, "a URL of more than 65536 characters"),
    ],
)
def test_arguments_that_make_no_request_are_refused_in_words(arguments: dict[str, Any], said: str) -> None:
    found = operation(at("id"), parameter("q", required=True), path="/x/{id}")
    with pytest.raises(BadArgument) as caught:
        sent(found, arguments)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["v1..v2", "...", "a/b", ".hidden", "src/.git", "%2e%2e", "a%2fb"])
def test_values_that_only_look_like_steps_are_fine(value: str) -> None:
    path = sent(operation(at("id"), path="/x/{id}"), {"id": value}).path
    assert unquote(path.removeprefix("/v1/x/")) == value
    assert path.count("/") == 3


def test_two_values_cannot_make_a_step_together() -> None:
    found = operation(at("a", style="label"), at("b"), path="/x/{a}{b}/y")
    with pytest.raises(BadArgument, match=r"must not have|segment \. or \.\."):
        sent(found, {"a": "", "b": "."})
    with pytest.raises(BadArgument, match="must not"):
        sent(operation(at("a"), path="/x/.{a}/y"), {"a": "."})


def test_a_template_with_a_step_is_never_called() -> None:
    with pytest.raises(BadArgument, match="a path with the segment"):
        sent(operation(path="/x/../y"), {})


def test_the_manifests_headers_are_laid_over_everything() -> None:
    found = operation(parameter("X-A", "header"), parameter("c", "cookie"))
    made = sent(found, {"X-A": "mine", "c": "mine"}, x_a="fixed", cookie="fixed=1", accept="x/y", user_agent="u")
    assert dict(made.headers) == {b"x-a": b"fixed", b"cookie": b"fixed=1", b"accept": b"x/y", b"user-agent": b"u"}
    assert len(made.headers) == 4


def test_an_exploded_object_cannot_set_what_base_url_fixes() -> None:
    found = operation(parameter("any", schema={"type": "object"}), base=f"{BASE}?key=k")
    assert sent(found, {"any": {"a": 1}}).path == "/v1/x?a=1&key=k"
    assert "key=x" not in unquote(sent(found, {"any": {"k%65y": "x"}}).path)
    with pytest.raises(BadArgument, match="the query parameter key is set by the gateway"):
        sent(found, {"any": {"key": "x"}})


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\x00b", "\x7f"])
def test_a_header_cannot_be_ended_by_a_value(value: str) -> None:
    with pytest.raises(BadArgument, match="X-A must not have line breaks or control characters"):
        sent(operation(parameter("X-A", "header")), {"X-A": value})


def test_bodies_have_their_content_type() -> None:
    _, found = only(with_body({"application/json": {"schema": {"type": "array"}}}), method="delete")
    made = sent(found, {"body": [1]})
    assert (made.method, made.body) == ("DELETE", b"[1]")
    assert dict(made.headers)[b"content-type"] == b"application/json"
    fixed = dict(sent(found, {"body": [1]}, content_type="application/vnd.x+json").headers)
    assert fixed[b"content-type"] == b"application/vnd.x+json"


def test_the_boundary_of_a_multipart_form_is_the_bodys_own() -> None:
    _, found = only(with_body({"multipart/form-data": {"schema": {"properties": {"a": {}}}}}), method="post")
    headers = dict(sent(found, {"a": 1}, content_type="application/json").headers)
    assert headers[b"content-type"].startswith(b"multipart/form-data; boundary=")


def test_without_a_body_there_is_no_content_type() -> None:
    schema: Any = {"properties": {"a": {}}}
    _, found = only(with_body({"application/json": {"schema": schema}}, required=False), method="post")
    assert b"content-type" not in dict(sent(found, {}).headers)


def test_the_whole_petstore_is_called_as_it_says() -> None:
    found = tools(Document(parse_yaml(PETSTORE.read_text(), Event()))).operations
    listing = sent(
        found["listPets"], {"X-Tenant": "t", "filter_tag": ["a", "b"], "sort": ["x", "y"], "where": {"age": 3}}
    )
    assert listing.path == "/v1/pets?filter%5Btag%5D=a&filter%5Btag%5D=b&sort=x,y&where%5Bage%5D=3"
    assert sent(found["addPet"], {"X-Tenant": "t", "name": "Rex", "tag": None}).body == b'{"name":"Rex","tag":null}'
    assert sent(found["setPhoto"], {"petId": 7, "body": base64.b64encode(b"\x89PNG").decode()}).body == b"\x89PNG"
    search = sent(found["search"], {"q": "a b", "in": ["x"], "range": {"from": 1}, "raw": {"z": 1}})
    assert search.body == b"q=a%20b&in=x&range%5Bfrom%5D=1&raw=%7B%22z%22%3A1%7D"
    with pytest.raises(BadArgument, match="X-Tenant, name"):
        sent(found["addPet"], {})


ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=10),
    st.lists(st.text(max_size=4), max_size=3), st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
)  # fmt: skip
DOTS = st.text(alphabet="./\\%2eE?#;&=", max_size=8)


@given(st.sampled_from(["simple", "label", "matrix"]), st.booleans(), ANY | DOTS, ANY | DOTS)
@settings(deadline=None)
def test_no_argument_leaves_its_segment(style: str, explode: bool, one: Any, two: Any) -> None:
    found = tools(
        document({"/a/{one}/b/{two}/c": {"get": {"operationId": "op", "parameters": [
            at("one", style=style, explode=explode), at("two")]}}})
    ).operations["op"]  # fmt: skip
    try:
        path = sent(found, {"one": one, "two": two}).path
    except BadArgument:
        return
    parts = urlsplit(f"http://h{path}")
    assert (parts.query, parts.fragment) == ("", "")
    segments = parts.path.split("/")
    assert (segments[:3], segments[4], segments[6:]) == (["", "v1", "a"], "b", ["c"])
    assert all(unquote(segment) not in ("", ".", "..") for segment in segments[1:])
