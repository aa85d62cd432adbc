"""llm/reading.py: what is wrong in somebody's JSON is said by the path of the member."""

import re

import msgspec
import pytest

from fedgate.core.errors import BadRequest, UpstreamInvalid
from fedgate.core.rawjson import Raw, fields
from fedgate.llm.reading import answered, asked, data_url, decode, media_type, others


class Thing(msgspec.Struct):
    name: str
    parts: list[int] = []


DECODER = msgspec.json.Decoder(Thing)


@pytest.mark.parametrize(
    ("body", "where", "sentence"),
    [
        (b'{"name":1}', "", "name: Expected `str`, got `int`"),
        (b'{"name":"a","parts":[1,"x"]}', "things[3]", "things[3].parts[1]: Expected `int`, got `str`"),
        (b"[]", "", "the body: Expected `object`, got `array`"),
        (b"{}", "things[3]", "things[3]: Object missing required field `name`"),
    ],
)
def test_the_path_of_what_is_wrong_is_said(body: bytes, where: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        decode(DECODER, body, where)


def test_errors_are_of_the_side_that_wrote_the_json() -> None:
    with pytest.raises(BadRequest, match="the request cannot be read: name: Expected"):
        asked(lambda body: decode(DECODER, body), b'{"name":1}')
    with pytest.raises(UpstreamInvalid, match="the answer of the provider cannot be read: name: Expected"):
        answered(lambda body: decode(DECODER, body), b'{"name":1}')


def test_half_an_emoji_is_mended() -> None:
    assert asked(lambda body: decode(DECODER, body), b'{"name":"a\\ud83d"}') == Thing("a\ufffd")


def test_too_deep_is_refused() -> None:
    deep = msgspec.json.Decoder()
    with pytest.raises(BadRequest):
        asked(lambda body: decode(deep, body), b"[" * 100_000)


def test_unread_members_are_named_if_they_say_something() -> None:
    members = fields(b'{"a":1,"b":2,"c":null,"d d\\u00e9":3}')
    assert others(members, frozenset({"a"})) == ("b", "d_d_")
    assert others({}, frozenset()) == ()
    assert len(others({f"m{n}": Raw(b"1") for n in range(100)}, frozenset())) == 32


def test_data_urls_are_taken_apart() -> None:
    assert data_url("data:Image/PNG;base64,AAAA") == ("image/png", "AAAA")
    assert data_url("data:text/plain;charset=utf-8;base64,AAAA") == ("text/plain", "AAAA")
    assert data_url("https://e.org/a.png") == ("", "")


def test_names_of_files_tell_their_type() -> None:
    assert (media_type("a.PDF"), media_type("a.tar.gz"), media_type("")) == ("application/pdf", "", "")
