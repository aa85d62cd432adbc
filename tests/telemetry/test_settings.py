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
    "value",
    [
        {"log": {"format": "xml"}},
        {"log": {"ids": "short"}},
        {"log": {"payloads": {"max": 0}}},
        {"metrics": {"aliases": ["x"]}},
    ],
)
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TelemetrySettings.model_validate(value)


def test_traces_are_off_and_one_of_ten_is_sent_where_they_are_on() -> None:
    assert TelemetrySettings().traces.otlp is None
    on = TelemetrySettings.model_validate({"traces": {"otlp": "http://127.0.0.1:4318", "headers": {"x-key": "abc"}}})
    assert on.traces.sample == 0.1
    assert "abc" not in repr(on)


@pytest.mark.parametrize(
    "traces",
    [
        {"otlp": "collector:4318"},
        {"sample": 1.1},
        {"sample": -0.1},
        {"headers": {"two words": "x"}},
        {"headers": {"x": "two\nlines"}},
    ],
)
def test_traces_that_cannot_be_sent_are_refused(traces: object) -> None:
    with pytest.raises(ValidationError):
        TelemetrySettings.model_validate({"traces": traces})
