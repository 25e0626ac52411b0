"""The devices' ways to the broker: each has one of its own, and any number of troubles with it at once."""

from __future__ import annotations

from collections.abc import Iterable

from support.link_proxy import LinkProxy


class Links:
    """One proxy for each device. A trouble is named by who makes it and lasts until the same one ends it."""

    def __init__(self, devices: Iterable[str], target_port: int) -> None:
        self._proxies = {name: LinkProxy(target_port) for name in devices}
        self._cuts: dict[str, set[object]] = {name: set() for name in self._proxies}
        self._stalls: dict[str, set[object]] = {name: set() for name in self._proxies}

    def port(self, device: str) -> int:
        """Return the port at which *device* finds the broker."""
        return self._proxies[device].port

    def cut(self, device: str, by: object) -> None:
        """Refuse and drop connections."""
        self._cuts[device].add(by)
        self._proxies[device].cut()

    def stall(self, device: str, by: object) -> None:
        """Let packets vanish."""
        self._stalls[device].add(by)
        self._proxies[device].stall()

    def mend(self, device: str, by: object) -> None:
        """End the trouble that *by* made; the link works when no other is left."""
        self._cuts[device].discard(by)
        self._stalls[device].discard(by)
        if not self._cuts[device] and not self._stalls[device]:
            self._proxies[device].mend()

    def close(self) -> None:
        for proxy in self._proxies.values():
            proxy.close()
