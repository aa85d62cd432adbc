"""sessions/sqlite.py: what was saved is there after a reopening, and a file that cannot be used says why."""

import resource
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fedgate.sessions.sqlite import SCHEMA, SqliteStore
from fedgate.sessions.store import CannotOpenStore, Changes, Seen, StoredSession, StoreFailed, Worth
from tests.sessions.stores import stored


def all_of_it(_shelf: str) -> Worth:
    return Worth(0.0, 1000)


def put(*records: StoredSession) -> Changes:
    return Changes(list(records), [], [])


def loaded(path: Path, oldest: float = 0.0, limit: int = 1000) -> list[StoredSession]:
    with closing(SqliteStore(path)) as store:
        return store.load(lambda _shelf: Worth(oldest, limit))


def filled(path: Path, *records: StoredSession) -> None:
    with closing(SqliteStore(path)) as store:
        store.save(put(*records))


@contextmanager
def disk_is_full(bytes_left: int = 0) -> Iterator[None]:
    """No file may grow beyond so many bytes: writing fails as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    record = StoredSession("mcp", "ab" * 32, "key:älice", "notes", 1.25, 2.5, 7, '{"level":"info","n":"\\u0000"}', "{}")
    filled(tmp_path / "s.db", record)
    assert loaded(tmp_path / "s.db") == [record]


def test_records_come_back_in_the_order_of_their_use(tmp_path: Path) -> None:
    filled(tmp_path / "s.db", *(stored(str(number), seen=float(number)) for number in (3, 1, 4, 0, 2)))
    assert [each.seen for each in loaded(tmp_path / "s.db")] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_what_is_of_use_is_said_for_each_shelf(tmp_path: Path) -> None:
    on = [
        stored(f"{shelf}{number}", seen=float(number))._replace(shelf=shelf) for shelf in "abc" for number in range(4)
    ]
    filled(tmp_path / "s.db", *on)
    worth = {"a": Worth(2.0, 9), "b": Worth(0.0, 1), "c": Worth(9.0, 9)}
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        assert [each.key for each in store.load(worth.__getitem__)] == ["a2", "a3", "b3"]
    assert sorted(each.key for each in loaded(tmp_path / "s.db")) == ["a2", "a3", "b3"]


def test_a_later_change_replaces_an_earlier_one(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(put(stored("a"), stored("b"), stored("c")))
        store.save(Changes([stored("a", data='{"x":1}')], [Seen(9.0, 8, "mcp", "b")], [("mcp", "c")]))
        found = {each.key: each for each in store.load(all_of_it)}
    assert found.keys() == {"a", "b"}
    assert found["a"].data == '{"x":1}'
    assert (found["b"].seen, found["b"].turns) == (9.0, 8)


def test_what_is_unknown_can_be_used_and_forgotten_without_harm(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(Changes([], [Seen(1.0, 1, "mcp", "x")], [("mcp", "y")]))
        assert store.load(all_of_it) == []


def test_the_same_key_of_two_protocols_is_two_records(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(put(stored("a"), stored("a")._replace(shelf="a2a")))
        store.save(Changes([], [], [("mcp", "a")]))
        assert [each.shelf for each in store.load(all_of_it)] == ["a2a"]


def test_what_is_too_old_or_too_much_is_forgotten_for_good(tmp_path: Path) -> None:
    filled(tmp_path / "s.db", *(stored(str(number), seen=float(number)) for number in range(10)))
    assert [each.key for each in loaded(tmp_path / "s.db", oldest=3.0)] == list("3456789")
    assert [each.key for each in loaded(tmp_path / "s.db", limit=2)] == list("89")
    assert [each.key for each in loaded(tmp_path / "s.db")] == list("89")


def test_the_file_and_its_companions_are_for_this_user_alone(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(put(stored()))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes["s.db"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_file_is_one_gateways_alone_until_it_is_closed(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(put(stored()))
        with pytest.raises(CannotOpenStore, match=r"s\.db is in use by another gateway; give each a file of its own"):
            SqliteStore(tmp_path / "s.db")
        store.save(put(stored("b")))
    assert len(loaded(tmp_path / "s.db")) == 2


@pytest.mark.parametrize("content", [b"not a database at all, but long enough" * 100, b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(content)
    with pytest.raises(CannotOpenStore, match=r"is damaged or no session file.*move it away to begin with a new one"):
        SqliteStore(tmp_path / "s.db")
    assert (tmp_path / "s.db").read_bytes() == content


def test_a_database_with_broken_pages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    filled(path, *(stored(f"{number:064}", data='{"x":"' + "y" * 200 + '"}') for number in range(200)))
    content = bytearray(path.read_bytes())
    content[4096:-4096] = bytes(len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(CannotOpenStore, match="is damaged or no session file"), closing(SqliteStore(path)) as store:
        store.load(all_of_it)


def test_rows_that_cannot_be_ours_are_refused(tmp_path: Path) -> None:
    filled(tmp_path / "s.db", stored())
    with closing(sqlite3.connect(tmp_path / "s.db")) as db, db:
        db.execute("UPDATE sessions SET turns = 'many'")
    with (
        pytest.raises(CannotOpenStore, match="is damaged or no session file"),
        closing(SqliteStore(tmp_path / "s.db")) as store,
    ):
        store.load(all_of_it)


def test_the_database_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "s.db")) as db, db:
        db.execute("CREATE TABLE invoices (id)")
    before = (tmp_path / "s.db").read_bytes()
    with pytest.raises(CannotOpenStore, match="is a database of something else"):
        SqliteStore(tmp_path / "s.db")
    assert (tmp_path / "s.db").read_bytes() == before


def test_a_file_of_another_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    filled(tmp_path / "s.db", stored())
    with closing(sqlite3.connect(tmp_path / "s.db")) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(CannotOpenStore, match=f"another version of fedgate .its format is {SCHEMA + 1}, not {SCHEMA}"):
        SqliteStore(tmp_path / "s.db")
    with closing(sqlite3.connect(tmp_path / "s.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA + 1,)


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "s.db", tmp_path):
        with pytest.raises(CannotOpenStore, match="see that its folder exists and may be written to"):
            SqliteStore(path)


def test_a_full_disk_fails_the_change_as_a_whole_and_passes(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(put(stored("a")))
        many = [stored(str(number), data='{"x":"' + "y" * 2000 + '"}') for number in range(100)]
        with disk_is_full(), pytest.raises(StoreFailed, match=r"s\.db: "):
            store.save(Changes(many, [], [("mcp", "a")]))
        assert [each.key for each in store.load(all_of_it)] == ["a"]
        store.save(Changes(many, [], [("mcp", "a")]))
    assert len(loaded(tmp_path / "s.db")) == 100


def test_a_value_that_cannot_be_stored_fails_the_change_and_no_other(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        with pytest.raises(StoreFailed):
            store.save(put(stored("a"), stored("b", owner="\ud800")))
        store.save(put(stored("c")))
        assert [each.key for each in store.load(all_of_it)] == ["c"]


def test_a_full_disk_at_the_start_is_said(tmp_path: Path) -> None:
    with disk_is_full(), pytest.raises(CannotOpenStore, match="cannot be used to keep sessions"):
        SqliteStore(tmp_path / "s.db")


def test_a_gateway_that_was_killed_leaves_everything_it_saved(tmp_path: Path) -> None:
    # A copy of the files is what a process that is killed leaves behind.
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(put(stored("a"), stored("b")))
        store.save(Changes([], [], [("mcp", "b")]))
        (tmp_path / "left").mkdir()
        for name in ("s.db", "s.db-wal"):
            (tmp_path / "left" / name).write_bytes((tmp_path / name).read_bytes())
    assert [each.key for each in loaded(tmp_path / "left" / "s.db")] == ["a"]


def test_it_shows_its_place_and_nothing_it_holds(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db")) as store:
        store.save(put(stored()))
        assert store.place == str(tmp_path / "s.db")
        assert repr(store) == f"SqliteStore({str(tmp_path / 's.db')!r})"
