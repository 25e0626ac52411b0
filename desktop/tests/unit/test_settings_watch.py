"""Settings that change while the device runs: taken at once, within their bounds, the buffer left alone."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.settings import DeviceSettings, usable
from pulse_desktop.core.settings_watch import SettingsWatch
from pulse_desktop.core.sync.schema import FILE_NAME, open_identity
from pulse_desktop.core.sync.store import SyncStore
from pulse_sync.records import Key, Record
from support.device_bench import Bench


@pytest.fixture
def bench(tmp_path: Path):
    counter = itertools.count(1)
    made = Bench(tmp_path, lambda: f"018f0000-0000-7000-8000-{next(counter):012d}")
    yield made
    made.shut()


def store(bench: Bench, key: str, value: str | None, device: str = "") -> None:
    db = sqlite3.connect(bench.path)
    with db:
        db.execute("DELETE FROM system_config WHERE config_key = ? AND device = ?", (key, device))
        if value is not None:
            db.execute("INSERT INTO system_config VALUES (?, ?, ?, '', 'test')", (key, device, value))
    db.close()


def watch(bench: Bench, **local: str) -> SettingsWatch:
    return SettingsWatch(DeviceFolder("D1", bench.path.parent), usable(DeviceSettings(), local)[0], local)


def test_watch_tells_of_a_change_once_and_of_its_end(bench: Bench):
    watching = watch(bench)
    assert watching.changed() is None
    store(bench, "heartbeat_interval", "2")
    assert watching.changed() == DeviceSettings(heartbeat_interval=2)
    assert watching.changed() is None
    store(bench, "heartbeat_interval", None)
    assert watching.changed() == DeviceSettings()


def test_watch_setting_of_this_device_goes_before_one_for_all(bench: Bench):
    watching = watch(bench)
    store(bench, "buffer_limit", "5000")
    store(bench, "buffer_limit", "2000", device="D1")
    store(bench, "buffer_limit", "3000", device="D2")
    assert watching.changed() == DeviceSettings(buffer_limit=2000)


def test_watch_local_setting_goes_before_stored_ones(bench: Bench):
    watching = watch(bench, sampling_interval="0.5")
    store(bench, "sampling_interval", "9")
    assert watching.changed() is None


def test_watch_value_out_of_bounds_leaves_the_one_before_in_force_and_the_others_count(bench: Bench):
    watching = watch(bench)
    store(bench, "flush_batch_size", "50")
    assert watching.changed() == DeviceSettings(flush_batch_size=50)
    store(bench, "flush_batch_size", "100000")
    assert watching.changed() is None
    store(bench, "flush_order", "live_first")
    assert watching.changed() == DeviceSettings(flush_batch_size=50, flush_order="live_first")


def test_watch_file_that_cannot_be_read_changes_nothing(tmp_path: Path):
    folder = DeviceFolder("D1", tmp_path)
    folder.outbox.mkdir()
    assert SettingsWatch(folder, DeviceSettings(buffer_limit=2000), {}).changed() is None


def test_courier_configured_beats_and_batches_by_the_new_settings(bench: Bench):
    channel = bench.link_up()
    bench.pass_time(1.0)
    before = len(channel.beats())
    bench.courier.configure(DeviceSettings(heartbeat_interval=1, flush_batch_size=2))
    bench.pass_time(3.0)
    assert len(channel.beats()) - before == 3
    assert channel.beats()[-1]["heartbeat_interval_s"] == 1
    bench.link_down()
    bench.sample(3)
    assert bench.link_up().telemetry() == [("buffered", [1, 2]), ("buffered", [3])]


def test_settings_changed_touch_no_row_of_the_buffer_case_3(bench: Bench):
    """A lowered limit or another policy is for new samples only."""
    bench.sample(5)
    before = bench.reader.oldest(bench.file.state, 100, 2**62)
    for settings in (DeviceSettings(buffer_limit=1), DeviceSettings(buffer_limit=1, buffer_full_policy="drop_oldest"),
                     DeviceSettings(confirmed_keep_h=0)):  # fmt: skip
        bench.file.settings = settings
        bench.note_only()
        assert bench.reader.oldest(bench.file.state, 100, 2**62) == before
        assert bench.file.state.lost == 0


def test_watch_what_the_server_has_set_goes_before_what_stands_in_the_outbox(bench: Bench):
    watching = watch(bench)
    store(bench, "buffer_limit", "5000", device="D1")
    store(bench, "flush_batch_size", "50")
    db = open_identity(bench.path.parent / FILE_NAME)
    settings = [Record(Key.setting("buffer_limit", device), {"config_value": value, "deleted_at": None})
                for device, value in (("", 2000), ("D1", 3000), ("D2", 4000))]  # fmt: skip
    SyncStore(db).replace(settings, "018f0000-0000-7000-8000-0000000000aa", 7, "2026-01-01T00:00:00.000Z")
    assert watching.changed() == DeviceSettings(buffer_limit=3000, flush_batch_size=50)
    gone = Record(settings[1].key, {"config_value": 3000, "deleted_at": "2026-01-01T00:00:00.000Z"})
    SyncStore(db).apply([gone], 8, "2026-01-01T00:00:00.000Z")
    assert watching.changed() == DeviceSettings(buffer_limit=2000, flush_batch_size=50)
    db.close()
