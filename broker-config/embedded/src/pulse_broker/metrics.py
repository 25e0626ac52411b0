"""What the broker counts, in Prometheus' terms. Labels are fixed words, never names that a client chose."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """The counters of one broker, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.connections = self._gauge("connections", "Connections that were let in")
        self.sessions = self._gauge("sessions", "Sessions, connected or kept")
        self.retained = self._gauge("retained_messages", "Retained messages")
        self.queued_bytes = self._gauge("queued_bytes", "Bytes waiting for clients")
        self.messages_in = self._counter("messages_in", "Messages taken from clients")
        self.messages_out = self._counter("messages_out", "Messages written to clients")
        self.connects_refused = self._counter("connects_refused", "Connections refused", "reason")
        self.publishes_refused = self._counter("publishes_refused", "Messages dropped at their sender", "reason")
        self.subscriptions_refused = self._counter("subscriptions_refused", "Filters answered with 0x80", "reason")
        self.deliveries_dropped = self._counter("deliveries_dropped", "Messages not handed to a session", "reason")
        self.connections_ended = self._counter("connections_ended", "Connections that ended", "reason")

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"pulse_broker_{name}", meaning, registry=self._registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"pulse_broker_{name}", meaning, labels, registry=self._registry)

    def exposition(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self._registry)

    def value(self, name: str, **labels: str) -> float:
        """Return one figure, 0 when it was never touched; *name* without prefix, counters with ``_total``."""
        return self._registry.get_sample_value(f"pulse_broker_{name}", labels) or 0.0
