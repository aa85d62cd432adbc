"""What of a call's arguments is read: those that headers repeat, and no others."""

from typing import Any

import pytest

from fedgate.core.rawjson import Raw
from fedgate.federation.arguments import picked
from fedgate.federation.headers import ParamHeaders, render_params

REGION: ParamHeaders = {"region": ("region",)}
NESTED: ParamHeaders = {"region": ("region",), "city": ("place", "city"), "zip": ("place", "zip")}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (b'{"region":"eu","other":[1,2]}', {"region": "eu"}),
        (b'{"other":1e400,"region":"eu"}', {"region": "eu"}),
        (b'{"region":1e400}', {"region": None}),
        (b"{}", {"region": None}),
        (b"[]", {"region": None}),
        (b"null", {"region": None}),
    ],
)
def test_only_what_a_header_repeats_is_read(arguments: bytes, found: dict[str, Any]) -> None:
    assert picked(Raw(arguments), REGION) == found


def test_nested_arguments_keep_their_places() -> None:
    arguments = Raw(b'{"place":{"city":"Bonn","x":1e400},"region":null}')
    found = picked(arguments, NESTED)
    assert found == {"region": None, "place": {"city": "Bonn", "zip": None}}
    assert render_params(NESTED, found) == ((b"mcp-param-city", b"Bonn"),)


def test_a_path_through_what_is_no_object_leads_nowhere() -> None:
    assert picked(Raw(b'{"place":"here"}'), NESTED) == {"region": None, "place": {"city": None, "zip": None}}
