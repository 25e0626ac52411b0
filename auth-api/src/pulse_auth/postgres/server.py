"""
Runs the embedded PostgreSQL as a child process: start, wait until it is ready, stop.

One runner a folder, by a lock. A server left behind by a runner that was killed is stopped first; a stale
``postmaster.pid``, even one whose number now belongs to another program, does not prevent the start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO

import psutil
import structlog

from pulse_runtime.errors import ConfigError

from ..errors import EmbeddedPostgresError
from .cluster import Cluster
from .layout import Layout

_log = structlog.get_logger()

STOP_WITHIN_S = 60.0
STARTS_AT_MOST = 10
_POLL_S = 0.05


class PostgresServer:
    """One running server, used by one thread; ``request_stop`` may be called by a signal handler."""

    def __init__(self, layout: Layout, *, settings: Mapping[str, str] | None = None) -> None:
        """Take *layout* and further PostgreSQL *settings* (tests turn durability off)."""
        self._layout = layout
        self._cluster = Cluster(layout)
        self._settings = dict(settings or {})
        self._child: subprocess.Popen[str] | None = None
        self._words: _Words | None = None
        self._lock: IO[bytes] | None = None
        self._stopping = False

    @property
    def cluster(self) -> Cluster:
        """The files that this server works on."""
        return self._cluster

    def start(self) -> None:
        """
        Prepare the files, start the server and return when it takes connections.

        Raises:
            ConfigError: Another process runs this folder, or the folder cannot be used.
            EmbeddedPostgresError: It ended before it was ready; its words are in the log.
        """
        self._take_lock()
        try:
            end_leftover(self._layout)
            self._cluster.prepare()
            self._start_child()
        except BaseException:
            self.stop()
            raise

    def wait(self) -> int:
        """Wait until the server ends and return its exit code."""
        code = self._running().wait()
        self._release_lock()
        return code

    def request_stop(self) -> None:
        """Ask for a fast shutdown: sessions end, what is committed is on disk. Returns at once."""
        self._stopping = True
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """Stop the server and wait for it; after a minute it is stopped without a last checkpoint."""
        if self._child is not None:
            self.request_stop()
            try:
                self._child.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._child.send_signal(signal.SIGQUIT)
                self._child.wait()
        self._release_lock()

    def _start_child(self) -> None:
        for attempt in range(1, STARTS_AT_MOST + 1):
            self._child = self._spawn()
            if self._wait_until_ready(self._child):
                _log.info("postgres.became_ready", socket=str(self._layout.socket))
                return
            reason = self._words.last_fatal() if self._words is not None else ""
            if self._stopping or "shared memory" not in reason:
                raise EmbeddedPostgresError(f"PostgreSQL ended before it was ready: {reason}")
            # Children of a killed server are still letting go of its memory.
            _log.warning("postgres.start_failed", attempt=attempt, reason=reason)
            time.sleep(0.2 * attempt)
        raise EmbeddedPostgresError("PostgreSQL cannot start: processes of a killed server do not end")

    def _spawn(self) -> subprocess.Popen[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self._layout.folder}"',
            "unix_socket_permissions": "0700",
            "logging_collector": "off",
            "log_destination": "stderr",
            "log_line_prefix": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        child = subprocess.Popen(
            self._cluster.command("postgres", "-D", str(self._layout.data), *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            process_group=0,  # Ctrl-C in a terminal reaches this program, which then stops the server
        )
        self._words = _Words(child.stderr)
        return child

    def _wait_until_ready(self, child: subprocess.Popen[str]) -> bool:
        while child.poll() is None:
            state = read_postmaster(self._layout)
            if state is not None and state.pid == child.pid and state.status == "ready":
                return True
            time.sleep(_POLL_S)
        return False

    def _running(self) -> subprocess.Popen[str]:
        if self._child is None:
            raise RuntimeError("the server was not started")
        return self._child

    def _take_lock(self) -> None:
        self._layout.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.fdopen(os.open(self._layout.lock, os.O_RDWR | os.O_CREAT, 0o600), "rb+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.close()
            raise ConfigError(f"Another process already runs the database in {self._layout.folder}.") from error
        self._lock = handle

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class Postmaster:
    """What ``postmaster.pid`` says: the server's process id and its state."""

    def __init__(self, lines: list[str]) -> None:
        """Read *lines*; a file that is being written has fewer."""
        self.pid = int(lines[0])
        self.status = lines[7].strip() if len(lines) > 7 else ""


def read_postmaster(layout: Layout) -> Postmaster | None:
    """Return what the file says, or ``None`` when there is none or it is not complete."""
    try:
        return Postmaster(layout.postmaster_pid.read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError, IndexError):
        return None


def end_leftover(layout: Layout) -> None:
    """
    Stop a server that still runs on the folder; remove a pid file whose number is another program's by now.

    A pid file that names no process stays: the server itself tells from it whether its old children live.

    Raises:
        EmbeddedPostgresError: It does not end.
    """
    state = read_postmaster(layout)
    if state is None or not psutil.pid_exists(state.pid):
        return
    process = _server_process(state.pid, layout)
    if process is None:
        layout.postmaster_pid.unlink(missing_ok=True)
        _log.info("postgres.stale_pid_removed", pid=state.pid)
        return
    _log.warning("postgres.leftover_stopped", pid=state.pid)
    for wanted in (signal.SIGINT, signal.SIGQUIT):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(wanted)
        if psutil.wait_procs([process], timeout=STOP_WITHIN_S)[0]:
            return
    raise EmbeddedPostgresError(f"the server left behind (process {state.pid}) does not end")


def _server_process(pid: int, layout: Layout) -> psutil.Process | None:
    """Return the process when it is a server on this folder: its command line names the folder."""
    try:
        process = psutil.Process(pid)
        return process if str(layout.data) in process.cmdline() else None
    except psutil.Error:
        return None


class _Words:
    """Gives the server's own lines to the structured log, in a thread, and remembers the last fatal one."""

    def __init__(self, lines: IO[str] | None) -> None:
        self._fatal = ""
        self._thread = threading.Thread(target=self._pass_on, args=(lines,), name="postgres-log", daemon=True)
        self._thread.start()

    def last_fatal(self) -> str:
        """Return why the server ended; it has ended, so its last line is there or will be in a moment."""
        self._thread.join(5)
        return self._fatal or "it gave no reason"

    def _pass_on(self, lines: IO[str] | None) -> None:
        for line in lines or ():
            level, _, words = line.strip().partition(":")
            if level in {"FATAL", "PANIC"}:
                self._fatal = words.strip()
            log: Callable[..., object] = _log.warning if level in _SERIOUS else _log.debug
            log("postgres.line_written", level_given=level, words=words.strip())
        if lines is not None:
            lines.close()


_SERIOUS = {"WARNING", "ERROR", "FATAL", "PANIC"}
