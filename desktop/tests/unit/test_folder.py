"""Which device a program without ``--client-id`` is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pulse_desktop.core import folder as module
from pulse_desktop.core.folder import find, replace_device, replaced, restore_device
from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError


def test_folder_of_a_replaced_device_is_passed_over_until_it_is_enrolled_anew_item_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "host_id", lambda: "press-1")
    environment = Environment({"PULSE_HOME": str(tmp_path)})
    folders = {name: find(environment, name).path for name in ("press-1", "press-2")}
    (folders["press-1"] / "identity.json").write_text("{}")
    assert find(environment, None).client_id == "press-1"
    (folders["press-2"] / "identity.json").write_text("{}")
    replace_device(folders["press-1"], "press-2")
    replace_device(folders["press-2"], "never-enrolled")
    assert find(environment, None).client_id == "press-2"
    assert find(environment, "press-1").path == folders["press-1"], "by its name it is there as before"
    restore_device(folders["press-1"])
    assert find(environment, None).client_id == "press-1"


def test_folder_of_a_device_that_was_replaced_does_not_count_again_when_the_next_one_is_removed_item_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "host_id", lambda: "another")
    environment = Environment({"PULSE_HOME": str(tmp_path)})
    folders = {name: find(environment, name).path for name in ("press-1", "press-2", "press-3")}
    for folder in folders.values():
        (folder / "identity.json").write_text("{}")
    replaced(folders["press-1"], "press-2")
    replaced(folders["press-2"], "press-3")
    shutil.rmtree(folders["press-2"])
    assert find(environment, None).client_id == "press-3"


def test_folder_among_several_devices_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "host_id", lambda: "another")
    environment = Environment({"PULSE_HOME": str(tmp_path)})
    for name in ("press-1", "press-2"):
        (find(environment, name).path / "identity.json").write_text("{}")
    with pytest.raises(ConfigError, match="press-1, press-2"):
        find(environment, None)
