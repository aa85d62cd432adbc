"""federation/uris.py: a URI that was exposed finds its way back, and is the same wherever it stands."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared.uri_template import UriTemplate

from fedgate.federation.uris import (
    MAX_EXPANSION,
    MAX_GAPS,
    Expansions,
    expose,
    map_item,
    map_params,
    map_result,
    split,
    unchanged,
)

from .fakes import dump, raws

SERVERS = frozenset({"a", "ab", "a-b", "ui", "http", "notes"})
URIS = st.one_of(
    st.sampled_from(
        [
            "file:///x",
            "ui://app/main.html",
            "ui://a+app",
            "ui://",
            "urn:isbn:1",
            "mailto:a+b@c",
            "a+file:///x",
            "memo://{id}/{+path}{?q*}",
            "{+path}",
            "{scheme}://x",
            "+",
            "",
            "HTTP://X",
            "httpx://x",
        ]
    ),
    st.text(),
)
WEB = st.sampled_from(["http://x", "https://x/{path}", "https://a+b/c", "http://"])


def notes(uri: str) -> str:
    return expose("notes", uri)


@given(st.sampled_from(sorted(SERVERS)), URIS.filter(lambda uri: not uri.startswith(("http://", "https://"))))
@settings(deadline=None)
def test_what_was_exposed_is_split_into_its_server_and_its_own_uri(server: str, uri: str) -> None:
    assert split(expose(server, uri), SERVERS) == (server, uri)


@given(st.sampled_from(sorted(SERVERS)), WEB)
@settings(deadline=None)
def test_a_web_address_stays_as_it_is_and_belongs_to_nobody_by_itself(server: str, uri: str) -> None:
    assert expose(server, uri) == uri
    assert split(uri, SERVERS) is None


@pytest.mark.parametrize(
    ("uri", "exposed"),
    [
        ("file:///x", "notes+file:///x"),
        ("ui://app/main.html", "ui://notes+app/main.html"),
        ("memo://{id}", "notes+memo://{id}"),
        ("https://x", "https://x"),
        ("HTTPS://x", "notes+HTTPS://x"),
    ],
)
def test_the_prefix_stands_where_the_scheme_allows_it(uri: str, exposed: str) -> None:
    assert expose("notes", uri) == exposed
    assert unchanged(uri) == uri


@pytest.mark.parametrize(
    "uri", ["file:///x", "other+file:///x", "ui://app", "ui://other+app", "+x", "", "Notes+x", "ui:notes+x"]
)
def test_a_uri_without_the_prefix_of_a_known_server_is_not_split(uri: str) -> None:
    assert split(uri, SERVERS) is None


def mapped(method: str, result: Any) -> Any:
    return json.loads(map_result(method, dump(result), notes))


def test_links_and_embedded_resources_of_a_tool_result_are_rewritten() -> None:
    link = {"type": "resource_link", "uri": "file:///x", "name": "x", "vendor": {"uri": "file:///kept"}}
    embedded = {"type": "resource", "resource": {"uri": "ui://x", "text": "uri", "_meta": {"uri": "file:///kept"}}}
    others = [
        {"type": "text", "text": "file:///x", "uri": "file:///kept"},
        {"type": "vendor/new", "uri": "file:///kept"},
    ]
    result = {"content": [link, embedded, *others], "structuredContent": {"uri": "file:///kept"}, "x": [1]}
    assert mapped("tools/call", result) == {
        **result,
        "content": [
            {**link, "uri": "notes+file:///x"},
            {**embedded, "resource": {**embedded["resource"], "uri": "ui://notes+x"}},  # type: ignore[dict-item]
            *others,
        ],
    }


def test_the_app_of_a_tool_is_rewritten_in_both_spellings() -> None:
    meta = {"ui": {"resourceUri": "ui://app", "visibility": ["model"]}, "ui/resourceUri": "ui://app", "x": 1}
    assert mapped("tools/call", {"content": [], "_meta": meta}) == {
        "content": [],
        "_meta": {
            "ui": {"resourceUri": "ui://notes+app", "visibility": ["model"]},
            "ui/resourceUri": "ui://notes+app",
            "x": 1,
        },
    }
    assert mapped("tools/call", {"_meta": {"ui": "resourceUri"}}) == {"_meta": {"ui": "resourceUri"}}
    assert mapped("tools/call", {"_meta": ["resourceUri"]}) == {"_meta": ["resourceUri"]}


@pytest.mark.parametrize("many", [True, False])
def test_prompt_messages_are_rewritten_whether_their_content_is_one_block_or_many(many: bool) -> None:
    def messages(uri: str) -> dict[str, Any]:
        block = {"type": "resource", "resource": {"uri": uri, "text": "t"}}
        return {
            "description": "uri",
            "messages": [{"role": "user", "content": [block] if many else block}, {"role": "x"}],
        }

    assert mapped("prompts/get", messages("file:///x")) == messages("notes+file:///x")


def test_contents_that_were_read_are_rewritten_with_their_apps() -> None:
    def contents(uri: str, app: str) -> dict[str, Any]:
        return {"contents": [{"uri": uri, "blob": "AA==", "_meta": {"ui": {"resourceUri": app}}}, {"text": "uri"}]}

    assert mapped("resources/read", contents("file:///x", "ui://y")) == contents("notes+file:///x", "ui://notes+y")


@pytest.mark.parametrize("method", ["tools/call", "prompts/get", "resources/read"])
def test_a_question_instead_of_a_result_gets_no_members_of_ours(method: str) -> None:
    asked = {"resultType": "input_required", "inputRequests": {"k": {"method": "elicitation/create", "uri": "x"}}}
    assert mapped(method, asked) == asked


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("tools/call", b'{"content": [ {"type":"text","text":"no links"} ] }'),
        ("completion/complete", b'{"completion": {"values": ["uri"]} }'),
        ("tools/call", b'{"content": "uri" '),
        ("tools/call", b'{"content": [{"type":"resource_link","uri":1}, "uri", "resourceUri"]}x'),
        ("prompts/get", b'{"messages": "uri"}'),
        ("prompts/get", b'{"messages": ["uri"]}'),
        ("resources/read", b'{"contents": {"uri": "x"}}'),
        ("resources/read", b'["uri"]'),
    ],
)
def test_what_has_nothing_to_rewrite_or_another_shape_passes_byte_for_byte(method: str, result: bytes) -> None:
    assert map_result(method, result, notes) == result


def test_a_link_whose_uri_is_no_string_passes() -> None:
    odd = {"content": [{"type": "resource_link", "uri": 1}, {"type": "resource", "resource": "uri"}, "uri", 7]}
    assert mapped("tools/call", odd) == odd


def test_numbers_and_escapes_of_a_rewritten_result_keep_their_bytes() -> None:
    result = b'{"x": 1.50e2, "content":[{"type":"resource_link","uri":"a:b","n":"\\u0041"}]}'
    assert map_result("tools/call", result, notes) == (
        b'{"x":1.50e2,"content":[{"type":"resource_link","uri":"notes+a:b","n":"\\u0041"}]}'
    )


def test_list_items_are_rewritten_in_place() -> None:
    members = raws({"uriTemplate": "memo://{id}", "name": "uri", "_meta": {"ui/resourceUri": "ui://a"}})
    map_item(members, notes)
    assert {key: json.loads(bytes(member)) for key, member in members.items()} == {
        "uriTemplate": "notes+memo://{id}",
        "name": "uri",
        "_meta": {"ui/resourceUri": "ui://notes+a"},
    }


def test_the_uri_of_a_notification_is_rewritten() -> None:
    assert json.loads(map_params(b'{"uri": "file:///x", "y": 1}', notes)) == {"uri": "notes+file:///x", "y": 1}
    assert json.loads(map_params(b'{"y": 1}', notes)) == {"y": 1}
    with pytest.raises(ValueError, match="not a JSON object"):
        map_params(b"[]", notes)


EXPRESSIONS = st.builds(
    "{{{}{}{}}}".format,
    st.sampled_from(["", "+", "#", ".", "/", ";", "?", "&"]),
    st.sampled_from("ab"),
    st.sampled_from(["", "*"]),
)
TEMPLATES = st.lists(st.sampled_from(["x", "/", "memo://", "xx", "?", "#", "%20", "é"]) | EXPRESSIONS, max_size=8).map(
    "".join
)
WORDS = st.text(alphabet="x/?#é &=", max_size=4)


@given(TEMPLATES, st.dictionaries(st.sampled_from("ab"), WORDS | st.lists(WORDS, max_size=3)))
@settings(deadline=None)
def test_a_template_matches_whatever_it_expands_to(template: str, variables: dict[str, str | list[str]]) -> None:
    try:
        parsed = UriTemplate.parse(template)
    except ValueError:
        return
    assert Expansions(template).fullmatch(parsed.expand(variables))


@given(TEMPLATES.filter(lambda template: "{{" not in template), st.text(alphabet="x/?#", max_size=12))
@settings(deadline=None)
def test_a_template_matches_what_the_same_gaps_in_a_regular_expression_would(template: str, uri: str) -> None:
    parts = re.split(r"(\{[^{}]*\})", template)
    gaps = ["[^/?#]*" if part[1:2].isalpha() else ".*" for part in parts[1::2]]
    pattern = "".join(re.escape(literal) + gap for literal, gap in zip(parts[::2], [*gaps, ""], strict=True))
    assert Expansions(template).fullmatch(uri) is (re.fullmatch(pattern, uri) is not None)


@pytest.mark.parametrize(
    ("template", "uri", "matches"),
    [
        ("memo://{id}", "memo://1", True),
        ("memo://{id}", "memo://", True),
        ("memo://{id}", "memo://1/x", False),
        ("memo://{id}", "Memo://1", False),
        ("memo://{id}/comments", "memo://1/comments", True),
        ("memo://{id}/comments", "memo://1", False),
        ("file:///{+path}", "file:///a/b/c?d", True),
        ("{scheme}://{+rest}", "any://thing/at all", True),
        ("a{?q}", "a?q=1", True),
        ("plain", "plain", True),
        ("plain", "plain2", False),
        ("", "", True),
        ("{a}{b}", "xy", True),
        ("{a}{+b}", "x/y", True),
        ("un{closed", "un{closed", True),
        ("a.b{x}", "aXb", False),
    ],
)
def test_a_gap_without_an_operator_stops_where_a_segment_ends(template: str, uri: str, matches: bool) -> None:
    assert Expansions(template).fullmatch(uri) is matches


def test_no_template_and_no_uri_take_long_together() -> None:
    for gap in ("{a}", "{+a}"):
        hostile = Expansions((gap + "x") * MAX_GAPS)
        assert not hostile.fullmatch("x" * (MAX_EXPANSION - 1) + "/")
        assert hostile.fullmatch("x" * MAX_EXPANSION)


@pytest.mark.parametrize(
    ("template", "uri", "matches"),
    [
        ("memo://{id}", "memo://" + "x" * MAX_EXPANSION + "/y", True),
        ("memo://{id}", "other://" + "x" * MAX_EXPANSION, False),
        ("memo://" + "{a}x" * (MAX_GAPS + 1), "memo://no", True),
        ("memo://" + "{a}x" * (MAX_GAPS + 1), "other://", False),
        ("memo://{a}" + "x" * MAX_EXPANSION, "memo://no", True),
        ("x" * (MAX_EXPANSION + 1), "x", False),
    ],
)
def test_beyond_the_limits_the_beginning_decides(template: str, uri: str, matches: bool) -> None:
    assert Expansions(template).fullmatch(uri) is matches
