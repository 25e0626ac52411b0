"""
The sockets that the API listens on: loopback, and this machine's address in the containers' own network.

The API speaks clear text, so it takes no other address: whoever is elsewhere comes through the TLS edge.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from pulse_runtime.errors import ConfigError
from pulse_runtime.internal_network import own_address

from ..settings import Settings


def listeners(settings: Settings) -> Iterator[socket.socket]:
    """
    Yield bound sockets; the caller closes each.

    Raises:
        ConfigError: The port is taken, or this machine has no address in the internal network.
    """
    yield _bound(settings.http_host, settings.http_port)
    if settings.internal_network:
        yield _bound(own_address(settings.internal_network), settings.http_port)


def _bound(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"PULSE_HTTP_PORT {port} on {host} cannot be taken: {error.strerror}.") from error
    return listening
