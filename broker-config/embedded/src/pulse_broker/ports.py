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
    Return a socket bound to this machine's own address for each name and port; 0 is any free port.

    Clients are refused until ``listen_on``, so that whoever gets through finds a broker that is ready.

    Raises:
        ConfigError: A port cannot be had; none is kept then.
    """
    taken: dict[str, socket.socket] = {}
    with contextlib.ExitStack() as undo:
        for name, port in wanted.items():
            taken[name] = undo.enter_context(_bind(name, port))
        undo.pop_all()
    return taken


def _bind(name: str, port: int) -> socket.socket:
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
    except OSError as error:
        sock.close()
        raise _port_error(name, port, error) from error
    return sock


def listen_on(sockets: Mapping[str, socket.socket]) -> None:
    """
    Let clients wait on the sockets of ``take_ports``.

    Raises:
        ConfigError: Somebody else took a port in the same moment.
    """
    for name, sock in sockets.items():
        try:
            sock.listen(BACKLOG)
        except OSError as error:
            raise _port_error(name, sock.getsockname()[1], error) from error


def _port_error(name: str, port: int, error: OSError) -> ConfigError:
    """Return the sentence about a port that cannot be had."""
    if error.errno == errno.EADDRINUSE:
        return ConfigError(f"port {port} ({name}) is taken by {holder(port)}; stop it or set {name}.")
    return ConfigError(f"port {port} ({name}) cannot be listened on: {error.strerror}.")


def holder(port: int) -> str:
    """Return who listens on *port*, as far as this user may know."""
    try:
        listening = [found for found in psutil.net_connections("tcp") if found.status == psutil.CONN_LISTEN]
        owners = {found.pid for found in listening if found.laddr and found.laddr.port == port and found.pid}
        names = [f"{psutil.Process(pid).name()} (process {pid})" for pid in sorted(owners)]
    except psutil.Error:
        names = []
    return ", ".join(names) or "another process"
