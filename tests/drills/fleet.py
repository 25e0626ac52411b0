"""
A fleet of simulated devices at 1 Hz for a while: nothing lost, everything archived soon (``make drill-fleet``).

250 devices on the embedded broker as ``make run`` has it, and 1,000 through mosquitto, each with its own connection.
Beside the fleet's own message rate stands what the bare broker carries in the same run, on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import asyncpg
import psutil

from bench.children import Child, child
from bench.embedded import _publisher as paho_publisher
from bench.figures import Limit, Line, Note, percentile
from bench.load import Load, pour
from bench.plant import mosquitto_plant
from bench.subscribers import throw_away
from bench.workers import processor_time
from drills.fleet_device import BEAT_EVERY_S, METRICS, Login, Tally, join
from pulse_runtime.logs import configure_logs
from support.raw_device import RawDevice
from support.stack import Stack, running_stack

FLEETS = {"embedded": 250, "mosquitto": 1_000}
SECONDS, HERTZ, ALL_ANSWERED_WITHIN_S = 600.0, 1.0, 60.0
P99_S, BARE_MESSAGES = 2.0, 10_000
_TURN_S = 0.01


@dataclass(frozen=True, slots=True)
class Fleet:
    """The devices of one run; ``port`` and ``ca_file`` are the broker's (without TLS: None)."""

    logins: list[Login]
    port: int
    ca_file: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What the devices saw; *made* are the readings of each stream by client id."""

    tally: Tally
    made: dict[str, int]
    unanswered: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Archive:
    """For each device how many readings are archived and in how many rows; *size* of all rows with indexes, bytes."""

    readings: dict[str, tuple[int, int]]
    size: int


def fly(pipe: Connection, fleet: Fleet) -> None:
    """Connect the fleet, run it when told, and send what was seen; a child's work."""

    async def work() -> Seen:
        tally = Tally()
        devices = await join(fleet.logins, fleet.port, fleet.ca_file, tally)
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        start, place, beats, sweeps = time.monotonic(), 0, 0, 0
        step, beat_step = 1 / HERTZ / len(devices), BEAT_EVERY_S / len(devices)
        while (now := time.monotonic()) < start + fleet.seconds:
            while start + place * step <= now:
                devices[place % len(devices)].sample(start + place * step)
                place += 1
            while start + beats * beat_step <= now:
                devices[beats % len(devices)].beat(1 / HERTZ)
                beats += 1
            if now > start + sweeps:
                sweeps += 1
                for one in devices:
                    one.resend()
            await asyncio.sleep(_TURN_S)
        took = time.monotonic() - start
        until = time.monotonic() + ALL_ANSWERED_WITHIN_S
        while any(one.unanswered for one in devices) and time.monotonic() < until:
            for one in devices:
                one.resend()
            await asyncio.sleep(0.1)
        made = {one.login.client_id: one.made for one in devices}
        seen = Seen(tally, made, sum(len(one.unanswered) for one in devices), took)
        for one in devices:
            one.close()
        return seen

    pipe.send(asyncio.run(work()))
    pipe.recv()  # until the block around it ends it


def drill(broker: str, devices: int, seconds: float) -> list[Line]:
    """Run a fleet behind *broker* (``embedded`` or ``mosquitto``) and return what is to be said about it."""
    with _embedded(devices, seconds) if broker == "embedded" else _mosquitto(devices, seconds) as (stack, fleet, bare):
        processor = _Processor(stack)
        with child_within(fly, fleet, within_s=60 + devices / 5) as flying:
            flying.tell()
            with processor:
                seen: Seen = flying.hear(seconds + ALL_ANSWERED_WITHIN_S + 30)
        archive = asyncio.run(_archived(stack))
    return judged(broker, seen, archive, bare, str(processor))


def judged(broker: str, seen: Seen, archive: Archive, bare: float, used: str) -> list[Line]:
    """Return the bars and the figures of one run; *used* says what the programs took of the processor."""
    tally, made = seen.tally, sum(seen.made.values())
    missing = sum(abs(count - archive.readings.get(name, (0, 0))[0]) for name, count in seen.made.items())
    rows = sum(rows for _, rows in archive.readings.values())
    messages = (tally.packets_in + tally.packets_out) / seen.took_s
    name = f"{broker}, {len(seen.made)} devices at {HERTZ:g} Hz, {seen.took_s:.0f} s"
    told = f"{made:,} readings; sent again {tally.resent}; connections that ended {tally.ended}"
    half, most = percentile(tally.answered_after, 0.5), max(tally.answered_after)
    return [
        Limit(f"{name}: readings missing from the archive", missing + seen.unanswered + tally.rejected, "", 1, told),
        Limit(f"{name}: rows too many or too few", abs(rows - METRICS * made), "", 1),
        Limit(
            f"{name}: p99 from due to receipt", percentile(tally.answered_after, 0.99), "s", P99_S,
            f"median {half:.3f}, most {most:.3f} s",
        ),
        Note(
            f"{name}: {messages:,.0f} packets/s at the devices, {made / seen.took_s:,.0f} of them readings;"
            f" the bare broker carried {bare:,.0f} messages/s from one publisher to one subscriber; {used};"
            f" {archive.size / max(rows, 1):.0f} bytes of disk a row of the archive"
        ),
    ]  # fmt: skip


@contextmanager
def child_within(work: object, fleet: Fleet, *, within_s: float) -> Iterator[Child]:
    """Run the fleet's process; connecting a thousand devices takes longer than a child may usually take."""
    import bench.children

    before, bench.children.START_WITHIN_S = bench.children.START_WITHIN_S, within_s
    try:
        with child(work, fleet) as made:  # type: ignore[arg-type]
            yield made
    finally:
        bench.children.START_WITHIN_S = before


@contextmanager
def _embedded(devices: int, seconds: float) -> Iterator[tuple[Stack, Fleet, float]]:
    with running_stack("postgres", "broker", "auth-api", "ingest") as stack:
        port, ca_file = stack.ports["PULSE_MQTTS_PORT"], str(stack.home / "ca.pem")
        stack["ingest"].stop()  # the bare broker has nobody else to serve
        token = stack.admin.post("/broker/token", json={}).json()
        names = (token["client_id"], token["username"], token["password"])
        with (
            paho_publisher(stack, "bare-0") as publisher,
            child(throw_away, port, ca_file, BARE_MESSAGES, names) as one,
        ):
            began = publisher.publish(Load("bare", BARE_MESSAGES, devices=1))
            bare = BARE_MESSAGES / (one.hear(120) - began)
        stack["ingest"].start()
        stack.wait_ready()
        with ThreadPoolExecutor(4) as pool:
            logins = list(pool.map(lambda number: _enrolled(stack, f"drill-{number:04}"), range(devices)))
        yield stack, Fleet(logins, port, ca_file, seconds), bare


@contextmanager
def _mosquitto(devices: int, seconds: float) -> Iterator[tuple[Stack, Fleet, float]]:
    with mosquitto_plant() as plant:
        plant["ingest"].stop()
        load, arguments = Load("bare", BARE_MESSAGES), (plant.mqtts_port, str(plant.home / "ca.pem"), BARE_MESSAGES)
        with child(throw_away, *arguments) as listener, child(pour, plant.plain_port, load) as publisher:
            publisher.tell()
            began = float(publisher.hear(10))
            bare = BARE_MESSAGES / (listener.hear(120) - began)
        plant["ingest"].start()
        plant.wait_ready()
        logins = [Login(f"drill-{number:04}") for number in range(devices)]
        yield plant, Fleet(logins, plant.mqtts_port, str(plant.home / "ca.pem"), seconds), bare


def _enrolled(stack: Stack, client_id: str) -> Login:
    device = RawDevice(stack, client_id)
    device.enroll()
    token = device.token()
    return Login(client_id, token["username"], token["password"])


async def _archived(stack: Stack) -> Archive:
    folder = stack.home / "postgres"
    password = (folder / "auth-password").read_text().strip()
    conn = await asyncpg.connect(host=str(folder), user="pulse_auth", database="pulse", password=password)
    try:
        rows = await conn.fetch(
            "SELECT client_id, count(DISTINCT (stream, sequence_no)), count(*) FROM telemetry_data"
            " WHERE client_id LIKE 'drill-%' GROUP BY 1"
        )
        size = await conn.fetchval(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'telemetry_data'::regclass"
        )
    finally:
        await conn.close()
    return Archive({row[0]: (row[1], row[2]) for row in rows}, int(size))


class _Processor:
    """Processor time of the programs within a block, in parts of a core; ``str()`` says it."""

    def __init__(self, stack: Stack) -> None:
        self._pids = {name: one.process.pid for name, one in stack.programs.items() if one.running and one.process}
        self._told = ""

    def __enter__(self) -> None:
        self._began, self._before = time.monotonic(), self._times()

    def __exit__(self, *_: object) -> None:
        took, after = time.monotonic() - self._began, self._times()
        parts = [f"{name} {(after[name] - self._before[name]) / took:.2f}" for name in after]
        self._told = f"cores in use: {', '.join(parts)}"

    def __str__(self) -> str:
        return self._told

    def _times(self) -> dict[str, float]:
        return {name: processor_time(psutil.Process(pid)) for name, pid in self._pids.items()}


def main() -> int:
    """Run both fleets, or one, and print their lines; 1 when a bar was missed."""
    asked = argparse.ArgumentParser(prog="drills.fleet", description=(__doc__ or "").split("\n")[1])
    asked.add_argument("--seconds", type=float, default=SECONDS, help="how long each fleet runs (default: %(default)s)")
    asked.add_argument("--broker", choices=FLEETS, help="one of the two (default: both)")
    asked.add_argument("--devices", type=int, help="instead of 250 and 1,000")
    options = asked.parse_args()
    configure_logs("drill", "warning")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is ended
    lines: list[Line] = []
    for broker in [options.broker] if options.broker else FLEETS:
        for line in drill(broker, options.devices or FLEETS[broker], options.seconds):
            print(line, flush=True)
            lines.append(line)
    return int(any(line.missed for line in lines))


if __name__ == "__main__":
    sys.exit(main())
