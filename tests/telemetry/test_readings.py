"""Values that live elsewhere are read when asked for, and only while they exist."""

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from fedgate.telemetry.readings import Reading, Readings, Tallies


def test_a_reading_is_zero_until_it_has_a_source_and_then_what_that_says() -> None:
    registry = CollectorRegistry()
    reading = Reading(GaugeMetricFamily, "things", "how many")
    registry.register(reading)
    assert registry.get_sample_value("things") == 0
    things = ["one"]
    reading.source(lambda: len(things))
    things.append("two")
    assert registry.get_sample_value("things") == 2


def test_a_counter_is_named_as_prometheus_wants() -> None:
    registry = CollectorRegistry()
    reading = Reading(CounterMetricFamily, "lost", "how many")
    registry.register(reading)
    reading.source(lambda: 3)
    assert registry.get_sample_value("lost_total") == 3


def test_each_label_has_its_source_until_it_is_forgotten() -> None:
    registry = CollectorRegistry()
    readings = Readings("up", "whether", "server")
    registry.register(readings)
    readings.source("notes", lambda: True)
    readings.source("time", lambda: False)
    assert registry.get_sample_value("up", {"server": "notes"}) == 1
    assert registry.get_sample_value("up", {"server": "time"}) == 0
    readings.forget("notes")
    readings.forget("never there")
    assert registry.get_sample_value("up", {"server": "notes"}) is None


def test_sources_beyond_the_cap_are_ignored_and_known_ones_replaced() -> None:
    registry = CollectorRegistry()
    readings = Readings("up", "whether", "server", cap=1)
    registry.register(readings)
    readings.source("a", lambda: 1)
    readings.source("b", lambda: 1)
    readings.source("a", lambda: 7)
    assert registry.get_sample_value("up", {"server": "a"}) == 7
    assert registry.get_sample_value("up", {"server": "b"}) is None


def test_one_owner_tells_all_series_of_a_table_up_to_the_cap() -> None:
    registry = CollectorRegistry()
    tallies = Tallies("things", "how many", ("kind", "state"), cap=2)
    registry.register(tallies)
    assert registry.get_sample_value("things", {"kind": "a", "state": "new"}) is None
    tallies.source(lambda: [(("a", "new"), 1.0), (("a", "old"), 0.0), (("b", "new"), 5.0)])
    assert registry.get_sample_value("things", {"kind": "a", "state": "new"}) == 1
    assert registry.get_sample_value("things", {"kind": "a", "state": "old"}) == 0
    assert registry.get_sample_value("things", {"kind": "b", "state": "new"}) is None
