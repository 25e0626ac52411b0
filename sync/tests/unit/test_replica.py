"""What a desktop does with each message, and what it shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from pulse_sync.changes import CREATE, Change
from pulse_sync.messages import Event, Page, Snapshot
from pulse_sync.records import Key, Kind, Record, Stamp
from pulse_sync.replica import Position, judge, shown, stamp_of_change

OURS, OTHER = str(UUID(int=1)), str(UUID(int=2))
USER = Key.user(UUID(int=3))
AT = Stamp("2026-02-07T10:00:00.000Z", "user:ann", "web")


def event(version: int, previous: int, history: str = OURS) -> Event:
    return Event(aud="D1", history=history, version=version, previous=previous, event="USER_UPDATE", record={})


def page(version: int, previous: int, history: str = OURS, nonce: str | None = None) -> Page:
    more: dict[str, Any] = {"records": [], "digest": "", "digest_version": version, "nonce": nonce}
    return Page(aud="D1", history=history, version=version, previous=previous, **more)


def snapshot(version: int, history: str = OURS, nonce: str | None = None) -> Snapshot:
    more: dict[str, Any] = {"snapshot": OURS, "part": 1, "parts": 1, "records": [], "digest": "", "nonce": nonce}
    return Snapshot(aud="D1", history=history, version=version, **more)


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        (event(6, 5), "apply"),
        (event(9, 4), "apply"),
        (event(5, 4), "ignore"),
        (event(3, 2), "ignore"),
        (event(7, 6), "ask"),
        (event(6, 5, OTHER), "ask"),
        (page(9, 5), "apply"),
        (page(9, 6), "ask"),
        (page(5, 5, nonce="n"), "ignore"),
        (page(9, 5, OTHER, "n"), "ask"),
        (snapshot(9), "apply"),
        (snapshot(5), "ignore"),
        (snapshot(9, OTHER), "ask"),
        (snapshot(2, OTHER, "n"), "apply"),
        (snapshot(2, OURS, "n"), "apply"),
        (snapshot(2, OTHER, "m"), "ask"),
    ],
)
def test_judge_follows_version_previous_history_and_nonce(message: Any, verdict: str):
    assert judge(Position(OURS, 5, "n"), message) == verdict


@pytest.mark.parametrize(
    ("message", "verdict"), [(event(1, 0), "ask"), (snapshot(9), "ask"), (snapshot(9, nonce="n"), "apply")]
)
def test_judge_fresh_device_takes_only_the_snapshot_that_it_asked_for(message: Any, verdict: str):
    assert judge(Position(None, 0, "n"), message) == verdict
    assert judge(Position(None, 0, None), message) == "ask"


def change(key: Key, field: str, value: Any) -> Change:
    return Change(
        change_id=OURS,
        type=key.kind,
        id=key.id,
        field=field,
        value=value,
        at="2026-02-07T11:00:00.000Z",
        base=1,
        history=OURS,
        by="user:ben",
        author=OTHER,
        source="desktop:D1",
    )


def test_shown_is_the_held_state_with_the_queue_on_top():
    held = {USER: Record(USER, {"username": "ann", "is_active": True, "deleted_at": None}, {"username": AT})}
    new, setting = Key.user(UUID(int=9)), Key.setting("flush_order")
    queue = [
        change(USER, "username", "anna"),
        change(new, CREATE, {"username": "new", "password_hash": "h"}),
        change(setting, "config_value", "live_first"),
        change(USER, "deleted_at", "2026-02-07T11:00:00.000Z"),
    ]
    found = shown(held, queue)
    assert found[USER].get("username") == "anna"
    assert found[USER].is_deleted
    assert (found[new].get("is_active"), found[new].is_ended) == (True, False)
    assert found[setting].get("config_value") == "live_first"
    assert held[USER].get("username") == "ann"
    assert shown(held, []) == held


def test_stamp_of_change_is_later_than_every_value_that_it_replaces_case_24():
    record = Record(USER, {"username": "ann"}, {"username": AT})
    early, late = datetime(2026, 2, 7, 9, tzinfo=UTC), datetime(2026, 2, 7, 12, tzinfo=UTC)
    assert stamp_of_change(record, "username", early) == "2026-02-07T10:00:00.001Z"
    assert stamp_of_change(record, "username", late) == "2026-02-07T12:00:00.000Z"
    assert stamp_of_change(None, "username", late) == "2026-02-07T12:00:00.000Z"
    gone = Record(Key(Kind.SETTING, "x/"), {"config_value": 1, "deleted_at": AT.at}, {"deleted_at": AT})
    assert stamp_of_change(gone, "config_value", early) == "2026-02-07T10:00:00.001Z"
