"""
The sockets that the API listens on: loopback, and this machine's address in the containers' own network.

The API speaks clear text, so it takes no other address: whoever is elsewhere comes through the TLS edge.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator

import psutil

from pulse_runtime.errors import ConfigError

from ..settings import Settings


def listeners(settings: Settings) -> Iterator[socket.socket]:
    """
    Yield bound sockets; the caller closes each.

    Raises:
        ConfigError: The port is taken, or this machine has no address in the internal network.
    """
    yield _bound(settings.http_host, settings.http_port)
    if settings.internal_network:
        yield _bound(_address_in(settings.internal_network, _own_addresses()), settings.http_port)


def _address_in(network_text: str, own: Iterable[str]) -> str:
    network = ipaddress.ip_network(network_text)
    for text in own:
        if ipaddress.ip_address(text) in network:
            return text
    raise ConfigError(
        f"PULSE_INTERNAL_NETWORK is {network}, but this machine has no address there; give the containers' own network."
    )


def _own_addresses() -> list[str]:
    kinds = {socket.AF_INET, socket.AF_INET6}
    found = [one.address for each in psutil.net_if_addrs().values() for one in each if one.family in kinds]
    return [address for address in found if "%" not in address]  # link-local ones carry their interface


def _bound(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"PULSE_HTTP_PORT {port} on {host} cannot be taken: {error.strerror}.") from error
    return listening
