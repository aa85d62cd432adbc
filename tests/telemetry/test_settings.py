import pytest
from pydantic import ValidationError

from fedgate.telemetry.settings import LogSettings, TelemetrySettings


def test_the_log_format_depends_on_the_terminal_by_default() -> None:
    assert TelemetrySettings().log.format == "auto"


def test_ids_are_written_as_marks_by_default() -> None:
    assert TelemetrySettings().log.ids == "hashed"
    assert TelemetrySettings.model_validate({"log": {"ids": "plain"}}).log == LogSettings(ids="plain")


def test_a_format_can_be_chosen() -> None:
    assert TelemetrySettings.model_validate({"log": {"format": "json"}}).log == LogSettings(format="json")


@pytest.mark.parametrize(
    "value", [{"log": {"format": "xml"}}, {"log": {"ids": "short"}}, {"log": {"payloads": True}}, {"metrics": {}}]
)
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TelemetrySettings.model_validate(value)
