"""agentgateway's names for what we count under the conventions' own, so that dashboards made for it go on working.

Made when somebody scrapes, from the families that are there: nothing is counted twice. Above: `metrics.py`. Below:
`model_metrics.py`.
"""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from .model_metrics import ModelMetrics

PREFIX = "agentgateway_"
LABELS = {"gen_ai_provider_name": "gen_ai_system"}
"""Its spelling of labels is that of the conventions before 1.37."""


class AgentgatewayNames(Collector):
    """Token usage, durations, cost and the build, under its names and with its labels."""

    def __init__(self, models: ModelMetrics, version: str) -> None:
        self._models = models
        self._version = version

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        for name, family in self._models.histograms.items():
            for metric in family.collect():
                yield _renamed(metric, f"{PREFIX}{name}")
        for metric in self._models.costs.collect():
            yield _counted(metric, f"{PREFIX}gen_ai_client_cost_usd")
        build = GaugeMetricFamily(f"{PREFIX}build_info", "What runs here", labels=["tag"])
        build.add_metric([self._version], 1)
        yield build


def _renamed(metric: Metric, name: str) -> Metric:
    made = Metric(name, metric.documentation, metric.type)
    made.samples = [
        Sample(f"{name}{sample.name.removeprefix(metric.name)}", _labels(sample.labels), sample.value)
        for sample in metric.samples
    ]
    return made


def _counted(metric: Metric, name: str) -> Metric:
    made = CounterMetricFamily(name, metric.documentation)
    made.samples = [Sample(f"{name}_total", _labels(sample.labels), sample.value) for sample in metric.samples]
    return made


def _labels(labels: dict[str, str]) -> dict[str, str]:
    return {LABELS.get(name, name): value for name, value in labels.items()}
