"""
What compose.yaml says of each container, and the command that makes an engine's start of it with what Debian has.

Users, groups and privileges are set by setpriv as an engine would set them; images and chroot are buildah's. A network
is that of ``namespaces``. Limits and read-only file systems are left to an engine.
"""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.processes import ROOT


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image says of itself: what it starts, as whom, and the signal that ends it."""

    entrypoint: list[str]
    command: list[str]
    user: str
    stop_signal: str

    @staticmethod
    def read(told: dict[str, Any]) -> ImageConfig:
        """Read the ``config`` of an image's description (OCI)."""
        entrypoint, command = told.get("Entrypoint") or [], told.get("Cmd") or []
        return ImageConfig(entrypoint, command, told.get("User", ""), told.get("StopSignal", "SIGTERM"))


@dataclass(frozen=True, slots=True)
class Mount:
    """*source* is a volume's name, or an absolute path of the host."""

    source: str
    inside: str
    is_read_only: bool


class Service:
    """One container of compose.yaml, resolved."""

    def __init__(self, name: str, described: dict[str, Any]) -> None:
        self.name, self._described = name, described
        self.image: str = described["image"]
        self.dockerfile: str | None = described.get("build", {}).get("dockerfile")
        self.user: str = str(described["user"])
        self.variables: dict[str, str] = {key: str(value) for key, value in described.get("environment", {}).items()}
        self.needs: list[str] = list(described.get("depends_on") or {})
        self.is_job = described["labels"]["precisionpulse.kind"] == "job"
        self.is_networked = described.get("network_mode") != "none"
        self.stop_within_s = seconds(described["stop_grace_period"])
        self.health: list[str] = described.get("healthcheck", {}).get("test", [])[1:]

    def twin(self, name: str) -> Service:
        """Return one more of the same kind, as ``scale`` starts it."""
        return Service(name, self._described)

    @property
    def aliases(self) -> list[str]:
        """The names under which others in the internal network find it."""
        network = (self._described.get("networks") or {}).get("internal") or {}
        return [self.name, *network.get("aliases", [])]

    @property
    def ports(self) -> dict[int, int]:
        """Ports of the host, each with the container's own."""
        return {int(one["published"]): int(one["target"]) for one in self._described.get("ports", [])}

    @property
    def mounts(self) -> list[Mount]:
        """Volumes and files of the host."""
        parts = [one.split(":") for one in self._described.get("volumes", [])]
        return [Mount(source, inside, how == "ro") for source, inside, how in parts]

    def argv(self, image: ImageConfig) -> list[str]:
        """Return what is started; an entrypoint given here puts the image's command aside too."""
        entrypoint, command = self._described.get("entrypoint"), self._described.get("command")
        if entrypoint is None:
            return [*image.entrypoint, *(image.command if command is None else command)]
        return [*entrypoint, *(command or [])]

    def as_its_user(self, argv: list[str]) -> list[str]:
        """
        Return *argv* started by root of the container as the container's user, its output's pipes its own.

        No privilege is left and none can be won: of ``cap_drop``, ``security_opt`` and ``group_add``.
        """
        uid, gid = self.user.split(":")
        groups = ",".join(str(one) for one in self._described.get("group_add", []))
        limits = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
        own = ["sh", "-c", f'chown {uid} /proc/self/fd/1 /proc/self/fd/2; exec "$@"', "sh"]
        belongs = f"--groups={groups}" if groups else "--clear-groups"
        return [*own, "setpriv", f"--reuid={uid}", f"--regid={gid}", belongs, *limits, *argv]

    def identity(self) -> dict[str, list[int]]:
        """Return what the kernel has to say of the running program's user and privileges (``/proc/PID/status``)."""
        uid, gid = (int(one) for one in self.user.split(":"))
        groups = sorted(int(one) for one in self._described.get("group_add", []))
        return {"Uid": [uid] * 4, "Gid": [gid] * 4, "Groups": groups, "NoNewPrivs": [1], "CapBnd": [0], "CapEff": [0]}


@dataclass(frozen=True, slots=True)
class Composition:
    """All services by name, and the network among them."""

    services: dict[str, Service]
    network: ipaddress.IPv4Network

    def images(self) -> dict[str, str]:
        """Return each image that is built here with its Dockerfile."""
        return {one.image: one.dockerfile for one in self.services.values() if one.dockerfile}


def read_composition(host: str) -> Composition:
    """
    Read compose.yaml as Debian's docker-compose resolves it for a server of the name *host*.

    It tells of all profiles; of these the jobs are taken, since what is of another one has no image that is built here.
    """
    with tempfile.NamedTemporaryFile() as empty:
        command = ["docker-compose", "--env-file", empty.name, "-f", str(ROOT / "compose.yaml")]
        variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PULSE_HOST": host}
        done = subprocess.run([*command, "config"], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load(done.stdout.replace("$$", "$"))  # it writes what it could read again
    chosen = {name: one for name, one in told["services"].items() if one.get("profiles", ["jobs"]) == ["jobs"]}
    services = {name: Service(name, one) for name, one in chosen.items()}
    subnet = told["networks"]["internal"]["ipam"]["config"][0]["subnet"]
    return Composition(services, ipaddress.IPv4Network(subnet))


def identity_of(pid: int) -> dict[str, list[int]]:
    """Return the running program's user, groups and privileges, as ``Service.identity`` wants them."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = dict(line.split(":\t") for line in text.splitlines() if ":\t" in line)
    numbers = {name: [int(one) for one in found[name].split()] for name in ("Uid", "Gid", "Groups", "NoNewPrivs")}
    return {**numbers, **{name: [int(found[name], 16)] for name in ("CapBnd", "CapEff")}}


def seconds(text: str) -> float:
    """Return a duration of compose.yaml (``1m30s``) in seconds."""
    units = {"h": 3600, "m": 60, "s": 1}
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"([0-9]+)([hms])", text)))
