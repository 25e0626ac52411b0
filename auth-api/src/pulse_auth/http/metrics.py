"""Prometheus metrics of this process; a registry of its own for each application, so that tests do not share."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The registry, and what is counted of every request; other parts of the application register theirs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.requests = Counter(
            "pulse_http_requests_total", "Answered requests", ["method", "route", "status"], registry=self.registry
        )
        self.durations = Histogram(
            "pulse_http_request_seconds", "Time from request to end of answer", ["route"], registry=self.registry
        )

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
