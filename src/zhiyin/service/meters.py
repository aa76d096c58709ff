"""What the service counts, for Prometheus at /metrics. Every application has a registry of its own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from zhiyin.data.store.protocols import Appended
from zhiyin.types import Recommendation

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """Counters of one application. The explored share is explored places / places."""

    def __init__(self, waiting: Callable[[], float]) -> None:
        """`waiting`: how many writes are not yet durable."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "zhiyin_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "zhiyin_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ("route",),
            registry=self._registry,
            buckets=SECONDS,
        )
        self._lists = Counter(
            "zhiyin_recommendations", "Lists shown, by what made them.", ("mode",), registry=self._registry
        )
        self._places = Counter(
            "zhiyin_places",
            "Places of lists, and those only exploration filled.",
            ("kind",),
            registry=self._registry,
        )
        self._events = Counter("zhiyin_events", "Events sent in.", ("outcome",), registry=self._registry)
        self._items = Counter("zhiyin_item_changes", "Items put or deleted.", registry=self._registry)
        gauge = Gauge("zhiyin_writes_waiting", "Writes that are not yet durable.", registry=self._registry)
        gauge.set_function(waiting)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def shown(self, shown: Recommendation) -> None:
        self._lists.labels(shown.mode).inc()
        self._places.labels("all").inc(len(shown.items))
        self._places.labels("explored").inc(sum(place.explored for place in shown.items))

    def appended(self, appended: Appended) -> None:
        self._events.labels("stored").inc(appended.stored)
        self._events.labels("duplicate").inc(appended.duplicates)

    def changed(self, items: int) -> None:
        self._items.inc(items)

    def page(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self._registry)
