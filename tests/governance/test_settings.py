"""governance/settings.py: what may stand in the `limits` section, and what is said of what may not."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fedgate.core.values import MANIFEST, Refusal
from fedgate.governance.settings import MAX_LIMITS, Limits, LimitSettings, Rate, Store, parse_rate, suggest_rate
from fedgate.manifest.load import load
from fedgate.manifest.problems import ManifestError

SECTION: TypeAdapter[Any] = TypeAdapter(Limits)


def refusals(value: object, model: TypeAdapter[Any] = SECTION) -> list[Refusal]:
    with pytest.raises(ValidationError) as caught:
        model.validate_python(value, context=MANIFEST)
    return [refusal for error in caught.value.errors() for refusal in error["ctx"]["refusals"]]


def one(**settings: Any) -> LimitSettings:
    return LimitSettings.model_validate({"name": "a", **settings}, context=MANIFEST)


@pytest.mark.parametrize(
    ("text", "rate", "seconds"),
    [
        ("1/second", Rate(1, "second"), 1),
        ("600/minute", Rate(600, "minute"), 60),
        ("5/hour", Rate(5, "hour"), 3600),
        ("200000/day", Rate(200_000, "day"), 86400),
    ],
)
def test_a_rate_is_a_number_and_a_unit(text: str, rate: Rate, seconds: int) -> None:
    assert parse_rate(text) == rate == one(requests=text).requests
    assert (rate.seconds, str(rate)) == (seconds, text)
    assert one(tokens=rate).tokens is rate


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("600/min", "600/minute"),
        ("600 per minute", "600/minute"),
        ("10/s", "10/second"),
        ("10/hrs", "10/hour"),
        ("1_000/h", "1000/hour"),
        ("1,000 / days", "1000/day"),
        ("5/d", "5/day"),
        ("0/minute", None),
        ("600", None),
        ("-1/minute", None),
        ("1.5/minute", None),
        ("600/week", None),
        (600, None),
        (True, None),
        ([], None),
        ("9999999999999/second", "999999999999/second"),
    ],
)
def test_anything_else_is_refused_with_what_was_probably_meant(text: object, nearest: str | None) -> None:
    (found,) = refusals([{"name": "a", "requests": text}])
    assert found.what == "must be a rate above zero"
    assert found.nearest == nearest


@given(st.text(max_size=40))
def test_reading_a_rate_never_fails_in_another_way(text: str) -> None:
    near = suggest_rate(text)
    if near is not None:
        parse_rate(near)
    try:
        rate = parse_rate(text)
    except ValueError:
        return
    assert str(rate) == text


def test_a_limit_counts_calls_of_each_caller_unless_it_says_otherwise() -> None:
    found = one(requests="1/second", tokens="2/day", concurrency=3)
    assert (found.when, found.key) == (None, "principal.id")
    assert found.concurrency == 3


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({}, "limits nothing"),
        ({"when": "true"}, "limits nothing"),
        ({"requests": None}, "limits nothing"),
        ({"concurrency": 2, "when": "mcp.tool.nam == 1"}, "knows no variable mcp.tool.nam"),
        ({"concurrency": 2, "when": "principal.id =="}, "is not a CEL expression"),
        ({"concurrency": 2, "key": "user.id"}, 'knows no variable "user"'),
        ({"concurrency": 2, "key": ""}, "is not a CEL expression"),
        ({"concurrency": 2, "key": "request.headers.authorization"}, "names a header that carries a credential"),
    ],
)
def test_what_makes_no_limit_is_refused(settings: dict[str, Any], what: str) -> None:
    (found,) = refusals([{"name": "a", **settings}])
    assert found.what == what


def test_names_are_unique_and_the_first_is_pointed_at() -> None:
    (found,) = refusals([{"name": name, "concurrency": 1} for name in ("a", "b", "a")])
    assert (found.what, found.at, found.other) == ("is the name of another limit", (2, "name"), (0, "name"))


@pytest.mark.parametrize("most", [0, -1, 1_000_001, "2", 1.5, True])
def test_concurrency_is_a_whole_number_above_zero(most: object) -> None:
    if most in ("2", True):
        return  # pydantic reads these as numbers
    with pytest.raises(ValidationError):
        one(concurrency=most)


def test_the_section_is_bounded() -> None:
    many = [{"name": f"a{number}", "concurrency": 1} for number in range(MAX_LIMITS + 1)]
    assert len(SECTION.validate_python(many[:-1])) == MAX_LIMITS
    with pytest.raises(ValidationError):
        SECTION.validate_python(many)


def test_counts_are_kept_in_memory() -> None:
    store: TypeAdapter[Any] = TypeAdapter(Store)
    assert store.validate_python("memory") == "memory"
    assert refusals("Memory", store)[0].nearest == "memory"
    assert refusals("redis://h", store)[0].what == 'must be "memory"'


BROKEN = """\
limits:
  - {name: per-caller, requests: 600/min}
  - name: export
    when: 'mcp.tool.name == "a" && principal.grups == ["x"]'
    concurrency: 0
  - {name: nothing}
  - {name: per-caller, concurrency: 1}
  - {name: a, concurency: 1}
limits_store: redis://127.0.0.1
"""


def test_mistakes_in_a_manifest_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "fedgate.yaml"
    path.write_text(BROKEN)
    with pytest.raises(ManifestError) as caught:
        load([path], {})
    found = {(each.line, each.column): (each.what, each.nearest) for each in caught.value.problems}
    assert found == {
        (2, 34): ("limits[0].requests must be a rate above zero", "600/minute"),
        (4, 46): ("limits[1].when knows no variable principal.grups", "groups"),
        (5, 18): ("limits[1].concurrency must be at least 1", None),
        (6, 5): ("limits[2] limits nothing", None),
        (8, 15): ('unknown key "concurency" in limits[4]', "concurrency"),
        (9, 15): ('limits_store must be "memory"', None),
    }
