"""Changes made on a device: queued signed, sent in order until answered, shown meanwhile, reviewed if refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulse_acl.payloads import ServiceStatus, encode, format_time
from pulse_desktop.core.errors import ChangeError
from pulse_desktop.core.sync.author import Author
from pulse_desktop.core.sync.change_queue import ChangeQueue
from pulse_sync.changes import CREATE
from pulse_sync.records import Key, Kind
from support.sync_bench import HASH, HISTORY, LOGIN, ROLE, USER, SyncBench, bench_with_people, record, user

BOSS = Key.role(ROLE)
HASH_OF_BOB = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("another-password-34")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SyncBench]:
    made = bench_with_people(tmp_path)
    yield made
    made.close()


def sent(bench: SyncBench) -> list[str]:
    return [layer.change_id for layer, _ in bench.changes()]


def shown(bench: SyncBench, key: Key, field: str) -> object:
    found = bench.shown().records.get(key)
    return found.get(field) if found is not None else None


def test_change_is_signed_by_the_person_inside_the_devices_layer_with_what_its_author_saw(bench: SyncBench):
    bench.clock.advance(60)
    queued = bench.author().edit(BOSS, "description", "new")
    bench.engine.look()
    ((layer, change),) = bench.changes()
    assert change == queued
    assert (change.base, change.history, change.source) == (bench.server.version, HISTORY, "desktop:D1")
    assert (change.author, change.by) == (USER, "user:ann")
    assert change.at == format_time(bench.clock.now())
    assert (layer.author, layer.after, layer.client_id) == (USER, None, "D1")


def test_change_is_later_than_the_value_that_its_author_saw_however_late_that_is_case_24(bench: SyncBench):
    ahead = bench.clock.now() + timedelta(minutes=4)
    bench.deliver(*bench.server.put(record(BOSS, format_time(ahead), name="BOSS", description="x", deleted_at=None)))
    assert bench.author().edit(BOSS, "description", "y").at == format_time(ahead + timedelta(milliseconds=1))


def test_change_on_a_clock_that_is_off_is_stamped_on_the_servers_scale_case_24(bench: SyncBench):
    bench.engine.link_down()
    bench.connect(offset_ms=-3_600_000)
    servers_time = bench.clock.now() - timedelta(hours=1)
    assert bench.author().edit(BOSS, "description", "y").at == format_time(servers_time)


def test_changes_go_out_in_order_each_after_the_one_before_it(bench: SyncBench):
    by = bench.author()
    made = [by.edit(BOSS, "description", text).change_id for text in ("a", "b", "c")]
    bench.engine.look()
    assert [(layer.change_id, layer.after) for layer, _ in bench.changes()] == [
        (made[0], None), (made[1], made[0]), (made[2], made[1]),
    ]  # fmt: skip
    made.append(by.edit(BOSS, "description", "d").change_id)
    bench.engine.look()
    assert [(layer.change_id, layer.after) for layer, _ in bench.changes()] == [(made[3], made[2])]


def test_changes_unanswered_are_sent_again_after_10_s_doubling_to_10_min(bench: SyncBench):
    change = bench.author().edit(BOSS, "description", "a")
    bench.engine.look()
    waits = []
    for _ in range(8):
        assert sent(bench) == [change.change_id]
        waits.append(bench.engine.due_at() - bench.clock.monotonic())
        bench.clock.advance(waits[-1])
        bench.engine.tick()
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600]


def test_changes_unanswered_are_sent_again_at_connect_and_when_the_api_has_started_anew(bench: SyncBench):
    change = bench.author().edit(BOSS, "description", "a")
    bench.engine.look()
    assert sent(bench) == [change.change_id]
    bench.engine.link_down()
    bench.connect()
    assert sent(bench) == [change.change_id]
    bench.die()
    bench.connect()
    assert sent(bench) == [change.change_id]
    for started, again in (("2026-01-01T00:00:00.000Z", True), ("2026-01-01T00:00:00.000Z", False),
                           ("2026-01-02T00:00:00.000Z", True)):  # fmt: skip
        bench.engine.status(
            encode(
                ServiceStatus(service="auth-api", instance="1", status="ONLINE", started_at=started, history=HISTORY)
            )
        )
        assert sent(bench) == [change.change_id] * again


def test_change_is_shown_until_answered_and_then_until_its_own_version_is_here(bench: SyncBench):
    change = bench.author().edit(BOSS, "description", "mine")
    assert shown(bench, BOSS, "description") == "mine"
    assert bench.store.held()[BOSS].get("description") == "", "the server's state is left as received"
    (event,) = bench.server.put(record(BOSS, change.at, name="BOSS", description="mine", deleted_at=None))
    bench.deliver(bench.outcome(change, "APPLIED", version=event.version))
    assert shown(bench, BOSS, "description") == "mine", "no flicker"
    bench.engine.link_down()
    bench.link_up()
    assert sent(bench) == [], "an answered change is not sent again"
    bench.deliver(event)
    assert ChangeQueue(bench.db).all() == []
    assert shown(bench, BOSS, "description") == "mine"


@pytest.mark.parametrize(
    ("status", "reason"), [("REFUSED", "NOT_ALLOWED"), ("CONFLICT", "LATER_VALUE"), ("FAILED", "INTERNAL")]
)
def test_change_not_applied_falls_back_and_stays_on_the_review_list_with_its_reason_case_26(
    bench: SyncBench, status: str, reason: str
):
    change = bench.author().edit(BOSS, "description", "mine")
    bench.deliver(bench.outcome(change, status, reason=reason, message="Because.", kept={"description": "theirs"}))
    assert shown(bench, BOSS, "description") == ""
    (entry,) = ChangeQueue(bench.db).reviews()
    assert (entry.row["status"], entry.row["reason"], entry.row["error_message"]) == (status, reason, "Because.")
    assert entry.row["new_value"] == '{"description":"mine"}'
    assert entry.row["old_value"] == ('{"description":"theirs"}' if status == "CONFLICT" else '{"description":""}')
    bench.deliver(bench.outcome(change, "APPLIED"))
    assert len(ChangeQueue(bench.db).log(10)) == 1, "a repeated answer is not taken twice"
    assert ChangeQueue(bench.db).reviewed(entry.row["id"], "2026-06-01T12:00:00.000Z")
    assert ChangeQueue(bench.db).reviews() == []


def test_change_refused_does_not_hold_up_those_behind_it_case_26(bench: SyncBench):
    by = bench.author()
    first, second = by.edit(BOSS, "name", "CHIEF"), by.edit(BOSS, "description", "b")
    bench.engine.look()
    bench.changes()
    bench.deliver(bench.outcome(first, "REFUSED", reason="NAME_TAKEN"))
    bench.engine.link_down()
    bench.connect()
    assert [(layer.change_id, layer.after) for layer, _ in bench.changes()] == [(second.change_id, None)]


def test_changes_that_hang_on_a_refused_creation_are_one_entry(bench: SyncBench):
    by = bench.author()
    bob = by.create(Kind.USER, {"username": "bob", "password_hash": HASH})
    membership = by.edit(Key.user_role(bob.id, ROLE), "present", True)
    made = ChangeQueue(bench.db).all()[0].change
    assert made.field == CREATE
    bench.deliver(bench.outcome(made, "REFUSED", reason="NAME_TAKEN"))
    bench.deliver(bench.outcome(membership, "REFUSED", reason="RECORD_REFUSED"))
    (entry,) = ChangeQueue(bench.db).reviews()
    assert [row["reason"] for row in (entry.row, *entry.with_it)] == ["NAME_TAKEN", "RECORD_REFUSED"]
    assert HASH not in str(entry), "no hash in a log"
    assert ChangeQueue(bench.db).reviewed(entry.row["id"], "2026-06-01T12:00:00.000Z")
    assert ChangeQueue(bench.db).reviews() == []


def test_changes_that_hang_on_a_refused_creation_are_one_entry_whatever_their_own_reason(bench: SyncBench):
    by = bench.author()
    bob = by.create(Kind.USER, {"username": "bob", "password_hash": HASH})
    others = [by.edit(Key.user_role(bob.id, ROLE), "present", True), by.edit(bob, "username", "bobby")]
    alone = by.edit(BOSS, "description", "x")
    for change in (ChangeQueue(bench.db).all()[0].change, *others, alone):
        bench.deliver(bench.outcome(change, "REFUSED", reason="NOT_ALLOWED"))
    assert [len(entry.with_it) for entry in ChangeQueue(bench.db).reviews()] == [2, 0]


def test_change_that_overtook_another_is_applied_and_in_the_log_as_a_conflict_too(bench: SyncBench):
    """S3 on the device."""
    change = bench.author().edit(BOSS, "description", "mine")
    bench.deliver(bench.outcome(change, "APPLIED", reason="OVERTOOK", version=1))
    assert [row["status"] for row in ChangeQueue(bench.db).log(10)] == ["CONFLICT", "APPLIED"]
    assert ChangeQueue(bench.db).reviews() == [], "nothing was lost here, so nothing is to be decided"


def test_change_answered_with_key_ended_ends_the_key_that_signed_it_and_no_other(bench: SyncBench):
    keys = bench.keep_key()
    change = bench.author().edit(BOSS, "description", "a")
    other = Author(bench.db, "D1", bench.clock, user_id=USER, username="ann", key=Ed25519PrivateKey.generate()).edit(
        BOSS, "description", "b"
    )
    bench.deliver(bench.outcome(other, "REFUSED", reason="KEY_ENDED"))
    assert keys.find(USER).ended_why is None
    bench.deliver(bench.outcome(change, "REFUSED", reason="KEY_ENDED"))
    assert keys.find(USER).ended_why == "the server has ended it"
    assert keys.find(USER).wrapped == b""


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda by: by.edit(Key.user(USER), "username", "a b"), "no white space"),
        (lambda by: by.create(Kind.USER, {"username": "ANN", "password_hash": HASH}), "another user has the name"),
        (lambda by: by.edit(Key.setting("flush_batch_size"), "config_value", 0), "from 1 to 1000"),
        (lambda by: by.edit(Key.role(LOGIN), "name", "X"), "there is no such record"),
        (lambda by: by.edit(BOSS, "rules", []), "has no field"),
    ],
)
def test_change_that_no_server_takes_is_refused_at_once(bench: SyncBench, attempt: object, words: str):
    with pytest.raises(ChangeError, match=words):
        attempt(bench.author())
    assert ChangeQueue(bench.db).all() == []


def test_change_without_the_permission_is_refused_at_once_but_ones_own_password_is_free(bench: SyncBench):
    bench.deliver(*bench.server.put(record(Key.user_role(USER, ROLE), present=False)))
    by = bench.author()
    for key, field, value in [
        (BOSS, "name", "X"),
        (Key.user(USER), "username", "x"),
        (Key.setting("a"), "config_value", 1),
    ]:
        with pytest.raises(ChangeError, match="needs the permission"):
            by.edit(key, field, value)
    assert by.edit(Key.user(USER), "password_hash", HASH).field == "password_hash"


def test_change_right_is_judged_on_what_is_shown_ones_own_queue_included(bench: SyncBench):
    by = bench.author()
    by.edit(Key.user(USER), "is_active", False)
    with pytest.raises(ChangeError, match="needs the permission"):
        by.edit(BOSS, "description", "x")


def test_device_that_has_never_met_its_server_makes_no_changes(tmp_path: Path):
    made = SyncBench(tmp_path)
    with pytest.raises(ChangeError, match="has not received the records"):
        made.author().edit(Key.user(USER), "password_hash", HASH)
    made.close()


def test_queue_of_several_processes_keeps_one_order_and_loses_nothing(bench: SyncBench):
    from pulse_desktop.core.sync.schema import open_identity

    other_db = open_identity(bench.path)
    other = Author(other_db, "D1", bench.clock, user_id=USER, username="ann", key=bench.person)
    made = [
        by.edit(BOSS, "description", str(n)).at
        for n, by in zip(range(6), itertools.cycle([bench.author(), other]), strict=False)
    ]
    assert [queued.change.at for queued in ChangeQueue(bench.db).all()] == sorted(made)
    assert len(set(made)) == 6, "each beats the one before it"
    other_db.close()


def test_user_made_here_is_shown_with_what_the_server_will_fill_in(bench: SyncBench):
    bob = bench.author().create(Kind.USER, {"username": "bob", "password_hash": HASH})
    assert bench.shown().named(Kind.USER, "BOB").key == bob
    assert shown(bench, bob, "is_active") is True
    bench.author().delete(bob)
    assert bench.shown().named(Kind.USER, "bob") is None
    assert shown(bench, bob, "deleted_at") is not None


@pytest.mark.parametrize("status", ["APPLIED", "REFUSED"])
def test_change_with_a_hash_leaves_no_copy_of_it_once_it_left_the_queue(bench: SyncBench, status: str):
    assert bench.store.erase()  # what the first snapshot left to be erased
    fields = {"username": "bob", "password_hash": HASH_OF_BOB, "is_active": True}
    key = bench.author().create(Kind.USER, fields)
    (queued,) = ChangeQueue(bench.db).all()
    assert queued.signed.encode() in bench.bytes_on_disk()
    arrived = record(key, username="bob", is_active=True, deleted_at=None)  # bob may not sign in on desktops
    version = bench.server.version + 1 if status == "APPLIED" else None
    bench.deliver(bench.outcome(queued.change, status, version=version))
    bench.deliver(*bench.server.put(arrived))
    assert ChangeQueue(bench.db).all() == []
    assert bench.store.erase()
    assert queued.signed.encode() not in bench.bytes_on_disk()
    assert HASH_OF_BOB.encode() not in bench.bytes_on_disk()


def test_snapshot_of_another_history_lets_go_of_answered_changes_and_keeps_the_others(bench: SyncBench):
    by = bench.author()
    answered, waiting = by.edit(BOSS, "description", "a"), by.edit(BOSS, "name", "CHIEF")
    bench.deliver(bench.outcome(answered, "APPLIED", version=bench.server.version + 1))
    bench.server.history = "018f0000-0000-7000-8000-0000000000bb"
    bench.server.put(user(username="anna"))
    bench.engine.link_down()
    bench.connect()
    assert [queued.change.change_id for queued in ChangeQueue(bench.db).all()] == [waiting.change_id]
    assert shown(bench, BOSS, "description") == ""
