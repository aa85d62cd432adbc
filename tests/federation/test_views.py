import pytest

from fedgate.federation.views import EVERYTHING, View, pick


@pytest.mark.parametrize(
    ("include", "exclude", "shown", "hidden"),
    [
        ([], [], ["a", "A", "x/y"], []),
        (["notes__*"], [], ["notes__", "notes__add"], ["notes_add", "xnotes__add", "Notes__add"]),
        (["a", "b?"], ["bx"], ["a", "by"], ["b", "bx", "c"]),
        (["notes+file:///docs/*"], ["*.key"], ["notes+file:///docs/a/b.md"], ["notes+file:///docs/x.key", "file:///"]),
        (["[ab]_*"], [], ["a_1", "b_"], ["c_1"]),
        ([], ["*"], [], ["a", ""]),
    ],
)
def test_globs_show_and_hide_whole_keys_with_case(
    include: list[str], exclude: list[str], shown: list[str], hidden: list[str]
) -> None:
    picked = pick(include, exclude)
    assert [key for key in shown if not picked.has(key)] == []
    assert [key for key in hidden if picked.has(key)] == []


def test_a_glob_ends_where_the_key_ends() -> None:
    assert not pick(["a"]).has("ab")
    assert not pick(["a"]).has("a\n")
    assert pick(["a*"]).has("a\nb")


def test_a_view_picks_by_kind() -> None:
    resources = pick(["x"])
    view = View(picks={"resources": resources})
    assert view.pick("resources/list") is view.pick("resources/templates/list") is resources
    assert view.pick("tools/list") is EVERYTHING


def test_the_members_are_those_configured_in_the_order_of_the_view() -> None:
    configured = ["a", "b", "c"]
    assert View().members(configured) == ("a", "b", "c")
    assert View(servers=("c", "gone", "a")).members(configured) == ("c", "a")
    assert View(servers=("gone",)).members(configured) == ()
    assert View(single="b").members(configured) == ("b",)


def test_one_server_alone_keeps_its_own_names_and_uris() -> None:
    assert (View("always", "a").bare_naming, View("always", "a").prefixed) == ("never", False)
    assert (View("always").bare_naming, View("always").prefixed) == ("always", True)
    assert View("on_collision").prefixed is False
