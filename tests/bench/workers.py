"""
Two workers on one load through mosquitto, against one: ``$share`` deals the messages, PostgreSQL is one for both.

Beside the ratio stands what each program took of the machine meanwhile, since that is what limits it: on two cores
broker, database, load and workers all want their part. mosquitto deals messages in turn, so that both workers archive
every device and wait for each other's rows of the ledger; EMQX deals by device (``hash_clientid``).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import time
from collections.abc import Iterator

import httpx
import psutil

from bench.children import child
from bench.figures import Figure, Line, Note, paired
from bench.load import Load, pour
from bench.plant import Plant, mosquitto_plant
from bench.receipts import Receipts, receipts_at
from support.processes import free_ports
from support.waiting import until

READINGS, DEVICES, ROUNDS = 40_000, 100, 5
WITHIN_S, BAR = 90.0, 1.5
SECOND, OTHERS = "ingest-2", "what else the machine does"


def measure() -> list[Line]:
    """Return readings per second of two workers against one, and who used the processor meanwhile."""
    with mosquitto_plant() as plant, receipts_at(plant.plain_port) as receipts:
        (port,) = free_ports(1)
        plant.add(SECOND, ["pulse-ingest"], {"PULSE_INSTANCE": "2", "PULSE_METRICS_PORT": str(port)})
        numbers, used = itertools.count(), _Used(plant)
        rates: dict[int, list[float]] = {1: [], 2: []}
        for turn in range(ROUNDS + 1):
            for workers in (1, 2):
                with _second(plant, port) if workers == 2 else contextlib.nullcontext():
                    rate = _archived(plant, receipts, numbers, used, workers)
                rates[workers] += [rate] if turn else []  # the first seconds of a process are not what is measured
    return [_figure(rates), *(Note(used.told(workers)) for workers in (1, 2))]


def _figure(rates: dict[int, list[float]]) -> Figure:
    return paired("ingest, two workers on one load", rates[2], "one worker", rates[1], bar=BAR)


@contextlib.contextmanager
def _second(plant: Plant, port: int) -> Iterator[None]:
    """Let the second worker run beside the first."""
    plant[SECOND].start()

    def ready() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).is_success
        return False

    try:
        until(ready, within_s=30, what="the second worker is ready")
        yield
    finally:
        plant[SECOND].stop()


def _archived(plant: Plant, receipts: Receipts, numbers: Iterator[int], used: _Used, workers: int) -> float:
    load = Load(f"w{next(numbers)}", READINGS, DEVICES)
    with child(pour, plant.plain_port, load) as publisher, used.by(workers, publisher.pid):
        publisher.tell()
        started = float(publisher.hear(10))
        return READINGS / (receipts.wait(f"{load.run}-", READINGS, within_s=WITHIN_S) - started)


class _Used:
    """Processor time of every program while a load is archived, in parts of a core."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._seen: dict[int, list[dict[str, float]]] = {1: [], 2: []}

    @contextlib.contextmanager
    def by(self, workers: int, load: int) -> Iterator[None]:
        """Note what is used within the block."""
        began, before, busy = time.monotonic(), self._times(load), _busy()
        yield
        took, after = time.monotonic() - began, self._times(load)
        parts = {name: (after[name] - before.get(name, 0.0)) / took for name in after}
        self._seen[workers].append(parts | {OTHERS: max(0.0, (_busy() - busy) / took - sum(parts.values()))})

    def told(self, workers: int) -> str:
        """Return the medians as a sentence."""
        seen = self._seen[workers][1:]
        parts = {name: statistics.median(one[name] for one in seen) for name in seen[0]}
        listed = ", ".join(f"{name} {part:.2f}" for name, part in sorted(parts.items(), key=lambda one: -one[1]))
        word = "worker" if workers == 1 else "workers"
        own = sum(part for name, part in parts.items() if name != OTHERS)
        return f"cores in use with {workers} {word}: {listed}; all of this together {own:.2f} of {os.cpu_count()}"

    def _times(self, load: int) -> dict[str, float]:
        named = {name: one.process.pid for name, one in self._plant.programs.items() if one.running and one.process}
        found = {name: processor_time(psutil.Process(pid)) for name, pid in named.items() if name != "auth-api"}
        ours = {"load": psutil.Process(load), "receipts' listener": psutil.Process()}
        return found | {name: processor_time(one) for name, one in ours.items()}


def _busy() -> float:
    """Return the seconds that all cores together have worked since the machine started."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def processor_time(process: psutil.Process) -> float:
    """Return the seconds of *process* and its children, the ended ones included."""
    times = [process.cpu_times()]
    if process.pid != os.getpid():
        for one in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                times.append(one.cpu_times())
    return sum(one.user + one.system for one in times)
