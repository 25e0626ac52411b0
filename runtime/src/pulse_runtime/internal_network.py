"""This machine's own address in the containers' network, where clear text may be spoken beside loopback."""

from __future__ import annotations

import ipaddress
import socket

from .errors import ConfigError

_ANY_PORT = 9  # nothing is sent there


def own_address(network_text: str) -> str:
    """
    Return the address that this machine has in *network_text* (address/bits, as ``PULSE_INTERNAL_NETWORK`` gives it).

    The kernel says from which address it would speak to that network; nothing is sent.

    Raises:
        ConfigError: This machine has no address there.
    """
    network = ipaddress.ip_network(network_text)
    kind = socket.AF_INET if network.version == 4 else socket.AF_INET6
    try:
        with socket.socket(kind, socket.SOCK_DGRAM) as asked:
            asked.connect((str(next(iter(network.hosts()))), _ANY_PORT))
            found = str(asked.getsockname()[0])
    except OSError:
        found = ""
    if not found or ipaddress.ip_address(found) not in network:
        raise ConfigError(
            f"PULSE_INTERNAL_NETWORK is {network}, but this machine has no address there; "
            f"give the containers' own network."
        )
    return found
