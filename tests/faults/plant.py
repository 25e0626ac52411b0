"""
The real thing: devices, links, workers, broker and PostgreSQL as processes, and how they are started and ended.

Everything lives in one private folder on free ports. Only processes that were started here are signalled. The API
is no target: no reading passes through it. Read next: ``deeds`` (what the faults do), ``schedule`` (when).
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

import psutil

from faults import mosquitto, outbox_file, small_disk
from faults.links import Links
from faults.schedule import Kind, device_names, targets
from faults.small_disk import SmallDisk
from faults.truth import Truth
from faults.wall_clock import WallClock
from support.processes import Program, free_ports, program
from support.stack import Stack, running_stack
from support.waiting import until

SERVICES = ("postgres", "broker", "auth-api", "ingest")
SECOND = "ingest-2"
EMBEDDED = "embedded"
BROKERS: dict[str, tuple[dict[str, str], Callable[[Stack], None]]] = {
    EMBEDDED: ({}, lambda _: None),
    "mosquitto": (mosquitto.VARIABLES, mosquitto.replace_broker),
}
INTERVAL_S = "0.1"
DRAIN_INTERVAL_S = "3600"
DRAINED_WITHIN_S = 240.0
SMALL_BUFFER = {"buffer_limit": "1000"}
POLICIES = ("drop_oldest", "refuse_new")


class Plant:
    """
    The processes by name.

    ``truth``: by device, what its files have said; ``faulty_ends``: programs that ended unasked, or not as they
    should, and devices that got not rid of all; ``clones``: by their names, the devices that they are copies of.
    """

    def __init__(self, stack: Stack, devices: int) -> None:
        """Take a running *stack* for *devices* devices, which ``enroll`` makes known to it; none of them runs yet."""
        self.stack = stack
        self.devices = device_names(devices)
        self.links = Links(self.devices, stack.ports["PULSE_MQTTS_PORT"])
        self.truth = {name: Truth() for name in self.devices}
        self.faulty_ends: list[str] = []
        self.clones: dict[str, str] = {}
        self.clocks = {name: WallClock(stack.home, name) for name in targets(Kind.CLOCK, devices)}
        self.disks: dict[str, SmallDisk] = {}
        self._small_buffers = targets(Kind.BUFFER_FULL, devices)
        self._down = {*self.devices, SECOND}
        stack.add(SECOND, ["pulse-ingest"], {"PULSE_INSTANCE": "2", "PULSE_METRICS_PORT": str(free_ports(1)[0])})

    def enroll(self) -> None:
        """Mount the small disks and enroll every device; ``close`` is to be called also when this fails."""
        (self.stack.home / "devices").mkdir(mode=0o700)
        for name in targets(Kind.DISK_FULL, len(self.devices)) if small_disk.can_mount() else ():
            self.disks[name] = SmallDisk.mounted(self.outbox(name).parent)
        for name in self.devices:
            self._enroll(name)

    @property
    def cannot(self) -> frozenset[Kind]:
        """What this machine does not let us do."""
        return frozenset() if self.disks else frozenset({Kind.DISK_FULL})

    def seed_of(self, device: str) -> int:
        """Return the seed of a device's values."""
        return self.devices.index(device) + 1

    def start_devices(self, interval_s: str = INTERVAL_S) -> None:
        """Start every device, none of which runs."""
        for name in self.devices:
            self.start_device(name, interval_s)

    def make_buffers_small(self) -> None:
        """Give some devices, which run, little room: half of them drop their oldest, half refuse new readings."""
        for number, name in enumerate(self._small_buffers):
            settings = {**SMALL_BUFFER, "buffer_full_policy": POLICIES[number % len(POLICIES)]}
            for key, value in settings.items():
                outbox_file.store_setting(self.outbox(name), key, value)

    def notice_ended(self) -> None:
        """Take note of programs that run no more although nobody ended them, and start them again."""
        for name, one in self.stack.programs.items():
            if name not in self._down and not one.running:
                assert one.process is not None
                self.faulty_ends.append(f"{name} ended by itself with {one.process.returncode}:\n{one.tail(5)}")
                one.start()

    def drain(self) -> None:
        """End the taking of readings, wait until devices and then clones have got rid of all, and read their logs."""
        for name in [*self.devices, *self.clones]:
            if name not in self._down:
                self.end(name)
        self._drain(self.devices)
        copies = [[clone for clone, of in self.clones.items() if of == name] for name in self.devices]
        for group in zip_longest(*copies):  # two with one id would be in each other's way
            self._drain([name for name in group if name is not None])

    def _drain(self, names: list[str]) -> None:
        for name in names:
            self.start_device(name, DRAIN_INTERVAL_S)
        with contextlib.suppress(AssertionError):  # what is held after all is told below
            until(lambda: self._hold_nothing(names), within_s=DRAINED_WITHIN_S, what="nothing is held", every_s=0.5)
        for name in names:
            self.end(name)
            self.read_truth(name)
        self.faulty_ends += [f"{name} still holds {count} readings" for name, count in self._held(names).items()]

    def _hold_nothing(self, names: list[str]) -> bool:
        self.notice_ended()
        return not self._held(names)

    def _held(self, names: list[str]) -> dict[str, int]:
        counts = {name: outbox_file.held(self.outbox(name)) for name in names}
        return {name: count for name, count in counts.items() if count}

    def close(self) -> None:
        """Give up what is not a program, all of it whatever goes wrong."""
        with contextlib.ExitStack() as closing:
            for disk in self.disks.values():
                closing.callback(disk.close)
            closing.callback(self.links.close)

    def outbox(self, device: str) -> Path:
        """Return the file of a device or a clone."""
        return self.stack.home / ("clones" if device in self.clones else "devices") / device / outbox_file.FILE_NAME

    def read_truth(self, device: str) -> None:
        """Remember what the file of a device or a clone says; to be done before it is replaced."""
        self.truth[self.clones.get(device, device)].read(self.outbox(device))

    def add_clone(self, device: str) -> str:
        """Copy the folder of *device*, which may run, and return the name of the clone, which does not run yet."""
        name = f"{device}-clone-{len(self.clones) + 1}"
        self.clones[name] = device
        self._down.add(name)
        folder = self.outbox(name).parent
        outbox_file.copy_folder(self.outbox(device), folder)
        self.stack.add(name, ["pulse-desktop", *self._options(device)], {"PULSE_DEVICE_DIR": str(folder)})
        return name

    def backfill(self, device: str, count: int) -> None:
        """Let *device*, which does not run, record *count* readings of the past hour."""
        every_s = 3600 / count
        command = ["backfill", "--client-id", device, "--source", "simulator", "--seed", str(self.seed_of(device))]
        self._finish("backfill", device, [*command, "--hours", "1", "--every", f"{every_s:.3f}"])

    def start_device(self, name: str, interval_s: str = INTERVAL_S) -> None:
        """Start a device or a clone."""
        self.stack[name].variables["PULSE_DEVICE_INTERVAL"] = interval_s
        self.start(name)

    def start(self, name: str) -> None:
        """Start any program."""
        self._down.discard(name)
        self.stack[name].start()

    def end(self, name: str) -> None:
        """Ask a program to end."""
        self._down.add(name)
        code = self.stack[name].stop(within_s=30)
        # A program that is told to end before it listens for signals ends by the signal itself.
        if code not in {0, -signal.SIGTERM}:
            self.faulty_ends.append(f"{name} ended with {code} when it was asked to:\n{self.stack[name].tail(5)}")

    def kill(self, name: str) -> None:
        """End a program at whatever instruction it is."""
        self._down.add(name)
        server = self._postmaster() if name == "postgres" else None
        self.stack[name].kill9()
        if server is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                server.kill()
                server.wait(10)

    def _postmaster(self) -> psutil.Process | None:
        """Return the server's own process: ``pulse-auth-api postgres`` is only what runs it."""
        runner = self.stack["postgres"].process
        assert runner is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(runner.pid).children(recursive=True)
            return next((one for one in children if one.name() == "postgres"), None)
        return None

    def _enroll(self, name: str) -> None:
        answer = self.stack.admin.post("/devices/enrollment-codes", json={"client_id": name})
        assert answer.is_success, answer.text
        file = self.stack.home / f"code-{name}"
        file.touch(0o600)
        file.write_text(answer.json()["code"])
        broker, api = f"mqtts://127.0.0.1:{self.links.port(name)}", self.stack.address
        options = ["--client-id", name, "--api", api, "--code-file", str(file), "--broker", broker]
        self._finish("enroll", name, ["enroll", *options])
        clock = self.clocks[name].variables if name in self.clocks else {}
        self.stack.add(name, ["pulse-desktop", *self._options(name)], clock)

    def _options(self, name: str) -> list[str]:
        return ["--headless", "--client-id", name, "--source", "simulator", "--seed", str(self.seed_of(name))]

    def _finish(self, what: str, name: str, command: list[str]) -> None:
        log = self.stack.home / "logs" / f"{what}-{name}.log"
        done = Program(f"{what} {name}", [program("pulse-desktop"), *command], self.stack.variables, log).start()
        until(lambda: not done.running, within_s=30, what=f"{name}: {what} is done")
        assert done.stop() == 0, done.tail()


@contextlib.contextmanager
def plant(devices: int, broker: str = EMBEDDED) -> Iterator[Plant]:
    """Yield a plant whose services are ready, with one of ``BROKERS``; everything is ended and gone afterwards."""
    variables, prepare = BROKERS[broker]
    with running_stack(*SERVICES, variables=variables, prepare=prepare) as stack:
        made = Plant(stack, devices)
        try:
            made.enroll()
            yield made
        finally:
            made.close()
