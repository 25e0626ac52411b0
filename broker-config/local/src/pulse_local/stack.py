"""
``make run``: check that it can start, start everything under honcho, say where it is, and end it cleanly.

Nothing is started before the folder, the ports and the lock are known to be free. The programs and their
order of appearance stand in the ``Procfile``; they wait for one another by themselves.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import psutil

from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

from .device import first_device_id
from .ports import refuse_taken
from .supervise import MISCONFIGURED, REFUSED, STOPPING, end_with_parent

PORTS = (
    "PULSE_HTTP_PORT",
    "PULSE_MQTT_WS_PORT",
    "PULSE_MQTTS_PORT",
    "PULSE_MQTT_WSS_PORT",
    "PULSE_BROKER_API_PORT",
    "PULSE_LINK_PORT",
)
READY_WAIT_S = 120.0
FIRST_PASSWORD = Path("run", "first-password")
GONE_WAIT_S = 30.0
STOP_WAIT_S = 10.0
STOP_ORDER = (("device", "demo.*"), ("ingest",), ("auth-api", "link"), ("broker",), ("postgres",))
LONGEST_SOCKET_PATH = 107  # bytes, Linux; BSD and macOS allow 103


def run(environment: Environment, procfile: Path, *, demo_devices: int = 0) -> int:
    """
    Run everything until SIGINT or SIGTERM; return the exit code.

    Raises:
        ConfigError: Something that must be free or writable is not; nothing was started.
    """
    home = environment.home()
    _refuse_long_path(home)
    _refuse_missing_dashboard(environment)
    with _only_one(home):
        refuse_taken(_ports(environment))
        variables = _variables(home)
        honcho = [
            sys.executable,
            "-m",
            "honcho",
            "--no-colour",
            "-f",
            str(procfile),
            "start",
            "-c",
            f"demo={demo_devices},postgres={int(not environment.text('PULSE_DATABASE_DSN'))}",
        ]
        for mark in (STOPPING, REFUSED):
            (home / mark).unlink(missing_ok=True)
        stopping = _note_signals()
        child = subprocess.Popen(
            honcho,
            env=variables,
            cwd=procfile.parent,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - no other thread runs
        )
        print("Starting. The first start takes a little longer.", flush=True)
        if _wait_until_ready(environment, child, stopping):
            _say_where(environment, home, demo=demo_devices > 0)
        _wait_for_the_end(child, home, stopping)
        # Kept while it runs: the API may be started again before it has taken the password.
        (home / FIRST_PASSWORD).unlink(missing_ok=True)
        left = _wait_until_gone(home)
        if left:
            print(f"Still ending after {GONE_WAIT_S:g} s: {', '.join(left)}.", file=sys.stderr)
            return 1
        if (home / REFUSED).exists():
            print(f"Nothing runs. {(home / REFUSED).read_text()}", file=sys.stderr)
            return MISCONFIGURED
        print("Stopped; the next start goes on with the same data.")
        return 0 if stopping else 1


def _refuse_long_path(home: Path) -> None:
    longest = home / "postgres" / ".s.PGSQL.5432"
    if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH:
        raise ConfigError(f"PULSE_HOME {home} is too long for a socket; choose one of at most 80 characters.")


def _refuse_missing_dashboard(environment: Environment) -> None:
    folder = environment.path("PULSE_DASHBOARD_DIR")
    if not (folder / "index.html").is_file():
        raise ConfigError(f"PULSE_DASHBOARD_DIR {folder} holds no built dashboard; unset it, and make run builds one.")


def _ports(environment: Environment) -> dict[str, int]:
    """Return the ports by setting; only the worker's figures can be switched off by a 0."""
    ports = {name: environment.integer(name, least=1, most=65_535) for name in PORTS}
    figures = environment.port("PULSE_METRICS_PORT")
    return {**ports, "PULSE_METRICS_PORT": figures} if figures else ports


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    with (home / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise ConfigError(
                f"it already runs here (process {lock.read().strip()}, {home}); stop it or set another PULSE_HOME."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _variables(home: Path) -> dict[str, str]:
    """Return the children's environment; a password given in a variable goes on as a 0600 file only."""
    (home / FIRST_PASSWORD).unlink(missing_ok=True)
    variables = {**os.environ, "PULSE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables.get('PATH', '')}"
    password = variables.pop("PULSE_ADMIN_PASSWORD", None)
    if password:
        file = home / FIRST_PASSWORD
        write_private(file, password.encode())
        variables["PULSE_ADMIN_PASSWORD_FILE"] = str(file)
    return variables


def _note_signals() -> list[int]:
    """Collect the signals that ask for the end; the first one ends everything in order, a second one at once."""
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: received.append(number))
    return received


def _wait_for_the_end(child: subprocess.Popen[bytes], home: Path, stopping: list[int]) -> None:
    while child.poll() is None and not stopping:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.2)
    print("Stopping.", flush=True)
    _stop_in_order(home, stopping)
    if child.poll() is None:
        child.terminate()
        child.wait()
    # Supervisors that honcho did not end, because it was killed itself.
    _terminate((home / "run").glob("*.supervisor"))


def _stop_in_order(home: Path, stopping: list[int]) -> None:
    """End what needs others before what is needed, so that everybody can finish what it holds."""
    write_private(home / STOPPING, b"")
    for names in STOP_ORDER:
        files = [file for name in names for file in (home / "run").glob(f"{name}.pid")]
        _terminate(files)
        until = time.monotonic() + STOP_WAIT_S
        while any(map(_is_alive, files)) and time.monotonic() < until and len(stopping) < 2:
            time.sleep(0.05)


def _terminate(pid_files: Iterable[Path]) -> None:
    for file in filter(_is_alive, pid_files):
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(file.read_text()), signal.SIGTERM)


def _wait_until_ready(environment: Environment, child: subprocess.Popen[bytes], stopping: list[int]) -> bool:
    until = time.monotonic() + READY_WAIT_S
    address = f"http://127.0.0.1:{environment.port('PULSE_HTTP_PORT')}/readyz"
    while time.monotonic() < until and child.poll() is None and not stopping:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address, timeout=2).is_success:
                return True
        time.sleep(0.1)
    if child.poll() is None and not stopping:
        print(f"Not ready after {READY_WAIT_S:g} s; it goes on trying. See the files in logs/.", file=sys.stderr)
    return False


def _say_where(environment: Environment, home: Path, *, demo: bool) -> None:
    password = home / "initial-admin-password"
    lines = ["", f"  PrecisionPulse is up: {environment.text('PULSE_PUBLIC_URL')}", "  Sign in as:  admin"]
    if not password.exists():
        lines.append("  Password:    the one you chose")
    elif sys.stdout.isatty():
        lines.append(f"  Password:    {password.read_text().strip()}")
    else:
        lines.append(f"  Password:    in {password}")
    if demo:
        lines.append(f"  Demo people: operator, viewer; passwords in {home / 'demo-people'}")
    lines += [f"  Device:      {first_device_id(home)} (this machine)", f"  Logs:        {home / 'logs'}"]
    print("\n".join([*lines, "  Ctrl-C stops everything.", ""]), flush=True)


def _wait_until_gone(home: Path) -> list[str]:
    """Wait for programs that outlive honcho's patience (a database writing its last checkpoint)."""
    until = time.monotonic() + GONE_WAIT_S
    while True:
        files = [*(home / "run").glob("*.pid"), *(home / "run").glob("*.supervisor")]
        left = sorted({file.stem for file in files if _is_alive(file)})
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.1)


def _is_alive(file: Path) -> bool:
    try:
        process = psutil.Process(int(file.read_text()))
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= file.stat().st_mtime + 1
    except (OSError, ValueError, psutil.NoSuchProcess):
        return False
