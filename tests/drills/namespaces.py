"""
The containers' network by the kernel's own means: a namespace for each, on a bridge that leads nowhere else.

All of it lies within the namespace that the drill itself was started in (``unshare --net --mount --pid``), and ends
with it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import subprocess
import sys
from pathlib import Path

from drills.composed import Service
from support.processes import ROOT, Program
from support.waiting import until

_BRIDGE = "pulse"


class Network:
    """The bridge, with the host as its first address; *names* are told by ``hosts`` to whoever is in it."""

    def __init__(
        self, subnet: ipaddress.IPv4Network, services: list[Service], folder: Path, ending: contextlib.ExitStack
    ) -> None:
        self._folder, self._ending, self._length = folder, ending, subnet.prefixlen
        self._free = (str(one) for one in subnet.hosts())
        self.host = next(self._free)
        self._addresses = {one.name: next(self._free) for one in services}
        self._namespaces: dict[str, list[str]] = {}
        self.hosts = folder / "hosts"
        lines = [f"{self._addresses[one.name]} {' '.join(one.aliases)}" for one in services]
        self.hosts.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))
        _ip("link", "set", "lo", "up")
        _ip("link", "add", _BRIDGE, "type", "bridge")
        _ip("address", "add", f"{self.host}/{self._length}", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")

    def address(self, name: str) -> str:
        """Return the address of a container."""
        return self._addresses[name]

    def take(self, name: str) -> None:
        """Let the host itself have a container's address, for what stands for it there."""
        _ip("address", "add", f"{self._addresses[name]}/{self._length}", "dev", _BRIDGE)

    def inside(self, name: str, *, is_networked: bool = True) -> list[str]:
        """Return the words that start a program in the namespace of a container, which is made at the first call."""
        if name not in self._namespaces:
            log = self._folder / f"namespace-{name}.log"
            holder = self._start(Program(f"namespace of {name}", ["unshare", "--net", "sleep", "infinity"], {}, log))
            own = Path("/proc/self/ns/net").readlink()
            assert holder.process is not None
            pid = holder.process.pid
            until(lambda: Path(f"/proc/{pid}/ns/net").readlink() != own, within_s=10, what="the namespace is there")
            self._namespaces[name] = ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]
            _ip("link", "set", "lo", "up", prefix=self._namespaces[name])
            if is_networked:
                self._addresses.setdefault(name, next(self._free))
                self._connect(name, pid)
        return self._namespaces[name]

    def wire(self, name: str, prefix: list[str], *words: str) -> None:
        """Start ``drills.wires`` within a namespace and wait until it is there."""
        log = self._folder / f"wires-{name}.log"
        command = [*prefix, sys.executable, "-m", "drills.wires", *words]
        one = self._start(Program(f"wires of {name}", command, {"PYTHONPATH": str(ROOT / "tests")}, log))

        def ready() -> bool:
            assert one.running, one.tail()
            return "ready" in one.tail()

        until(ready, within_s=20, what=f"the wires of {name} are there")

    def _connect(self, name: str, pid: int) -> None:
        inside, outside = self._namespaces[name], f"veth{len(self._namespaces)}"
        _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        _ip("link", "set", outside, "master", _BRIDGE, "up")
        _ip("address", "add", f"{self._addresses[name]}/{self._length}", "dev", "eth0", prefix=inside)
        _ip("link", "set", "eth0", "up", prefix=inside)

    def _start(self, one: Program) -> Program:
        self._ending.callback(lambda: one.running and one.stop())
        return one.start()


def _ip(*words: str, prefix: list[str] | None = None) -> None:
    done = subprocess.run([*(prefix or []), "ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
