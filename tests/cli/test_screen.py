"""Tables and other people's text."""

import io

import pytest

from fedgate.cli.screen import ago, clear, counted, one_line, printable, table, wants_colour, width

HEAD = ("SERVER", "TOOLS", "REASON")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_columns_are_as_wide_as_their_cells_and_numbers_stand_to_the_right() -> None:
    assert table(HEAD, [("time", "4", ""), ("knowledge", "12", "slow")]) == (
        "SERVER     TOOLS  REASON\ntime           4\nknowledge     12  slow"
    )


def test_a_table_without_rows_is_its_head() -> None:
    assert table(HEAD, []) == "SERVER  TOOLS  REASON"


def test_the_last_column_is_cut_where_the_terminal_ends() -> None:
    lines = table(("A", "B"), [("x", "word " * 30)], limit=40).splitlines()
    assert [len(line) for line in lines] == [4, 40]
    assert lines[1].endswith("…")


def test_a_narrow_terminal_still_shows_something_of_the_last_column() -> None:
    assert len(table(("A", "B"), [("x" * 40, "y" * 40)], limit=30).splitlines()[1]) == 62


def test_states_are_painted_without_moving_the_columns() -> None:
    rows = [("a", "ready", "x"), ("b", "down", "y"), ("c", "starting", "z")]
    head = ("NAME", "STATE", "NOTE")
    painted = table(head, rows, colour=True)
    assert "\x1b[32mready   \x1b[0m" in painted
    assert "\x1b[31mdown    \x1b[0m" in painted
    assert "\x1b[33mstarting\x1b[0m" in painted
    for code in ("\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"):
        painted = painted.replace(code, "")
    assert painted == table(head, rows)


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x9b31m", "\x07", "\r", "\u202e", "\x00", "\u2066", "\u200b"])
def test_what_steers_a_terminal_or_hides_itself_is_replaced(evil: str) -> None:
    assert printable(f"a{evil}b").startswith("a\N{REPLACEMENT CHARACTER}")
    assert evil not in printable(f"a{evil}b")


def test_text_of_people_stays_as_it_is() -> None:
    text = "Grüße\tan alle 👋\nzweite Zeile"
    assert printable(text) == text
    assert printable("a\r\nb") == "a\nb"


def test_one_line_is_the_first_that_says_something() -> None:
    assert one_line("\n  \n  Add two\tnumbers.  \nMore.") == "Add two numbers."
    assert one_line("") == ""


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())


def test_only_terminals_have_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert width(Terminal()) == 77
    assert width(io.StringIO()) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (-1, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_400, "1d"), (9e5, "10d")],
)
def test_how_long_it_is_in_the_largest_unit(seconds: float, said: str) -> None:
    assert ago(seconds) == said


def test_what_is_no_number_is_no_time() -> None:
    assert ago(None) == ago("5") == ""


def test_only_a_terminal_is_cleared() -> None:
    assert (clear(Terminal()), clear(io.StringIO())) == ("\x1b[H\x1b[2J", "\n")


def test_things_are_counted_in_words() -> None:
    assert [counted(number, "tool") for number in (0, 1, 2)] == ["0 tools", "1 tool", "2 tools"]


def test_the_widest_column_is_cut_wherever_it_stands() -> None:
    lines = table(("A", "B", "C"), [("x", "y" * 60, "note")], limit=40).splitlines()
    assert lines[1] == f"x  {'y' * 30}…  note"
