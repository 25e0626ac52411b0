"""The server's half of the identity sync with real programs: events, catch-up, changes, hostile envelopes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from pulse_sync.envelopes import Key as CryptoKey
from pulse_sync.messages import Event, Page, Snapshot
from pulse_sync.records import Key, Kind
from support.accounts import psql
from support.device_keys import DeviceKeys
from support.stack import ADMIN_PASSWORD, Stack, running_stack
from support.sync_device import SyncDevice, create_user, jwk, wait_published
from support.waiting import until

PASSWORD = "correct-horse-battery-88"
Make = Callable[[], SyncDevice]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("postgres", "broker", "auth-api") as made:
        yield made


@pytest.fixture
def make(stack: Stack) -> Iterator[Make]:
    """Make desktops that are connected and up to date."""
    made: list[SyncDevice] = []

    def device() -> SyncDevice:
        one = SyncDevice(stack, f"d-{uuid4().hex[:8]}").connect()
        made.append(one)
        one.ask()
        one.sync()
        return one

    yield device
    for one in made:
        one.close()


def user_named(device: SyncDevice, username: str) -> Any:
    found = [one for one in device.held.values() if one.key.kind is Kind.USER and one.get("username") == username]
    return found[0] if found else None


def sync_log(stack: Stack, entity_id: str) -> list[Any]:
    rows = psql(
        stack,
        "SELECT json_agg(json_build_array(status, error_message, old_value, new_value) ORDER BY id)::text "
        "FROM sync_log WHERE entity_id = $1",
        entity_id,
    )
    return list(json.loads(rows or "[]"))


def converged(devices: list[SyncDevice], version: int) -> None:
    for device in devices:
        device.reach(version)
    shared = [{key: one for key, one in device.held.items() if key.kind is not Kind.SETTING} for device in devices]
    assert all(one == shared[0] for one in shared)


def test_connected_desktops_get_each_change_within_seconds(stack: Stack, make: Make):
    devices = [make() for _ in range(3)]
    user = create_user(stack, "ben", "OPERATOR", password=PASSWORD)
    converged(devices, wait_published(stack))
    for device in devices:
        record = user_named(device, "ben")
        assert record.key == Key.user(user)
        assert record.get("password_hash").startswith("$argon2id$")
        assert [one.event for one in device.taken if isinstance(one, Event)][:1] == ["USER_CREATE"]
        assert device.asks == 1


def test_view_holds_hashes_only_of_those_who_may_sign_in_on_desktops(stack: Stack, make: Make):
    device = make()
    user = create_user(stack, "nologin", password=PASSWORD)
    device.reach(wait_published(stack))
    assert "password_hash" not in device.held[Key.user(user)].fields
    roles = {one.get("name"): one.key.id for one in device.held.values() if one.key.kind is Kind.ROLE}
    present = stack.admin.get(f"/users/{user}")
    answer = stack.admin.patch(
        f"/users/{user}", json={"roles": ["VIEWER"]}, headers={"If-Match": present.headers["etag"]}
    )
    assert answer.is_success, answer.text
    device.reach(wait_published(stack))
    assert device.held[Key.user_role(user, roles["VIEWER"])].get("present") is True
    assert device.held[Key.user(user)].get("password_hash")


def test_desktop_that_was_away_catches_up_by_pages_and_one_that_strayed_by_a_snapshot(stack: Stack, make: Make):
    device = make()
    device.close()
    create_user(stack, "cleo", "VIEWER", password=PASSWORD)
    version = wait_published(stack)
    device.connect()
    device.taken.clear()
    device.ask()
    device.reach(version)
    assert isinstance(device.taken[0], Page)
    assert user_named(device, "cleo")
    device.held.pop(user_named(device, "cleo").key)
    device.ask()
    until(lambda: device.work() or user_named(device, "cleo"), within_s=10, what="the snapshot")
    assert isinstance(device.taken[-1], Snapshot)


def test_desktop_of_another_history_takes_the_snapshot_that_answers_its_nonce(stack: Stack, make: Make):
    device = make()
    version = device.position.version
    device.position = type(device.position)(str(uuid4()), version + 1_000)
    device.ask()
    device.sync()
    assert device.position.version == version
    assert device.position.history == psql(stack, "SELECT history::text FROM record_version")


def test_desktop_whose_heartbeats_lag_is_caught_up_unasked_case_27(stack: Stack, make: Make):
    device = make()
    seen, heard = device.position.version, len(device.raw.heard)
    create_user(stack, "dora", "VIEWER", password=PASSWORD)
    version = wait_published(stack)
    until(lambda: len(device.raw.heard) - heard >= version - seen, within_s=10, what="all of it has come")
    device.raw.heard.clear()
    device._seen = 0
    asked = device.asks

    def caught_up() -> bool:
        device.heartbeat(identity_version=device.position.version)
        device.work()
        return device.position.version >= version

    assert device.position.version == seen
    until(caught_up, within_s=20, what="it is caught up", every_s=1.0)
    assert device.asks == asked
    assert user_named(device, "dora")


def test_change_made_on_a_desktop_reaches_the_server_and_the_others(stack: Stack, make: Make):
    here, there = make(), make()
    here.sign_in("admin", ADMIN_PASSWORD)
    user = create_user(stack, "eve", "VIEWER", password=PASSWORD)
    converged([here, there], wait_published(stack))
    change = here.change(Key.user(user), "username", "eva")
    answer = here.submit(change)
    assert (answer.status, answer.reason) == ("APPLIED", None)
    converged([here, there], wait_published(stack))
    assert user_named(there, "eva").clock["username"].source == f"desktop:{here.client_id}"
    assert here.answers.pop(change.change_id) == here.submit(change), "the same answer once more"
    assert [row[0] for row in sync_log(stack, user)].count("APPLIED") == 2
    assert stack.admin.get(f"/users/{user}").json()["source"] == f"desktop:{here.client_id}"


def test_conflict_keeps_the_later_value_and_is_logged_with_both(stack: Stack, make: Make):
    here = make()
    here.sign_in("admin", ADMIN_PASSWORD)
    user = create_user(stack, "finn", "VIEWER", password=PASSWORD)
    here.reach(wait_published(stack))
    early = here.change(Key.user(user), "username", "finn-desktop")
    present = stack.admin.get(f"/users/{user}")
    headers = {"If-Match": present.headers["etag"]}
    assert stack.admin.patch(f"/users/{user}", json={"username": "finn-web"}, headers=headers).is_success
    answer = here.submit(early)
    assert (answer.status, answer.reason, answer.kept) == ("CONFLICT", "LATER_VALUE", {"username": "finn-web"})
    assert sync_log(stack, user)[-1][2:] == [{"username": "finn-web"}, {"username": "finn-desktop"}]


def test_change_that_revives_without_having_seen_the_end_is_a_conflict_S2_case_25(stack: Stack, make: Make):  # noqa: N802
    here = make()
    here.sign_in("admin", ADMIN_PASSWORD)
    user = create_user(stack, "gus", "VIEWER", password=PASSWORD)
    here.reach(wait_published(stack))
    base = here.position.version
    assert stack.admin.delete(f"/users/{user}", headers={"If-Match": "*"}).is_success
    here.reach(wait_published(stack))
    for field, value in (("deleted_at", None), ("username", "gustav"), ("is_active", True)):
        answer = here.submit(here.change(Key.user(user), field, value, base=base))
        assert (answer.status, answer.reason) == ("CONFLICT", "END_NOT_SEEN")
    assert psql(stack, "SELECT deleted_at IS NOT NULL FROM users WHERE id::text = $1", user)
    assert here.submit(here.change(Key.user(user), "deleted_at", None)).status == "APPLIED"
    assert psql(stack, "SELECT deleted_at IS NULL FROM users WHERE id::text = $1", user)


def test_changes_that_are_not_allowed_are_refused_and_do_not_block_the_next_S4(stack: Stack, make: Make):  # noqa: N802
    here = make()
    create_user(stack, "hans", "VIEWER", password=PASSWORD)
    with closing(stack.client("hans", PASSWORD)) as client:
        assert client.post("/auth/password", json={"current": PASSWORD, "new": ADMIN_PASSWORD}).is_success
    here.sign_in("hans", ADMIN_PASSWORD)
    here.reach(wait_published(stack))
    admin_role = next(key.id for key, one in here.held.items() if one.get("name") == "ADMIN")
    hans = user_named(here, "hans").key
    refused = here.change(Key.user_role(hans.id, admin_role), "present", True)
    own = here.change(hans, "password_hash", user_named(here, "hans").get("password_hash"))
    unknown = here.change(Key.user(uuid4()), "username", "nobody")
    skewed = here.change(hans, "password_hash", "$argon2id$", at="2099-01-01T00:00:00.000Z")
    previous = None
    for change in (refused, unknown, skewed, own):
        here.send(here.seal(change, after=previous))
        previous = change.change_id
    answers = [here.answered(one.change_id) for one in (refused, unknown, skewed, own)]
    assert [(one.status, one.reason) for one in answers] == [
        ("REFUSED", "NOT_ALLOWED"),
        ("REFUSED", "NOT_ALLOWED"),
        ("REFUSED", "INVALID_VALUE"),
        ("APPLIED", None),
    ]


def test_created_user_is_one_change_and_what_hangs_on_a_refused_one_is_refused_with_it(stack: Stack, make: Make):
    here = make()
    here.sign_in("admin", ADMIN_PASSWORD)
    hashed = user_named(here, "admin").get("password_hash")
    role = next(key.id for key, one in here.held.items() if one.get("name") == "VIEWER")
    new, taken = Key.user(uuid4()), Key.user(uuid4())
    sent = [
        here.change(new, "*", {"username": "ivy", "password_hash": hashed}),
        here.change(Key.user_role(new.id, role), "present", True),
        here.change(taken, "*", {"username": "IVY", "password_hash": hashed}),
        here.change(Key.user_role(taken.id, role), "present", True),
        here.change(new, "username", "x", at="2099-01-01T00:00:00.000Z"),
    ]
    answers = [here.submit(change) for change in sent]
    assert [(one.status, one.reason) for one in answers] == [
        ("APPLIED", None),
        ("APPLIED", None),
        ("REFUSED", "NAME_TAKEN"),
        ("REFUSED", "RECORD_REFUSED"),
        ("REFUSED", "CLOCK_SKEW"),
    ]
    assert stack.admin.get(f"/users/{new.id}").json()["roles"] == ["VIEWER"]


def test_change_waits_for_the_one_before_it(stack: Stack, make: Make):
    here = make()
    here.sign_in("admin", ADMIN_PASSWORD)
    first, second = (here.change(Key.setting("line"), "config_value", number) for number in (1, 2))
    here.send(here.seal(second, after=first.change_id))
    assert here.submit(first).status == "APPLIED"
    assert second.change_id not in here.answers
    here.send(here.seal(second, after=first.change_id))
    assert here.answered(second.change_id).status in {"APPLIED", "CONFLICT"}


def test_ended_key_and_foreign_signatures_are_refused_and_change_nothing_S4(stack: Stack, make: Make):  # noqa: N802
    here = make()
    here.sign_in("admin", ADMIN_PASSWORD)
    key = Key.setting("planted")
    good = here.change(key, "config_value", "no")
    stranger = CryptoKey(jwk(DeviceKeys("x").signing, "Ed25519"))
    assert here.author is not None
    name, author, own = here.author
    here.author = (name, author, stranger)
    answer = here.submit(good)
    assert (answer.status, answer.reason) == ("REFUSED", "BAD_SIGNATURE")
    here.author = (name, author, own)
    other = here.change(key, "config_value", "no", source="desktop:other")
    assert here.submit(other).reason == "BAD_SIGNATURE"
    with closing(stack.client("admin", ADMIN_PASSWORD)) as client:
        assert client.delete(f"/auth/operator-keys/{here.client_id}").is_success
    answer = here.submit(here.change(key, "config_value", "no"))
    assert (answer.status, answer.reason) == ("REFUSED", "KEY_ENDED")
    assert psql(stack, "SELECT count(*) FROM system_config WHERE config_key = 'planted'") == 0


def test_envelopes_that_cannot_be_opened_change_nothing_and_are_logged_S4(stack: Stack, make: Make):  # noqa: N802
    here, other = make(), make()
    here.sign_in("admin", ADMIN_PASSWORD)
    change = here.change(Key.setting("planted2"), "config_value", "no")
    sealed = json.loads(here.seal(change))["jwe"]
    layer = here.seal(change, aud="somebody-else")
    wrong_key = SyncDevice.seal
    here.signing, signing = other.signing, here.signing
    foreign = wrong_key(here, change)
    here.signing = signing
    here.server_encryption, encryption = other.encryption, here.server_encryption
    wrongly_keyed = here.seal(change)
    here.server_encryption = encryption
    payloads = (b"\xff", b"{}", json.dumps({"jwe": sealed[:-40]}).encode(), layer, foreign, wrongly_keyed)
    for payload in payloads:
        here.send(payload)
    expected = ["malformed", "malformed", "truncated", "not for this audience", "bad signature", "wrong key"]
    until(lambda: len(sync_log(stack, here.client_id)) == len(payloads), within_s=10, what="all are logged")
    assert [row[1] for row in sync_log(stack, here.client_id)] == expected
    assert psql(stack, "SELECT count(*) FROM system_config WHERE config_key = 'planted2'") == 0
    assert here.submit(here.change(Key.setting("after"), "config_value", 1)).status == "APPLIED"


def test_revoked_device_gets_nothing_more(stack: Stack, make: Make):
    here = make()
    assert stack.admin.delete(f"/devices/{here.client_id}").is_success
    until(lambda: not here.raw.is_connected, within_s=10, what="it is cut off")
    with pytest.raises(AssertionError, match=r"40[13]|revoked"):
        here.raw.token()
    count = len(here.raw.heard)
    create_user(stack, "jack", "VIEWER", password=PASSWORD)
    wait_published(stack)
    assert len(here.raw.heard) == count


def test_everything_written_while_the_broker_or_the_api_was_away_arrives_S6(stack: Stack, make: Make):  # noqa: N802
    devices = [make(), make()]
    for device in devices:
        device.close()
    stack["broker"].stop()
    create_user(stack, "kim", "VIEWER", password=PASSWORD)
    stack["auth-api"].kill9()
    stack["broker"].start()
    stack["auth-api"].start()
    stack.wait_ready()
    version = wait_published(stack, within_s=40)
    for device in devices:
        until(lambda device=device: reconnected(device), within_s=20, what="connected again")
        device.ask()
    converged(devices, version)
    assert user_named(devices[0], "kim")


def reconnected(device: SyncDevice) -> bool:
    try:
        device.connect()
    except OSError:
        return False
    return True
