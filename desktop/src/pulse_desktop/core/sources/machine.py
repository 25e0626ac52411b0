"""
This machine as a source: processor, memory, disk, network, power, through psutil (its only importer).

What a machine does not have is left out, alone; at least one integer, decimal and boolean are always there.
Figures that change slowly or are dear to read are read once a second at most.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import structlog

from ..readings import MetricValue

log = structlog.get_logger()
FIRST_SPAN_S = 0.1
SLOW_EVERY_S = 1.0
Group = Callable[[], dict[str, MetricValue]]


class Machine:
    """Reads psutil; *monotonic* and *wall* are the clocks in seconds, *disk* the folder whose disk is watched."""

    def __init__(
        self, disk: Path, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._disk, self._monotonic, self._wall = str(disk), monotonic, wall
        self._fast: tuple[Group, ...] = (self._processor, self._memory, self._disk_traffic, self._network)
        self._slow: tuple[Group, ...] = (self._disk_space, self._system, self._power, self._temperature)
        self._slow_values: dict[str, MetricValue] = {}
        self._slow_at = float("-inf")
        self._failed: set[str] = set()
        self._first_span_s: float | None = FIRST_SPAN_S

    def read(self) -> dict[str, MetricValue]:
        """Return the values of this moment."""
        now = self._monotonic()
        if now - self._slow_at >= SLOW_EVERY_S:
            self._slow_values = self._gather(self._slow)
            self._slow_at = now
        return self._gather(self._fast) | self._slow_values

    def close(self) -> None:
        """Nothing is held."""

    def _gather(self, groups: tuple[Group, ...]) -> dict[str, MetricValue]:
        found: dict[str, MetricValue] = {}
        for group in groups:
            try:
                found |= group()
            except (OSError, RuntimeError, psutil.Error, NotImplementedError, AttributeError) as error:
                if group.__name__ not in self._failed:
                    self._failed.add(group.__name__)
                    log.warning("desktop.figures_missing", group=group.__name__.strip("_"), reason=str(error))
        return found

    def _processor(self) -> dict[str, MetricValue]:
        # Load is measured since the call before; the first one has none before it and measures a span of its own,
        # else the first point of every chart would be a zero that never was.
        cores = psutil.cpu_percent(interval=self._first_span_s, percpu=True)
        self._first_span_s = None
        return {"cpu/percent": sum(cores) / len(cores), "cpu/max_core_percent": max(cores)}

    def _memory(self) -> dict[str, MetricValue]:
        memory = psutil.virtual_memory()
        return {
            "memory/percent": float(memory.percent),
            "memory/used_bytes": int(memory.used),
            "memory/available_bytes": int(memory.available),
        }

    def _disk_traffic(self) -> dict[str, MetricValue]:
        traffic = psutil.disk_io_counters()
        if traffic is None:
            return {}
        return {"disk/read_bytes": int(traffic.read_bytes), "disk/written_bytes": int(traffic.write_bytes)}

    def _network(self) -> dict[str, MetricValue]:
        traffic = psutil.net_io_counters()
        return {"network/sent_bytes": int(traffic.bytes_sent), "network/received_bytes": int(traffic.bytes_recv)}

    def _disk_space(self) -> dict[str, MetricValue]:
        space = psutil.disk_usage(self._disk)
        return {"disk/percent": float(space.percent), "disk/free_bytes": int(space.free)}

    def _system(self) -> dict[str, MetricValue]:
        return {
            "system/load_1m": float(os.getloadavg()[0]),
            "system/processes": len(psutil.pids()),
            "system/uptime_s": int(self._wall() - psutil.boot_time()),
        }

    def _power(self) -> dict[str, MetricValue]:
        battery = psutil.sensors_battery()
        if battery is None:
            return {"power/on_mains": True}  # no battery: it runs, so it is plugged in
        return {"power/on_mains": battery.power_plugged is not False, "power/battery_percent": float(battery.percent)}

    def _temperature(self) -> dict[str, MetricValue]:
        sensors = [reading.current for chip in psutil.sensors_temperatures().values() for reading in chip]
        return {"temperature/highest_c": float(max(sensors))} if sensors else {}
