"""
One server that runs compose.yaml without an engine: what a container needs is up before it, its volumes are folders.

A new volume gets the content and the owner of the place in the image where it is first mounted, as an engine does it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from drills.buildah import Buildah
from drills.composed import Composition, ImageConfig, Mount, Service, identity_of
from drills.namespaces import Network
from support.processes import Program
from support.waiting import until

HEALTHY_WITHIN_S = 120
# Made in every container by buildah.
_ENGINES_OWN = ("dev", "proc", "sys", "tmp", "run/.containerenv", "etc/hosts", "etc/resolv.conf")


@dataclass(slots=True)
class Container:
    """One that was made from its image; *program* runs in it when it is a service's."""

    service: Service
    image: ImageConfig
    name: str
    root: Path
    made_at: float
    program: Program | None = None

    def written(self) -> list[str]:
        """Return the files outside of volumes and ``/tmp`` that were written since: a read-only one would have none."""
        kept = {str(self.root / one) for one in _ENGINES_OWN}
        kept |= {f"{self.root}{one.inside}" for one in self.service.mounts}
        found = []
        for folder, below, files in os.walk(self.root):
            below[:] = [one for one in below if f"{folder}/{one}" not in kept]
            paths = [path for one in files if (path := f"{folder}/{one}") not in kept]
            found += [path for path in paths if os.lstat(path).st_mtime > self.made_at]
        return [path.removeprefix(str(self.root)) for path in found]


class Site:
    """*stand_ins* start what has no image here, by name; *changes* are variables that they need otherwise."""

    def __init__(self, composition: Composition, buildah: Buildah, folder: Path, ending: contextlib.ExitStack) -> None:
        self.composition, self._buildah, self.folder, self._ending = composition, buildah, folder, ending
        services = [one for one in composition.services.values() if one.is_networked]
        self.network = Network(composition.network, services, folder, ending)
        self.stand_ins: dict[str, Callable[[], None]] = {}
        self.changes: dict[str, dict[str, str]] = {}
        self._up: dict[str, Container | None] = {}
        self._jobs: dict[str, Container] = {}

    def up(self, name: str) -> None:
        """Start a service, or run a job to its end, after all that it needs."""
        if name in self._up:
            return
        service = self.composition.services[name]
        for needed in service.needs:
            self.up(needed)
        self._up[name] = None
        if name in self.stand_ins:
            self.stand_ins[name]()
        elif service.is_job:
            self.job(name)
        else:
            self._up[name] = self._serve(service)

    def scale(self, name: str, twin: str) -> Program:
        """Start one more container of a service under the name *twin*."""
        made = self._serve(self.composition.services[name].twin(twin), self.changes.get(name))
        self._up[twin] = made
        assert made.program is not None
        return made.program

    def job(self, name: str) -> str:
        """Run a job to its end and return what it said; it must do well, and write nowhere but where it may."""
        service = self.composition.services[name]
        one = self._jobs.get(service.image)
        if one is None:  # one for all jobs of an image: nothing of one stays for the next, and making it takes long
            one = self._jobs[service.image] = self._ending.enter_context(self._container(service))
        one = replace(one, service=service)
        self._make_volumes(one)
        done = self._run(one, service.argv(one.image))
        assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        assert one.written() == [], f"{name} wrote {one.written()}"
        shutil.rmtree(one.root / "tmp")
        (one.root / "tmp").mkdir()
        (one.root / "tmp").chmod(0o1777)
        return done.stdout + done.stderr

    def execute(self, name: str, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container, as ``docker compose exec`` does."""
        one = self._up[name]
        assert one is not None, f"{name} is not there"
        done = self._run(one, list(argv))
        assert done.returncode == 0 or not check, f"{name}: {argv}: {done.stdout}{done.stderr}"
        return done

    def stop(self, name: str) -> float:
        """End a service by its image's signal, well and in its time; return how long it took (s)."""
        one = self._up.pop(name)
        assert one is not None, f"{name} is not there"
        assert one.program is not None, f"{name} is not there"
        began = time.monotonic()
        os.kill(_main_process(one.program), signal.Signals[one.image.stop_signal])
        assert one.program.process is not None
        code = one.program.process.wait(one.service.stop_within_s)
        assert code == 0, f"{name} ended with {code}:\n{one.program.tail()}"
        assert one.written() == [], f"{name} wrote {one.written()}"
        return time.monotonic() - began

    def volume(self, name: str) -> Path:
        """Return the folder of a volume."""
        return self.folder / "volumes" / name

    def logs(self) -> str:
        """Return the ends of all logs."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {one.name}\n{one.read_text(errors='replace')[-3000:]}" for one in logs)

    def _serve(self, service: Service, changes: dict[str, str] | None = None) -> Container:
        self.changes.setdefault(service.name, changes or {})
        one = self._ending.enter_context(self._container(service))
        self._make_volumes(one)
        log = self.folder / f"{service.name}.log"
        command = self._command(one, one.service.argv(one.image))
        one.program = Program(service.name, command, self._buildah.variables, log).start()
        program = one.program
        self._ending.callback(lambda: program.running and program.kill9())
        self._ending.callback(lambda: program.running and os.kill(_main_process(program), signal.SIGKILL))

        def healthy() -> bool:
            assert program.running, f"{service.name} ended:\n{program.tail()}"
            return self._run(one, service.health).returncode == 0

        until(healthy, within_s=HEALTHY_WITHIN_S, what=f"{service.name} is healthy", every_s=0.5)
        found = identity_of(_main_process(program))
        assert found == service.identity(), f"{service.name} runs as {found}; compose.yaml says {service.identity()}"
        return one

    @contextlib.contextmanager
    def _container(self, service: Service) -> Iterator[Container]:
        image = self._buildah.config(service.image)
        name, root = self._buildah.container(service.image)
        try:
            assert image.user == service.user, f"{service.name}: the image is of {image.user}, not of {service.user}"
            yield Container(service, image, name, root, time.time())
        finally:
            self._buildah.remove(name)

    def _make_volumes(self, one: Container) -> None:
        for mount in one.service.mounts:
            folder, inside = self.volume(mount.source), Path(f"{one.root}{mount.inside}")
            if mount.source.startswith("/") or folder.exists():
                continue
            folder.parent.mkdir(exist_ok=True)
            if inside.is_dir():
                subprocess.run(["cp", "-a", str(inside), str(folder)], check=True)
            else:
                folder.mkdir(mode=0o755)

    def _run(self, one: Container, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(one, argv),
            env=self._buildah.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _command(self, one: Container, argv: list[str]) -> list[str]:
        service = one.service
        prefix = self.network.inside(service.name, is_networked=service.is_networked)
        mounts = [(self._source(mount), mount.inside, "ro" if mount.is_read_only else "rw") for mount in service.mounts]
        told = [f"--volume={source}:{inside}:{how}" for source, inside, how in mounts]
        variables = {"HOME": _home(one), **service.variables, **self.changes.get(service.name, {})}
        told += [f"--env={key}={value}" for key, value in variables.items()]
        told += ["--no-hosts", f"--volume={self.network.hosts}:/etc/hosts:ro"]
        return [*prefix, *self._buildah.words, "run", "--user=0:0", *told, one.name, "--", *service.as_its_user(argv)]

    def _source(self, mount: Mount) -> Path:
        return Path(mount.source) if mount.source.startswith("/") else self.volume(mount.source)


def _home(one: Container) -> str:
    """Return the home of the container's user, which an engine looks up in the image."""
    users = [line.split(":") for line in (one.root / "etc/passwd").read_text().splitlines()]
    return next((each[5] for each in users if each[2] == one.service.user.split(":")[0]), "/")


def _main_process(program: Program) -> int:
    """Return the id of what buildah runs: of those below it the first in a root of its own that is not buildah."""
    assert program.process is not None
    for one in psutil.Process(program.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
            if Path(f"/proc/{one.pid}/root").readlink() != Path("/") and "buildah" not in one.cmdline()[0]:
                return one.pid
    raise AssertionError(f"{program.name} runs nothing:\n{program.tail()}")
