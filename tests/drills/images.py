"""
The images of compose.yaml, built without a container engine, and what is in them started as it says.

``make drill-images``. Then it does what docs/deployment.md has a person do: sign in with the printed password, enroll
a desktop through the published ports. In EMQX's and PostgreSQL's place stand those of the tests; see
docs/deployment.md for what that leaves untried.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from drills.buildah import Buildah
from drills.composed import Composition, read_composition
from drills.site import Site
from support.own_postgres import OwnPostgres
from support.processes import Program, program
from support.waiting import until

HOST, DEVICE = "pulse.example.org", "PRESS-7"
SERVICES = ("auth-api", "edge", "ingest-worker")
TWIN = "ingest-worker-2"
JOBS = ("secrets", "certificates", "migrations")
READINGS = 3


def main() -> int:
    """Build, and start in network, mounts and processes of its own, so that nothing of it is left on this machine."""
    asked = argparse.ArgumentParser(prog="drills.images", description=(__doc__ or "").split("\n")[1])
    asked.add_argument("--work", type=Path, default=Path("/var/tmp/pulse-images"), help="keeps the stand-in")
    asked.add_argument("--only", choices=["build", "start"], help="one half (default: both)")
    options = asked.parse_args()
    if os.geteuid() != 0:
        sys.exit("PrecisionPulse: buildah's chroot needs root here; run make drill-images as root.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is ended
    options.work.mkdir(parents=True, exist_ok=True)
    composition = read_composition(HOST)
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        buildah = Buildah(options.work.resolve(), Path(folder))
        if options.only != "start":
            build(composition, buildah)
        if options.only == "build":
            return 0
        if options.only == "start":
            start(composition, buildah)
            return 0
    spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    own = ["unshare", *spaces, sys.executable, "-m", "drills.images"]
    return subprocess.run([*own, "--only", "start", "--work", str(options.work)], check=False).returncode


def build(composition: Composition, buildah: Buildah) -> None:
    """Build every image, the stand-in for their bases first; containers of a drill that was broken off go."""
    buildah("rm", "--all")
    timed("stand-in for the base images", buildah.make_stand_in)
    for image, dockerfile in composition.images().items():
        timed(f"image {image}", lambda image=image, file=dockerfile: buildah.build(image, file))  # type: ignore[misc]
        say(f"image {image}: {buildah.size(image)}")
    buildah("rmi", "--prune")  # those of an earlier time


def start(composition: Composition, buildah: Buildah) -> None:
    """Start everything, do what the documentation says, and end everything."""
    folder = Path(tempfile.mkdtemp(dir=buildah.folder, prefix="site-"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as ending:
        ending.callback(shutil.rmtree, folder)
        deployment = Deployment(Site(composition, buildah, folder, ending), ending)
        try:
            deployment.follow()
        except BaseException:
            print(deployment.site.logs(), file=sys.stderr)
            raise


class Deployment:
    """The person at the server *site*, and what stands for EMQX and PostgreSQL there."""

    def __init__(self, site: Site, ending: contextlib.ExitStack) -> None:
        self.site, self._ending = site, ending
        self.home = site.folder / "person"
        self.home.mkdir(mode=0o700)
        self.postgres = OwnPostgres(Path(tempfile.mkdtemp(prefix="pulse-pg-")))
        ending.callback(shutil.rmtree, self.postgres.folder)
        site.stand_ins = {"postgres": self._start_postgres, "emqx": self._start_broker}
        # The embedded broker is no EMQX: it speaks MQTT 3.1.1, and is managed on loopback alone.
        site.changes = {
            "auth-api": {"PULSE_BROKER_API_URL": "http://127.0.0.1:18083/api/v5"},
            "ingest-worker": {"PULSE_MQTT_VERSION": "3.1.1"},
        }

    def follow(self) -> None:
        """Do what docs/deployment.md says, and end all services."""
        for name in (*JOBS, *SERVICES):
            timed(f"{name} {'ended well' if name in JOBS else 'is healthy'}", lambda name=name: self.site.up(name))  # type: ignore[misc]
        self._publish()
        timed("signed in on the dashboard", self._sign_in)
        with contextlib.ExitStack() as desktop:
            timed(f"{READINGS} readings of an enrolled desktop are archived", lambda: self._enroll(desktop))
            timed("a second worker found itself another number", self._scale)
            timed("the figures of both workers are given for the key, inside", self._scrape)
            timed("the doctor finds nothing wrong", self._examine)
        timed("a second up changes nothing", self._again)
        timed("devices are asked for what a restored archive has forgotten", self._reconcile)
        for name in (TWIN, *reversed(SERVICES)):
            say(f"{name} ended well after {self.site.stop(name):.1f} s")

    def _sign_in(self) -> None:
        password = self.site.execute("auth-api", "cat", "/var/lib/pulse/initial-admin-password").stdout.strip()
        authority = self.home / "pulse-ca.pem"
        authority.write_text(self.site.execute("auth-api", "cat", "/run/pulse/trust/ca.pem").stdout)
        context = ssl.create_default_context(cafile=str(authority))
        with httpx.Client(base_url=f"https://{HOST}", verify=context, timeout=10) as browser:
            assert httpx.get(f"http://{HOST}/").headers["location"] == f"https://{HOST}/"
            page = browser.get("/")
            assert page.status_code == 200, page.text
            assert "script-src 'self' 'sha" in page.headers["content-security-policy"], "no dashboard is in the image"
            answer = browser.post("/api/v1/auth/login", json={"username": "admin", "password": password})
            assert answer.is_success, answer.text

    def _enroll(self, ending: contextlib.ExitStack) -> None:
        words = ["pulse-auth-api", "enrollment-code", "--client-id", DEVICE]
        code = self.site.execute("auth-api", *words).stdout
        variables = {"PULSE_HOME": str(self.home / "desktop"), "PULSE_DEVICE_KEYS": "file"}
        words = ["enroll", "--api", f"https://{HOST}", "--client-id", DEVICE, "--code-file", "-"]
        done = subprocess.run(
            [program("pulse-desktop"), *words],
            input=code, env={**os.environ, **variables}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        log = self.site.folder / "desktop.log"
        desktop = Program("desktop", [program("pulse-desktop"), "--headless"], variables, log)
        ending.callback(lambda: ended_well(desktop))
        desktop.start()
        until(lambda: self._archived(desktop) >= READINGS, within_s=60, what=f"{READINGS} readings are archived")

    def _archived(self, desktop: Program) -> int:
        assert desktop.running, desktop.tail()
        counted = "SELECT count(DISTINCT (stream, sequence_no)) FROM telemetry_data WHERE client_id = "
        return int(self.postgres.ask(f"{counted}'{DEVICE}'")[0])

    def _again(self) -> None:
        before = self._made()
        for name in JOBS:
            self.site.job(name)
        assert self._made() == before, "a job changed what was good"

    def _scale(self) -> None:
        worker = self.site.scale("ingest-worker", TWIN)
        assert '"instance": "2"' in worker.tail(), worker.tail()

    def _scrape(self) -> None:
        """Ask each worker for its figures from another container, as Prometheus does, and without the key."""
        key = (self.site.volume("secrets-metrics") / "ingest-key").read_text().strip()
        asked = "u.Request(sys.argv[1], headers={'Authorization': sys.argv[2]})"
        asking = f"import sys, urllib.request as u; print(u.urlopen({asked}).read().decode())"
        for worker in ("ingest-worker", TWIN):
            place = f"http://{self.site.network.address(worker)}:9464/metrics"
            told = self.site.execute("auth-api", "python", "-c", asking, place, f"Bearer {key}").stdout
            assert "pulse_ingest_connected 1.0" in told, told
            refused = self.site.execute("auth-api", "python", "-c", asking, place, "Bearer no", check=False)
            assert "HTTP Error 401" in refused.stderr, refused.stderr

    def _reconcile(self) -> None:
        """Run the job after a restore, which leaves the time in the folder of the backups."""
        (self.site.volume("backups") / "reconcile-since").write_text("2026-01-01T00:00:00Z\n")
        said = self.site.job("reconcile")
        assert "Stored: everything since 2026-01-01" in said, said

    def _made(self) -> dict[str, tuple[str, int, int]]:
        """Return every file that the jobs made, with the hash of its content, its owner and its mode."""
        volumes = self.site.folder / "volumes"
        files = [one for name in ("secrets-*", "trust", "authority") for one in volumes.glob(f"{name}/*")]
        assert len(files) > 10, files
        told = {str(one): (hashlib.sha256(one.read_bytes()).hexdigest(), one.stat()) for one in files}
        return {name: (content, stat.st_uid, stat.st_mode) for name, (content, stat) in told.items()}

    def _examine(self) -> None:
        told = self.site.execute("auth-api", "pulse-auth-api", "doctor").stdout.strip()
        warned = [line for line in told.splitlines() if line.startswith("warning")]
        say("\n".join([f"doctor: {told.splitlines()[-1]}", *warned]))

    def _publish(self) -> None:
        """Publish the ports of the services at loopback, where the person's machine finds the server's name."""
        passes = []
        for name in SERVICES:
            ports = self.site.composition.services[name].ports
            passes += [f"127.0.0.1:{own}={self.site.network.address(name)}:{its}" for own, its in ports.items()]
        self.site.network.wire("published ports", [], *passes)
        hosts = self.site.folder / "hosts-outside"
        hosts.write_text(f"127.0.0.1 localhost {HOST}\n")
        subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)

    def _start_postgres(self) -> None:
        """Start PostgreSQL with the passwords that the job made, as the image's script does at its first start."""
        for one in self.postgres.secrets.iterdir():
            one.write_bytes((self.site.volume("secrets-postgres") / one.name).read_bytes())
        self._ending.callback(self.postgres.stop)
        self.postgres.start()
        network = self.site.network
        network.take("postgres")
        socket = self.postgres.folder / ".s.PGSQL.5432"
        network.wire("postgres", [], f"{network.address('postgres')}:5432={socket}")

    def _start_broker(self) -> None:
        """Start the embedded broker with the certificates, the management key and the token keys of the deployment."""
        home, volume = self.site.folder / "broker", self.site.volume
        home.mkdir(mode=0o700)
        for name in ("ca.pem", "server.pem", "server-key.pem", "api_keys"):
            shutil.copy(volume("secrets-emqx") / name, home / name)
            (home / name).chmod(0o600)
        variables = {
            "PULSE_HOME": str(home),
            "PULSE_BROKER_API_KEY_FILE": str(home / "api_keys"),
            "PULSE_PUBLIC_URL": f"https://{HOST}",
            "PULSE_JWKS_FILE": str(volume("auth-home") / "keys" / "jwks.json"),
            "PULSE_CA_FILE": str(home / "ca.pem"),
            "PULSE_TLS_CERT_FILE": str(home / "server.pem"),
            "PULSE_TLS_KEY_FILE": str(home / "server-key.pem"),
        }
        broker = Program("broker", [program("pulse-broker")], variables, self.site.folder / "broker.log")
        self._ending.callback(lambda: broker.running and broker.stop())
        broker.start()
        network = self.site.network
        network.take("emqx")
        here = [f"{network.address('emqx')}:{port}=127.0.0.1:{port}" for port in (8883, 8084, 18083)]
        network.wire("emqx", [], *here)
        there = f"127.0.0.1:18083={network.address('emqx')}:18083"
        network.wire("auth-api", network.inside("auth-api"), there)
        network.wire("edge", network.inside("edge"), "--names", str(network.hosts))


def ended_well(one: Program) -> None:
    """End a program and make sure that it ends well."""
    code = one.stop()
    assert code == 0, f"{one.name} ended with {code}:\n{one.tail()}"


def timed(what: str, work: Callable[[], object]) -> None:
    """Do *work* and say how long it took."""
    began = time.monotonic()
    work()
    say(f"{what}: {time.monotonic() - began:.1f} s")


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(f"drill-images: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
