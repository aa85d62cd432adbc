from pathlib import Path

import pytest
from pydantic import ValidationError

from fedgate.core.values import MANIFEST
from fedgate.sessions.settings import SessionSettings


def test_sessions_live_in_memory_for_half_an_hour_by_default() -> None:
    settings = SessionSettings()
    assert (settings.store, settings.idle, settings.max, settings.file) == ("memory", 1800.0, 10_000, None)


def test_idle_is_a_duration() -> None:
    assert SessionSettings.model_validate({"idle": "5m"}, context=MANIFEST).idle == 300.0


@pytest.mark.parametrize(
    ("store", "file"), [("sqlite:a.db", "a.db"), ("sqlite:/srv/a b.db", "/srv/a b.db"), ("sqlite:sqlite:x", "sqlite:x")]
)
def test_a_sqlite_store_names_its_file(store: str, file: str) -> None:
    assert SessionSettings.model_validate({"store": store}).file == Path(file)


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("disk", 'must be "memory" or "sqlite:PATH"'),
        ("redis://127.0.0.1", 'must be "memory" or "sqlite:PATH"'),
        ("SQLITE:x", 'must be "memory" or "sqlite:PATH"'),
        ("sqlite:", "names no file"),
        ("sqlite: ", "names no file"),
        ("sqlite:/srv/ ", "names no file"),
        ("sqlite:/", "names no file"),
        ("sqlite::memory:", "names no file"),
        ("sqlite:/srv/:memory:", "names no file"),
        ("sqlite:a\0b", "names no file"),
    ],
)
def test_a_store_that_cannot_be_is_refused_in_words(store: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SessionSettings.model_validate({"store": store})


@pytest.mark.parametrize("value", [{"store": 1}, {"idle": "0s"}, {"max": 0}, {"max": 10_000_001}, {"ttl": 1}])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        SessionSettings.model_validate(value)
