"""a2a/agent_settings.py: what its own validators need files for; the rest is tested with the whole section."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from fedgate.a2a.agent_settings import CardPolicy, Health, Instance, Pins

KEY = {"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ", "kid": "one"}


def test_a_set_of_public_keys_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [KEY]}))
    assert CardPolicy(verify=file).verify == file


def test_a_file_with_a_private_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [{**KEY, "d": "hush"}]}))
    with pytest.raises(ValidationError, match="holds a private key") as caught:
        CardPolicy(verify=file)
    assert "hush" not in str(caught.value)


def test_sections_without_a_word_have_the_documented_defaults() -> None:
    assert (Health().interval, Health().lost_after) == (5.0, 20.0)
    assert (Pins().max, Pins().per_owner) == (100_000, 10_000)


def test_equal_settings_compare_equal() -> None:
    assert Instance(url="http://h/") == Instance(url="http://h/")
