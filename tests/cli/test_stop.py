"""Words near to a mistyped one."""

from fedgate.cli.stop import did_you_mean, nearest

TOOLS = ["notes__add", "notes__delete", "time__now"]


def test_the_nearest_word_is_offered() -> None:
    assert did_you_mean("notes__ad", TOOLS) == '; did you mean "notes__add"?'


def test_nothing_is_offered_where_nothing_is_near() -> None:
    assert did_you_mean("xyz", TOOLS) == ""
    assert nearest("xyz", TOOLS) == []


def test_the_best_comes_first() -> None:
    assert nearest("notes__delet", TOOLS)[0] == "notes__delete"
