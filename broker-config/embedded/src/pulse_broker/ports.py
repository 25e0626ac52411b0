"""Taking the ports: all of them or none, and a sentence that names who holds one that is taken."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Mapping

import psutil

from pulse_runtime.errors import ConfigError

from .settings import LOOPBACK

BACKLOG = 128


def take_ports(wanted: Mapping[str, int]) -> dict[str, socket.socket]:
    """
    Return a listening socket on this machine's own address for each name and port; 0 is any free port.

    Raises:
        ConfigError: A port cannot be had; none is kept then.
    """
    taken: dict[str, socket.socket] = {}
    with contextlib.ExitStack() as undo:
        for name, port in wanted.items():
            taken[name] = undo.enter_context(_listen(name, port))
        undo.pop_all()
    return taken


def _listen(name: str, port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port), backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} ({name}) is taken by {holder(port)}; stop it or set {name}.") from error
        raise ConfigError(f"port {port} ({name}) cannot be listened on: {error.strerror}.") from error


def holder(port: int) -> str:
    """Return who listens on *port*, as far as this user may know."""
    try:
        listening = [found for found in psutil.net_connections("tcp") if found.status == psutil.CONN_LISTEN]
        owners = {found.pid for found in listening if found.laddr and found.laddr.port == port and found.pid}
        names = [f"{psutil.Process(pid).name()} (process {pid})" for pid in sorted(owners)]
    except psutil.Error:
        names = []
    return ", ".join(names) or "another process"
