"""Settings, ranges, folders, the lock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pulse_desktop.core.folder import find
from pulse_desktop.core.lock import FolderLock, running_process
from pulse_desktop.core.settings import DeviceSettings, SettingError, with_settings
from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError


def test_settings_text_becomes_values_and_foreign_keys_are_left():
    found = with_settings(
        DeviceSettings(),
        {"sampling_interval": "0.25", "buffer_limit": "5000", "flush_order": "live_first", "somebody.else": "x"},
    )
    assert (found.sampling_interval, found.buffer_limit, found.flush_order) == (0.25, 5000, "live_first")


@pytest.mark.parametrize(
    ("key", "text", "named"),
    [
        ("sampling_interval", "0.01", "0.05 to 3600"),
        ("sampling_interval", "nan", "0.05 to 3600"),
        ("sampling_interval", "soon", "0.05 to 3600"),
        ("buffer_limit", "999", "1000 to"),
        ("buffer_limit", "1500.5", "whole number"),
        ("flush_batch_size", "1001", "1 to 1000"),
        ("flush_order", "random", "buffer_first or live_first"),
        ("buffer_full_policy", "", "refuse_new or drop_oldest"),
    ],
)
def test_settings_value_out_of_bounds_is_refused_with_the_bounds(key: str, text: str, named: str):
    with pytest.raises(SettingError, match=named):
        with_settings(DeviceSettings(), {key: text})


def environment(home: Path, **others: str) -> Environment:
    return Environment({"PULSE_HOME": str(home), **others})


def test_folder_of_a_given_id_is_made_private(tmp_path: Path):
    folder = find(environment(tmp_path), "D-1.x_y")
    assert folder.path == tmp_path / "devices" / "D-1.x_y"
    assert folder.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("client_id", ["", "a/b", "..", ".", "a b", "x" * 65, "svc:1", "a+", "a#"])
def test_folder_of_an_impossible_id_is_refused(tmp_path: Path, client_id: str):
    with pytest.raises(ConfigError, match="cannot be a device id"):
        find(environment(tmp_path), client_id)


def test_folder_without_an_id_is_the_only_devices(tmp_path: Path):
    only = find(environment(tmp_path), "only-one")
    (only.path / "identity.json").write_text("{}")
    assert find(environment(tmp_path), None) == only
    (find(environment(tmp_path), "another").path / "identity.json").write_text("{}")
    with pytest.raises(ConfigError, match="--client-id"):
        find(environment(tmp_path), None)


def test_folder_not_enrolled_says_how(tmp_path: Path):
    with pytest.raises(ConfigError, match="pulse-desktop enroll --client-id D1"):
        find(environment(tmp_path), "D1").identity()


def test_folder_with_a_broken_identity_says_what_to_do(tmp_path: Path):
    folder = find(environment(tmp_path), "D1")
    (folder.path / "identity.json").write_text("{")
    with pytest.raises(ConfigError, match="enroll the device again"):
        folder.identity()


def test_lock_is_held_once_and_names_its_holder(tmp_path: Path):
    assert running_process(tmp_path) is None
    lock = FolderLock(tmp_path)
    assert running_process(tmp_path) == os.getpid()
    with pytest.raises(ConfigError, match=rf"already running \(process {os.getpid()}\)"):
        FolderLock(tmp_path)
    lock.release()
    assert running_process(tmp_path) is None
    FolderLock(tmp_path).release()
