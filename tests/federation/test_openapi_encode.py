import base64
import json
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.rawjson import fields
from fedgate.federation.openapi_body import Body, Kind, Part
from fedgate.federation.openapi_encode import BadArgument, encoded
from fedgate.federation.openapi_style import Style

MEDIA: dict[Kind, str] = {
    "json": "application/json", "form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data",
    "text": "text/plain", "binary": "image/png",
}  # fmt: skip
PNG = b"\x89PNG\r\n--x"


def spread(kind: Kind, arguments: dict[str, Any], parts: dict[str, Part] | None = None) -> tuple[str, bytes]:
    body = Body(kind, MEDIA[kind], "", frozenset(arguments), parts or {}, True)
    found = encoded(body, fields(json.dumps(arguments).encode()))
    assert found is not None
    return found


def whole(kind: Kind, value: Any) -> tuple[str, bytes] | None:
    return encoded(Body(kind, MEDIA[kind], "body"), fields(json.dumps({"body": value, "other": 1}).encode()))


def parts_of(found: tuple[str, bytes]) -> list[EmailMessage]:
    """The parts as an independent reader sees them."""
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        b"content-type: %b\r\n\r\n%b" % (found[0].encode(), found[1])
    )
    assert not message.defects
    return [part for part in message.iter_parts() if isinstance(part, EmailMessage)]


def test_json_is_spliced_from_the_arguments_own_bytes() -> None:
    body = Body("json", "application/json", "", frozenset({"a", "b"}))
    arguments = fields(b'{"x": 1, "a": {"n": 1.10, "z": [ ]}, "b": 12345678901234567890}')
    assert encoded(body, arguments) == ("application/json", b'{"a":{"n": 1.10, "z": [ ]},"b":12345678901234567890}')
    one = Body("json", "application/merge-patch+json", "body")
    assert encoded(one, fields(b'{"body": [1.10, null]}')) == ("application/merge-patch+json", b"[1.10, null]")


def test_nothing_given_is_no_body_unless_one_is_required() -> None:
    assert encoded(Body("json", "application/json", "", frozenset({"a"})), {}) is None
    assert encoded(Body("json", "application/json", "body"), {}) is None
    assert encoded(Body("json", "application/json", "", frozenset({"a"}), required=True), {}) == (
        "application/json",
        b"{}",
    )


def test_text_and_bytes_are_sent_as_they_are() -> None:
    assert whole("text", "grüß\n") == ("text/plain", "grüß\n".encode())
    assert whole("binary", base64.b64encode(PNG).decode()) == ("image/png", PNG)
    assert whole("binary", "iVBO\nRw==") == ("image/png", b"\x89PNG")


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("text", 5, "body must be a string"),
        ("binary", {}, "body must be a string"),
        ("binary", "not base64!", "body must be a string in base64"),
        ("binary", "iVBORw", "base64"),
        ("form", [1], "body must be an object"),
        ("multipart", "x", "body must be an object"),
    ],
)
def test_what_cannot_be_sent_is_said(kind: Kind, value: Any, said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        whole(kind, value)


def test_forms_are_written_field_by_field() -> None:
    arguments = {
        "q": "a b&c=d", "n": 5, "on": True, "none": None, "list": ["x", 1], "o": {"a": [1]},
        "deep": {"from": 1, "to": {"x": 2}}, "csv": [1, 2], "json": ["a"], "objects": [{"a": 1}, None],
    }  # fmt: skip
    parts = {
        "deep": Part(style=Style("deepObject", True)),
        "csv": Part(style=Style("form", False)),
        "json": Part(media="application/json"),
    }
    media, content = spread("form", arguments, parts)
    assert media == "application/x-www-form-urlencoded"
    assert parse_qsl(content.decode(), strict_parsing=True) == [
        ("q", "a b&c=d"), ("n", "5"), ("on", "true"), ("list", "x"), ("list", "1"), ("o", '{"a":[1]}'),
        ("deep[from]", "1"), ("deep[to][x]", "2"), ("csv", "1,2"), ("json", '["a"]'), ("objects", '{"a":1}'),
    ]  # fmt: skip


def test_a_form_may_be_given_as_one_object() -> None:
    found = whole("form", {"a": 1, "b": None})
    assert found == ("application/x-www-form-urlencoded", b"a=1")


def test_multipart_forms_have_files_fields_and_json() -> None:
    image = base64.b64encode(PNG).decode()
    arguments = {"file": image, "files": [image, image], "caption": "Grüße\r\n--x", "tags": ["a", "b"],
                 "meta": {"a": 1}, "xml": "<a/>", "deep": {"x": 1}, 'we"ird\r\n': "v", "none": None}  # fmt: skip
    parts = {
        "file": Part(media="image/png", binary=True),
        "files": Part(media="image/png", binary=True),
        "xml": Part(media="application/xml"),
        "deep": Part(style=Style("deepObject", True)),
    }
    found = parts_of(spread("multipart", arguments, parts))
    shown = [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part["content-type"])
        for part in found
    ]
    assert shown == [
        ("file", "file", "image/png"), ("files", "files", "image/png"), ("files", "files", "image/png"),
        ("caption", None, None), ("tags", None, None), ("tags", None, None), ("meta", None, "application/json"),
        ("xml", None, "application/xml"), ("deep[x]", None, None), ("we%22ird%0D%0A", None, None),
    ]  # fmt: skip
    bodies = [part.get_payload(decode=True) for part in found]
    assert bodies[:3] == [PNG] * 3
    assert bodies[3:] == ["Grüße\r\n--x".encode(), b"a", b"b", b'{"a":1}', b"<a/>", b"1", b"v"]


def test_a_file_that_is_no_base64_is_refused() -> None:
    with pytest.raises(BadArgument, match="file must be a string in base64"):
        spread("multipart", {"file": 5}, {"file": Part(media="image/png", binary=True)})


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.text(max_size=30), min_size=1, max_size=4))
@settings(deadline=None)
def test_no_field_ends_its_part(arguments: dict[str, str]) -> None:
    media, content = spread("multipart", arguments)
    boundary = media.partition("boundary=")[2].encode()
    sections = content.split(b"--" + boundary)
    assert len(sections) == len(arguments) + 2
    assert [section.partition(b"\r\n\r\n")[2][:-2].decode() for section in sections[1:-1]] == list(arguments.values())
    assert all(section.partition(b"\r\n\r\n")[0].count(b"\r\n") == 1 for section in sections[1:-1])
