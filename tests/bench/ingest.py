"""Live readings archived and receipted by one worker through mosquitto, against subscribers that do less."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.children import Child, child
from bench.figures import Figure, paired
from bench.load import Load, pour
from bench.plant import Plant, mosquitto_plant
from bench.receipts import Receipts, receipts_at
from bench.subscribers import insert_each, throw_away

READINGS, INSERTED, ROUNDS = 30_000, 3_000, 5
WITHIN_S = 60.0
NAME = "ingest, live to receipt"


def measure() -> list[Figure]:
    """Return readings per second against a subscriber that throws away, and one that inserts and commits each."""
    with mosquitto_plant() as plant, receipts_at(plant.plain_port) as receipts:
        numbers = itertools.count()
        _ingested(plant, receipts, numbers)  # the first seconds of a process are not what is measured
        rates, bare, inserted = [], [], []
        for _ in range(ROUNDS):
            bare.append(_without_worker(plant, numbers, throw_away, READINGS))
            rates.append(_ingested(plant, receipts, numbers))
            inserted.append(_without_worker(plant, numbers, insert_each, INSERTED, _database(plant.home)))
        return [
            paired(NAME, rates, "gmqtt that throws away", bare, bar=0.35),
            paired(NAME, rates, "gmqtt that inserts each", inserted, bar=5),
        ]


def _ingested(plant: Plant, receipts: Receipts, numbers: Iterator[int]) -> float:
    load = Load(f"b{next(numbers)}", READINGS)
    with child(pour, plant.plain_port, load) as publisher:
        started = _begin(publisher)
        return READINGS / (receipts.wait(f"{load.run}-", READINGS, within_s=WITHIN_S) - started)


def _without_worker(
    plant: Plant, numbers: Iterator[int], subscriber: Callable[..., None], count: int, *more: Any
) -> float:
    load = Load(f"b{next(numbers)}", count)
    plant["ingest"].stop()
    arguments = (plant.mqtts_port, str(plant.home / "ca.pem"), count, *more)
    with child(subscriber, *arguments) as listener, child(pour, plant.plain_port, load) as publisher:
        started = _begin(publisher)
        rate = count / (listener.hear(WITHIN_S) - started)
    plant["ingest"].start()
    plant.wait_ready()
    return rate


def _begin(publisher: Child) -> float:
    publisher.tell()
    return float(publisher.hear(10))


def _database(home: Path) -> dict[str, str]:
    folder = home / "postgres"
    password = (folder / "ingest-password").read_text().strip()
    return {"host": str(folder), "user": "pulse_ingest", "database": "pulse", "password": password}
