"""What a person may do on the device is decided here, whatever a window shows or leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_acl.rules import Permission
from pulse_desktop.core.errors import ChangeError, SignInError
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.identity import sessions, store
from pulse_desktop.core.identity.sessions import SignedIn
from pulse_desktop.core.operation import Operation
from pulse_desktop.core.sync.change_queue import ChangeQueue
from pulse_desktop.core.sync.store import SyncStore
from pulse_sync.records import Key, Record, Stamp
from support.sync_bench import EDIT_CONFIG, PASSWORD, ROLE, USER, SyncBench, bench_with_people, record

IDENTITY = store.Identity(
    client_id="D1", api_url="https://pulse.example", mqtts_url="mqtts://pulse.example", ca_pem="", signing_key="s.pem",
    encryption_key="e.pem", enrolled_at="2026-01-01T00:00:00.000Z",
)  # fmt: skip
FORCE_SYNC = "018f0000-0000-7000-8000-0000000000f5"
EARLY, LATE, LATER = (f"2026-01-0{day}T00:00:00.000Z" for day in (1, 2, 3))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SyncBench]:
    made = bench_with_people(tmp_path)
    yield made
    made.close()


@pytest.fixture
def flushed() -> list[bool]:
    return []


@pytest.fixture
def operation(tmp_path: Path, bench: SyncBench, flushed: list[bool]) -> Operation:
    return Operation(DeviceFolder("D1", tmp_path), IDENTITY, bench.clock, lambda: flushed.append(True))


def sign_in(bench: SyncBench, *, is_from_cache: bool = False) -> None:
    sessions.begin(bench.db, SignedIn(USER, "ann", "2026-01-01T00:00:00.000Z", is_from_cache, None))


def grant_force_sync(bench: SyncBench) -> None:
    permission = record(Key.permission(FORCE_SYNC), name="FORCE_SYNC", description="", rules=[], deleted_at=None)
    bench.deliver(*bench.server.put(permission, record(Key.role_permission(ROLE, FORCE_SYNC), present=True)))


def asked(bench: SyncBench) -> bool:
    return bool(SyncStore(bench.db).state()["ask_wanted"])


def test_sync_now_without_anybody_or_without_force_sync_is_refused(operation, bench: SyncBench, flushed):
    with pytest.raises(SignInError, match="nobody is signed in"):
        operation.sync_now()
    sign_in(bench)
    with pytest.raises(SignInError, match="needs the permission FORCE_SYNC"):
        operation.sync_now()
    assert (flushed, asked(bench)) == ([], False)


def test_sync_now_with_force_sync_flushes_and_asks(operation, bench: SyncBench, flushed):
    sign_in(bench)
    grant_force_sync(bench)
    operation.sync_now()
    assert (flushed, asked(bench)) == ([True], True)


def test_operator_has_the_rights_that_the_records_give_now(operation, bench: SyncBench):
    assert operation.operator().who is None
    sign_in(bench, is_from_cache=True)
    assert not operation.operator().may(Permission.FORCE_SYNC)
    grant_force_sync(bench)
    found = operation.operator()
    assert (found.who.username, found.who.is_from_cache, found.may(Permission.FORCE_SYNC)) == ("ann", True, True)
    assert found.last_checked is not None


def test_operator_whose_sign_in_has_ended_is_told_why_and_one_who_left_is_not(operation, bench: SyncBench):
    sign_in(bench)
    sessions.end(bench.db, bench.clock.now(), "the account is gone")
    assert "the account is gone" in operation.operator().ended
    sign_in(bench)
    operation.sign_out()
    assert (operation.operator().who, operation.operator().ended) == (None, "")


def test_settings_come_with_their_values_and_who_set_them(operation, bench: SyncBench):
    everywhere = record(Key.setting("flush_order"), config_value="live_first", deleted_at=None)
    here = record(Key.setting("sampling_interval", "D1"), config_value=0.5, deleted_at=None)
    other = record(Key.setting("buffer_limit", "D2"), config_value=5000, deleted_at=None)
    bench.deliver(*bench.server.put(everywhere, here, other))
    found = {one.key: (one.value, one.scope, one.changed_by, one.source) for one in operation.settings()}
    assert found["sampling_interval"] == (0.5, "device", "user:admin", "web")
    assert found["flush_order"] == ("live_first", "all", "user:admin", "web")
    assert found["buffer_limit"] == (10_000_000, "default", None, None)


def test_settings_are_set_for_this_device_by_somebody_with_edit_config(operation, bench: SyncBench):
    sign_in(bench)
    bench.keep_key()
    operation.set_settings(PASSWORD, {"sampling_interval": 0.25}, operation.settings())
    assert operation.holdings().setting("sampling_interval", "D1") == 0.25
    assert operation.holdings().setting("sampling_interval", "D2") is None
    (found,) = [one for one in operation.settings() if one.key == "sampling_interval"]
    assert found.source == "desktop:D1", "set here, and not on the web"


def test_settings_wrong_password_or_out_of_bounds_set_nothing(operation, bench: SyncBench):
    sign_in(bench)
    bench.keep_key()
    with pytest.raises(SignInError):
        operation.set_settings("a wrong password", {"sampling_interval": 0.25}, operation.settings())
    values = {"buffer_limit": 5_000, "sampling_interval": 0.001}
    with pytest.raises(ChangeError, match=r"from 0\.05 to 3600"):
        operation.set_settings(PASSWORD, values, operation.settings())
    assert operation.holdings().settings("D1") == {}, "all of a change or none"


def interval(device: str, value: float, at: str, deleted_at: str | None = None) -> Record:
    return record(Key.setting("sampling_interval", device), at, config_value=value, deleted_at=deleted_at)


@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [
        ([], [interval("D1", 5.0, LATE)]),
        ([], [interval("", 5.0, LATE)]),
        ([interval("D1", 1.0, EARLY)], [interval("D1", 5.0, LATE)]),
        ([interval("D1", 1.0, EARLY)], [interval("D1", 5.0, LATE), interval("D1", 1.0, LATER)]),
        ([interval("D1", 1.0, EARLY)], [interval("D1", 1.0, EARLY, LATE)]),
        ([], [interval("D1", 5.0, LATE), interval("D1", 5.0, LATE, LATER)]),
        ([interval("", 1.0, EARLY)], [interval("D1", 1.0, LATE)]),
    ],
    ids=["set", "set for all", "changed", "changed and back", "deleted", "set and deleted", "another record"],
)
def test_settings_changed_by_somebody_else_meanwhile_are_not_overwritten_item_4(
    operation, bench: SyncBench, before: list[Record], meanwhile: list[Record]
):
    sign_in(bench)
    bench.keep_key()
    bench.deliver(*bench.server.put(*before))
    seen = operation.settings()
    bench.deliver(*bench.server.put(*meanwhile))
    values = {"buffer_limit": 5_000, "sampling_interval": 2.0}
    with pytest.raises(ChangeError, match="sampling_interval was changed meanwhile: close this, look at it again"):
        operation.set_settings(PASSWORD, values, seen)
    assert ChangeQueue(bench.db).all() == [], "nothing of it: neither the other setting"
    operation.set_settings(PASSWORD, {"buffer_limit": 5_000}, seen)
    operation.set_settings(PASSWORD, {"sampling_interval": 2.0}, operation.settings())
    assert operation.holdings().settings("D1") == values


def test_settings_whose_own_change_was_answered_meanwhile_are_set_item_4(operation, bench: SyncBench):
    sign_in(bench)
    bench.keep_key()
    bench.deliver(*bench.server.put(interval("D1", 1.0, EARLY)))
    operation.set_settings(PASSWORD, {"sampling_interval": 2.0}, operation.settings())
    (change,) = [queued.change for queued in ChangeQueue(bench.db).all()]
    seen = operation.settings()
    present = bench.server.records[change.key]
    written = present.written({"config_value": 2.0}, Stamp(change.at, change.by, change.source))
    bench.deliver(*bench.server.put(written))
    bench.deliver(bench.outcome(change, "APPLIED", version=bench.server.version))
    assert ChangeQueue(bench.db).all() == []
    operation.set_settings(PASSWORD, {"sampling_interval": 3.0}, seen)
    assert operation.holdings().settings("D1") == {"sampling_interval": 3.0}


def test_addresses_need_edit_config_and_never_leave_in_clear_text(operation, bench: SyncBench, tmp_path: Path):
    with pytest.raises(SignInError, match="nobody is signed in"):
        operation.set_addresses("https://other.example", None)
    sign_in(bench)
    with pytest.raises(ChangeError, match="clear text may not leave this machine"):
        operation.set_addresses("https://other.example", "mqtt://other.example")
    assert not (tmp_path / store.IDENTITY).exists()
    operation.set_addresses("https://other.example", "mqtts://other.example:8883")
    stored = store.load(tmp_path)
    assert (stored.api_url, stored.broker_url, stored.signing_key) == (
        "https://other.example", "mqtts://other.example:8883", "s.pem",
    )  # fmt: skip
    bench.deliver(*bench.server.put(record(Key.role_permission(ROLE, EDIT_CONFIG), present=False)))
    with pytest.raises(SignInError, match="needs the permission EDIT_CONFIG"):
        operation.set_addresses("https://third.example", None)
