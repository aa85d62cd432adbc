import json
from pathlib import Path

import pytest

from fedgate.federation.pin_file import MAX_BYTES, BadPinFile, load, save, stamp

ACCEPTED = {"notes": {"add": {"description": "ab", "inputSchema": "cd"}}, "time": {}}


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    save(path, ACCEPTED)
    assert load(path) == ACCEPTED
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_sorted_and_can_be_reviewed(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    save(path, dict(reversed(ACCEPTED.items())))
    assert json.loads(path.read_text()) == {"version": 1, "servers": ACCEPTED}
    assert path.read_text().count("\n") > 5
    assert path.read_text().index('"notes"') < path.read_text().index('"time"')


def test_no_file_is_nothing_accepted(tmp_path: Path) -> None:
    assert load(tmp_path / "none") == {}
    assert stamp(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no file of tool fingerprints"),
        ("{}", "is no file of tool fingerprints"),
        ("[1]", "is no file of tool fingerprints"),
        ('{"version": 1, "servers": {"a": {"b": "c"}}}', "is no file of tool fingerprints"),
        ('{"version": 1, "servers": {}, "more": 1}', "is no file of tool fingerprints"),
        ('{"version": 2, "servers": {}}', "is of version 2, which this fedgate does not know"),
        ('{"version":1,"servers":' + "[" * 9000, "is no file of tool fingerprints"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "pins.json"
    path.write_text(text)
    with pytest.raises(BadPinFile) as caught:
        load(path)
    assert str(caught.value) == what


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPinFile, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(BadPinFile, match="is larger than 64 MiB"):
        load(path)


def test_saving_keeps_the_mode_and_changes_the_stamp(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    save(path, {})
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    before = stamp(path)
    save(path, ACCEPTED)
    assert path.stat().st_mode & 0o777 == 0o600
    assert stamp(path) != before


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    path.mkdir()
    (path / "x").touch()
    with pytest.raises(OSError, match="directory"):
        save(path, ACCEPTED)
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "none" / "pins.json", ACCEPTED)
