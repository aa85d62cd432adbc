from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fedgate.core.values import (
    MANIFEST,
    Duration,
    Name,
    Plain,
    Refusal,
    Section,
    Size,
    Url,
    parse_duration,
    parse_size,
    refuse,
    refuse_all,
    suggest_name,
)


def refusal(kind: Any, value: object) -> Refusal:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value, context=MANIFEST)
    (error,) = caught.value.errors()
    found: Refusal = error["ctx"]["refusals"][0]
    return found


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30.0), ("10m", 600.0), ("24h", 86400.0), ("1.5m", 90.0)]
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert TypeAdapter(Duration).validate_python(text, context=MANIFEST) == seconds


@pytest.mark.parametrize("text", ["", "30", "30 s", "s", "-1s", "1h30m", "1d", "1e3s", "٣s", "30S", "9999999999s"])
def test_text_that_is_no_duration_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("value", [30, 30.0, True, None, "30", [1]])
def test_a_bare_number_in_a_manifest_is_refused_with_the_units(value: object) -> None:
    found = refusal(Duration, value)
    assert found.what == "must be a duration"
    assert found.why == 'write a number with its unit, such as "500ms", "30s", "10m" or "24h"'


def test_a_bare_number_in_python_is_seconds() -> None:
    assert TypeAdapter(Duration).validate_python(2.5) == 2.5


@pytest.mark.parametrize("text", ["0s", "0.0ms"])
def test_a_duration_of_zero_is_refused(text: str) -> None:
    assert refusal(Duration, text).what == "must be longer than zero"


@pytest.mark.parametrize(
    ("value", "size"), [("64KiB", 65536), ("16MiB", 16777216), ("1GiB", 1 << 30), ("5B", 5), ("512", 512), (512, 512)]
)
def test_a_size_is_bytes(value: object, size: int) -> None:
    assert TypeAdapter(Size).validate_python(value, context=MANIFEST) == size


@pytest.mark.parametrize("value", ["16MB", "16 MiB", "1.5MiB", "", "MiB", 1.5, True, None, []])
def test_other_sizes_are_refused_with_the_units(value: object) -> None:
    found = refusal(Size, value)
    assert found.what == "must be a size"
    assert found.why == 'write bytes, or a number with KiB, MiB or GiB, such as "64KiB" or "16MiB"'


@pytest.mark.parametrize("value", [0, -1, "0KiB"])
def test_a_size_of_nothing_is_refused(value: object) -> None:
    assert refusal(Size, value).what == "must be more than zero"


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_size_or_a_value_error(text: str) -> None:
    for parse in (parse_duration, parse_size):
        try:
            assert parse(text) >= 0
        except ValueError:
            continue


@pytest.mark.parametrize("name", ["a", "time", "a-1", "-", "0" * 32])
def test_a_name_is_lower_case_letters_digits_and_hyphens(name: str) -> None:
    assert TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("My Server", "my-server"),
        ("My_Server", "my-server"),
        ("a" * 33, "a" * 32),
        ("a/b", "a-b"),
        ("x\n", "x"),
        ("日本", None),
        ("", None),
    ],
)
def test_another_name_is_refused_with_the_nearest_valid_one(name: str, better: str | None) -> None:
    found = refusal(Name, name)
    assert (found.what, found.nearest) == ("is not a valid name", better)


@given(st.text())
def test_a_suggested_name_is_valid(text: str) -> None:
    name = suggest_name(text)
    assert name is None or TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9001/mcp", "https://a.b", "HTTP://x/y?k=v", "http://[::1]:8080/mcp", "https://a/%20"]
)
def test_a_url_stays_as_it_was_written(url: str) -> None:
    assert TypeAdapter(Url).validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://x/",
        "http://",
        "http:///p",
        "//x/p",
        "http://x:99999/",
        "http://x:0/",
        "http://[::1/",
        "http://x/" + "a" * 2048,
    ],
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    found = refusal(Url, url)
    assert found.what == "must be an http or https URL"
    assert found.why == "write http://HOST[:PORT][/PATH] or https://..."


@pytest.mark.parametrize("url", ["http://x/ y", "http://x/\ny", "http://x/é", "http://é/", "http://x/\udcff"])
def test_a_url_with_characters_that_are_not_sent_as_they_are_is_refused(url: str) -> None:
    assert refusal(Url, url).what == "must be visible ASCII"


def test_a_url_with_credentials_is_refused_in_favour_of_headers() -> None:
    assert refusal(Url, "http://u:p@x/") == Refusal(
        "must not carry a user or password", "send them by headers, such as Authorization"
    )


def test_a_url_with_a_fragment_is_refused() -> None:
    assert refusal(Url, "http://x/#a").what == "must not carry a #fragment"


def test_text_for_the_system_has_no_nul() -> None:
    assert TypeAdapter(Plain).validate_python("a b") == "a b"
    assert refusal(Plain, "a\0b").what == "must not contain a NUL character"


def test_a_refusal_travels_in_the_error_and_several_do_in_one() -> None:
    one = refuse("is odd", "make it even", nearest="2")
    assert one.context == {"what": "is odd", "refusals": [Refusal("is odd", "make it even", nearest="2")]}
    several = refuse_all(Refusal(what) for what in ("a {brace}", "b"))
    assert str(several.message()) == "a {brace}"


class Sample(Section):
    number: int = 1
    text: str


def test_a_section_is_frozen_and_refuses_unknown_keys_without_showing_values() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted") as caught:
        Sample.model_validate({"text": "a", "nmber": "hunter2"})
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ValidationError, match="frozen"):
        Sample(text="a").number = 2


def test_a_key_without_a_value_counts_as_absent_unless_it_is_unknown() -> None:
    assert Sample.model_validate({"text": "a", "number": None}) == Sample(text="a", number=1)
    with pytest.raises(ValidationError, match="Field required"):
        Sample.model_validate({"text": None})
    with pytest.raises(ValidationError, match="Extra inputs"):
        Sample.model_validate({"text": "a", "other": None})
    with pytest.raises(ValidationError, match="valid dictionary"):
        Sample.model_validate([])
