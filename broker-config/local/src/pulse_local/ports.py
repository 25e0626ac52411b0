"""Which program holds a port: so that «address already in use» becomes a sentence with a name in it."""

from __future__ import annotations

import socket

import psutil

from pulse_runtime.errors import ConfigError


def refuse_taken(ports: dict[str, int]) -> None:
    """
    Check that every port of *ports* (setting → port) can be listened on at 127.0.0.1.

    Raises:
        ConfigError: One is taken or forbidden, or two settings name the same; says which, and by which process.
    """
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port in seen:
            raise ConfigError(f"{name} and {seen[port]} are both {port}; give each a port of its own.")
        seen[port] = name
        if not _is_free(port):
            raise ConfigError(f"port {port} ({name}) is taken by {holder(port)}; stop it or set {name}.")


def holder(port: int) -> str:
    """Name the process that listens on *port*, as far as this user may know."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address[1] == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another user's process"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise ConfigError(f"port {port} may not be listened on by this user; give one above 1023.") from error
        except OSError:
            return False
    return True
