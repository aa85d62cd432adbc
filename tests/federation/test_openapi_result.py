import base64
import json
from typing import Any

import pytest

from fedgate.federation.openapi_answer import HttpAnswer
from fedgate.federation.openapi_result import MAX_ERROR, failed, result


def raw(body: bytes, kind: str = "application/json", status: int = 200, **more: Any) -> bytes:
    headers = more.pop("headers", ())
    answer = HttpAnswer(status, ((b"content-type", kind.encode()), *headers), body, 1_000_000)
    return result(answer, **{"tool": "op", "head": False, "structured": False, **more})


def made(body: bytes, kind: str = "application/json", status: int = 200, **more: Any) -> Any:
    return json.loads(raw(body, kind, status, **more))


def text(words: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": words}]


def test_json_is_text_and_structured_content_in_its_own_bytes() -> None:
    body = b'{ "a": 1.10,\n "b": [ 12345678901234567890 ] }'
    found = raw(body)
    assert b'"structuredContent":' + body in found
    assert json.loads(found)["content"] == text(body.decode())


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"5", b"null"])
def test_other_json_is_structured_content_too_where_no_schema_promised_an_object(body: bytes) -> None:
    found = made(body)
    assert (found["content"], found["structuredContent"]) == (text(body.decode()), json.loads(body))


@pytest.mark.parametrize(
    ("body", "kind", "structured"),
    [
        (b'{"a":1}', "application/json", {"a": 1}),
        (b"[1]", "application/json", {"result": [1]}),
        (b"{oops", "application/json", {"result": "{oops"}),
        (b"hello", "text/plain", {"result": "hello"}),
        (b"", "", {}),
    ],
)
def test_a_promised_object_is_always_there(body: bytes, kind: str, structured: Any) -> None:
    assert made(body, kind, structured=True)["structuredContent"] == structured


@pytest.mark.parametrize("body", [b"{oops", b'{"a":"\xff"}', b"[" * 100_000, b"{} x", b'{"a":NaN}'])
def test_json_that_is_none_is_text(body: bytes) -> None:
    found = made(body)
    assert "structuredContent" not in found
    assert found["content"] == text(body.decode("utf-8", "replace"))


def test_json_without_a_content_type_and_with_a_mark_is_json() -> None:
    assert made(b'{"a":1}', "")["structuredContent"] == {"a": 1}
    assert made(b'\xef\xbb\xbf{"a":1}')["structuredContent"] == {"a": 1}
    assert made(b'{"a":1}', "application/problem+json")["structuredContent"] == {"a": 1}


@pytest.mark.parametrize("kind", ["text/csv; charset=utf-8", "application/xml", "image/svg+xml", ""])
def test_text_is_text(kind: str) -> None:
    assert made("a,ü".encode(), kind) == {"content": text("a,ü")}


def test_pictures_and_sound_are_content_of_their_own() -> None:
    blob = base64.b64encode(b"\x89PNG").decode()
    assert made(b"\x89PNG", "image/png")["content"] == [{"type": "image", "data": blob, "mimeType": "image/png"}]
    assert made(b"\x89PNG", "audio/mpeg")["content"][0]["type"] == "audio"


@pytest.mark.parametrize(("kind", "media"), [("application/pdf", "application/pdf"), ("", "application/octet-stream")])
def test_other_bytes_are_an_embedded_resource(kind: str, media: str) -> None:
    blob = base64.b64encode(b"\xff\x00").decode()
    resource = {"uri": "openapi:///op", "mimeType": media, "blob": blob}
    assert made(b"\xff\x00", kind) == {"content": [{"type": "resource", "resource": resource}]}


def test_nothing_is_said_in_words() -> None:
    assert made(b"", "", 204) == {"content": text("HTTP 204 No Content")}
    headers = ((b"location", b"/pets/7"),)
    assert made(b"", "", 201, headers=headers) == {"content": text("HTTP 201 Created\nlocation: /pets/7")}


def test_a_head_answers_with_its_headers() -> None:
    headers = ((b"etag", b'"x"'), (b"set-cookie", b"s=1"))
    assert made(b"", "text/html", head=True, headers=headers)["content"] == text(
        'HTTP 200 OK\netag: "x"\ncontent-type: text/html'
    )


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, b'{"message":"no such pet"}', "application/json", 'HTTP 404 Not Found\n\n{"message":"no such pet"}'),
        (500, b"", "", "HTTP 500 Internal Server Error"),
        (502, b"\xff\x00", "image/png", "HTTP 502 Bad Gateway\n\n(2 bytes of image/png)"),
        (400, b" oops \n", "", "HTTP 400 Bad Request\n\noops"),
        (304, b"", "", "HTTP 304 Not Modified\nRedirects are not followed."),
    ],
)
def test_an_error_of_the_api_is_an_error_of_the_tool(status: int, body: bytes, kind: str, words: str) -> None:
    found = made(body, kind, status, structured=True)
    assert found == {"content": text(words), "isError": True}


def test_an_error_tells_when_to_come_again_and_where_a_redirect_leads() -> None:
    found = made(b"", "", 429, headers=((b"retry-after", b"30"),))
    assert found["content"] == text("HTTP 429 Too Many Requests\nretry-after: 30")
    found = made(b"ignored", "", 302, headers=((b"location", b"https://other.example.com/"),))
    assert found["content"] == text("HTTP 302 Found\nlocation: https://other.example.com/\nRedirects are not followed.")


def test_the_body_of_an_error_is_bounded() -> None:
    words = made(b"x" * 100_000, "text/plain", 500)["content"][0]["text"]
    assert words.endswith("x… (100000 characters in all)")
    assert len(words) < MAX_ERROR + 100


def test_words_for_the_model() -> None:
    assert json.loads(failed("no")) == {"content": text("no"), "isError": True}
