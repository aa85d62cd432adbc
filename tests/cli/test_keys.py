"""`fedgate keys new`: a key that is shown once, and an entry by which the manifest knows it."""

import hashlib
import json
from pathlib import Path

import pytest

from fedgate.access.keys import KeyRing
from fedgate.cli.main import main
from fedgate.manifest.load import load


def test_the_entry_that_is_printed_makes_a_manifest_that_knows_the_key(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["keys", "new", "--id", "bob", "--groups", "eng, robots"]) == 0
    shown = capsys.readouterr().out
    key, entry = shown.splitlines()[0], shown.partition("access:\n")
    path = tmp_path / "fedgate.yaml"
    path.write_text("".join(entry[1:]))
    ring = KeyRing(load([path], {}).access.keys)
    found = ring.find(key.encode())
    assert found is not None
    assert (found.id, found.groups) == ("bob", ("eng", "robots"))
    assert shown.count(key) == 1


def test_as_json_the_key_stands_beside_its_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    digest = hashlib.sha256(shown["key"].encode()).hexdigest()
    assert shown["entry"] == {"id": "alice", "key_sha256": digest}
    assert len(shown["key"]) == 46


def test_two_keys_are_never_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    keys = set()
    for _ in range(3):
        main(["keys", "new", "--json"])
        keys.add(json.loads(capsys.readouterr().out)["key"])
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--id", "b b"], "id must be a short id"),
        (["--id", "anonymous"], "id is reserved"),
        (["--groups", "a,,b"], "groups.1 must not be empty"),
    ],
)
def test_what_the_manifest_would_refuse_is_refused_at_once(
    options: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "new", *options]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert why in said.err
