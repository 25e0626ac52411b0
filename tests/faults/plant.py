"""
The real thing: devices, links, worker, broker and PostgreSQL as processes, and what each fault does to them.

Everything lives in one private folder on free ports. Only processes that were started here are signalled. The API
is no target: no reading passes through it. Read next: ``schedule`` (when what happens), ``compare``.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from faults import outbox_file
from faults.schedule import Fault, Kind, device_names, link_names, link_of
from support.link_proxy import LinkProxy
from support.processes import Program, program, until
from support.stack import Stack, running_stack

SERVICES = ("postgres", "broker", "auth-api", "ingest")
INTERVAL_S = "0.1"
DRAIN_INTERVAL_S = "3600"
DRAINED_WITHIN_S = 240.0


class Plant:
    """
    The processes by name.

    ``made``: by device and stream, the highest number that the device's own commit log has shown; ``restored``: old
    databases put back; ``faulty_ends``: programs that ended unasked, or not as they should,
    and devices that got not rid of all.
    """

    def __init__(self, stack: Stack, devices: int) -> None:
        """Take a running *stack* and enroll *devices* devices; none of them runs yet."""
        self.stack = stack
        self.devices = device_names(devices)
        self.links = {name: LinkProxy(stack.ports["PULSE_MQTTS_PORT"]) for name in link_names(devices)}
        self.made: dict[str, dict[str, int]] = {name: {} for name in self.devices}
        self.restored = 0
        self.faulty_ends: list[str] = []
        self._down = set(self.devices)
        for name in self.devices:
            self._enroll(name, self.links[link_of(name, devices)].port)

    def seed_of(self, device: str) -> int:
        """Return the seed of a device's values."""
        return self.devices.index(device) + 1

    def start_devices(self, interval_s: str = INTERVAL_S) -> None:
        """Start every device, none of which runs."""
        for name in self.devices:
            self._start_device(name, interval_s)

    def begin(self, fault: Fault) -> None:
        """Take the first step of *fault*."""
        if fault.kind is Kind.CUT:
            self.links[fault.target].cut()
        elif fault.kind is Kind.STALL:
            self.links[fault.target].stall()
        elif fault.kind is Kind.KILL:
            self._kill(fault.target)
        elif fault.kind is Kind.RESTART:
            self._end(fault.target)
        else:
            outbox_file.keep_copy(self._outbox(fault.target))

    def middle(self, fault: Fault) -> None:
        """Let the device whose file is to be replaced take no more readings, so that it can get rid of all."""
        self._end(fault.target)
        self._start_device(fault.target, DRAIN_INTERVAL_S)

    def may_end(self, fault: Fault) -> bool:
        """Tell whether *fault* can be ended now: a file is replaced only when it holds no unanswered row."""
        return fault.kind is not Kind.RESTORE or outbox_file.held(self._outbox(fault.target)) == 0

    def end(self, fault: Fault) -> None:
        """Undo *fault*; of a restore, take the last step, or give it up when the file still holds something."""
        if fault.target in self.links:
            self.links[fault.target].mend()
            return
        if fault.kind is Kind.RESTORE:
            self._end(fault.target)
            self._put_back(fault.target)
        if fault.target in self.devices:
            self._start_device(fault.target, INTERVAL_S)
        else:
            self._start(fault.target)

    def notice_ended(self) -> None:
        """Take note of programs that run no more although nobody ended them, and start them again."""
        for name, one in self.stack.programs.items():
            if name not in self._down and not one.running:
                assert one.process is not None
                self.faulty_ends.append(f"{name} ended by itself with {one.process.returncode}:\n{one.tail(5)}")
                one.start()

    def drain(self) -> None:
        """End the taking of readings, wait until every device has got rid of all, and read the commit logs."""
        for name in self.devices:
            self._end(name)
        self.start_devices(DRAIN_INTERVAL_S)
        with contextlib.suppress(AssertionError):  # what is held after all is told below
            until(lambda: not self.held(), within_s=DRAINED_WITHIN_S, what="nothing is held", every_s=0.5)
        for name in self.devices:
            self._end(name)
            self._read_log(name)
        self.faulty_ends += [f"{name} still holds {count} readings" for name, count in self.held().items()]

    def held(self) -> dict[str, int]:
        """Return the number of readings without an answer of each device that has any."""
        counts = {name: outbox_file.held(self._outbox(name)) for name in self.devices}
        return {name: count for name, count in counts.items() if count}

    def close(self) -> None:
        for link in self.links.values():
            link.close()

    def _outbox(self, device: str) -> Path:
        return self.stack.home / "devices" / device / "outbox.db"

    def _enroll(self, name: str, port: int) -> None:
        answer = self.stack.admin.post("/devices/enrollment-codes", json={"client_id": name})
        assert answer.is_success, answer.text
        file = self.stack.home / f"code-{name}"
        file.touch(0o600)
        file.write_text(answer.json()["code"])
        broker, api = f"mqtts://127.0.0.1:{port}", self.stack.address
        command = ["enroll", "--client-id", name, "--api", api, "--code-file", str(file), "--broker", broker]
        log = self.stack.home / "logs" / f"enroll-{name}.log"
        done = Program(f"enroll {name}", [program("pulse-desktop"), *command], self.stack.variables, log).start()
        until(lambda: not done.running, within_s=30, what=f"{name} is enrolled")
        assert done.stop() == 0, done.tail()
        options = ["--headless", "--client-id", name, "--source", "simulator", "--seed", str(self.seed_of(name))]
        self.stack.add(name, ["pulse-desktop", *options])

    def _start_device(self, name: str, interval_s: str) -> None:
        self.stack[name].variables["PULSE_DEVICE_INTERVAL"] = interval_s
        self._start(name)

    def _start(self, name: str) -> None:
        self._down.discard(name)
        self.stack[name].start()

    def _end(self, name: str) -> None:
        self._down.add(name)
        code = self.stack[name].stop(within_s=30)
        # A program that is told to end before it listens for signals ends by the signal itself.
        if code not in {0, -signal.SIGTERM}:
            self.faulty_ends.append(f"{name} ended with {code} when it was asked to:\n{self.stack[name].tail(5)}")

    def _kill(self, name: str) -> None:
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

    def _put_back(self, name: str) -> None:
        file = self._outbox(name)
        self._read_log(name)
        # Unanswered rows that only the newer file holds would be gone, which is a known limit and no fault of ours.
        if outbox_file.held(file) == 0:
            outbox_file.put_back(file)
            self.restored += 1

    def _read_log(self, name: str) -> None:
        made = self.made[name]
        for stream, last in outbox_file.commit_log(self._outbox(name)).items():
            made[stream] = max(last, made.get(stream, 0))


@contextlib.contextmanager
def plant(devices: int) -> Iterator[Plant]:
    """Yield a plant whose services are ready; everything is ended and gone afterwards."""
    with running_stack(*SERVICES) as stack:
        made = Plant(stack, devices)
        try:
            yield made
        finally:
            made.close()
