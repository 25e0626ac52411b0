"""Where the API listens: loopback, and its own address in the containers' network, never more."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulse_auth.http import listeners as module
from pulse_auth.http.listeners import listeners
from pulse_auth.settings import Settings, default_paths
from pulse_runtime.errors import ConfigError


def settings(home: Path, network: str = "") -> Settings:
    return Settings(**default_paths(home), http_port=0, internal_network=network)


def places(made: Settings) -> list[str]:
    found = []
    for one in listeners(made):
        with one:
            found.append(one.getsockname()[0])
    return found


def test_listeners_without_a_network_are_loopback_alone(tmp_path: Path):
    assert places(settings(tmp_path)) == ["127.0.0.1"]


def test_listeners_with_a_network_take_the_one_address_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "own_address", {"127.9.0.0/24": "127.9.0.2"}.__getitem__)
    assert places(settings(tmp_path, "127.9.0.0/24")) == ["127.0.0.1", "127.9.0.2"]


def test_listeners_network_of_other_machines_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="PULSE_INTERNAL_NETWORK"):
        places(settings(tmp_path, "10.255.255.240/28"))
