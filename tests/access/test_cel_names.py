"""access/cel_names.py: who compares a tool with the name that the catalog shows means that tool of that server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.access.cel_names import with_full_names


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mcp.tool.name == 'a__b'", "(mcp.tool.name == 'a__b' || mcp . tool . full == 'a__b')"),
        ("mcp.tool.name != 'a__b'", "(mcp.tool.name != 'a__b' && mcp . tool . full != 'a__b')"),
        ("'a__b' == mcp.tool.name", "('a__b' == mcp.tool.name || 'a__b' == mcp . tool . full)"),
        ("x && !(mcp.tool.name=='a__b')", "x && !((mcp.tool.name=='a__b' || mcp . tool . full == 'a__b'))"),
        ("mcp.tool.name in ['a__b', 'c']", "(mcp.tool.name in ['a__b', 'c'] || mcp . tool . full in [ 'a__b' , 'c' ])"),
        (
            "mcp.tool.name.startsWith('a__')",
            "(mcp.tool.name.startsWith('a__') || mcp . tool . full . startsWith ( 'a__' ))",
        ),
    ],
)
def test_a_name_of_the_catalog_is_compared_with_both_names(written: str, meant: str) -> None:
    assert with_full_names(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "mcp.tool.name == 'plain'",
        "mcp.server == 'a__b'",
        "'x' + mcp.tool.name == 'a__b'",
        "mcp.tool.name == 'a__' + 'b'",
        "mcp.tool.name in ['a', 'b']",
        'mcp.tool.name == "a\\u005f_b__c"',
        "mcp.tool.name + '__x' == mcp.tool.full",
    ],
)
def test_everything_else_stays_as_it_was_written(text: str) -> None:
    assert with_full_names(text) == text


@settings(deadline=None)
@given(st.text(alphabet="mcp.toolname='_!&()[]in ", max_size=60))
def test_any_text_is_read(text: str) -> None:
    with_full_names(text + "__")
