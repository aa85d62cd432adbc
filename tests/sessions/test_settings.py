import pytest
from pydantic import ValidationError

from fedgate.core.values import MANIFEST
from fedgate.sessions.settings import SessionSettings


def test_sessions_live_in_memory_for_half_an_hour_by_default() -> None:
    settings = SessionSettings()
    assert (settings.store, settings.idle, settings.max) == ("memory", 1800.0, 10_000)


def test_idle_is_a_duration() -> None:
    assert SessionSettings.model_validate({"idle": "5m"}, context=MANIFEST).idle == 300.0


@pytest.mark.parametrize("value", [{"store": "sqlite:x"}, {"idle": "0s"}, {"max": 0}, {"max": 10_000_001}, {"ttl": 1}])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        SessionSettings.model_validate(value)
