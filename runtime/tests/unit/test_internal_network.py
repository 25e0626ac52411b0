"""The own address in a network: one that the kernel has, or a sentence."""

import ipaddress
import socket

import psutil
import pytest

from pulse_runtime.errors import ConfigError
from pulse_runtime.internal_network import own_address


def own_networks() -> list[tuple[str, str]]:
    """Return each address of this machine with its network; link-local ones belong to an interface and are left out."""
    found = [one for each in psutil.net_if_addrs().values() for one in each]
    return [
        (one.address, str(ipaddress.ip_network(f"{one.address}/{one.netmask}", strict=False)))
        for one in found
        if one.family == socket.AF_INET and one.netmask
    ]


@pytest.mark.parametrize(("address", "network"), own_networks())
def test_own_address_of_each_network_that_this_machine_is_in(address: str, network: str) -> None:
    assert ipaddress.ip_address(own_address(network)) in ipaddress.ip_network(network)
    assert own_address(f"{address}/32") == address


@pytest.mark.parametrize("network", ["10.255.255.240/28", "fd00:dead:beef::/64"])
def test_own_address_in_a_network_of_other_machines_is_refused(network: str) -> None:
    with pytest.raises(ConfigError, match=rf"PULSE_INTERNAL_NETWORK is {network}.*no address there"):
        own_address(network)
