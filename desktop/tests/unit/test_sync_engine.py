"""The server's messages on a device: applied in order, asked for when something is missing, never trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pulse_acl.payloads import ServiceStatus, encode, format_time
from pulse_desktop.core.sync.keys import private_key
from pulse_sync.envelopes import seal_to_device
from pulse_sync.messages import Snapshot
from pulse_sync.records import Key
from support.sync_bench import HISTORY, OTHER_HISTORY, ROLE, USER, SyncBench, people, record, user


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SyncBench]:
    made = SyncBench(tmp_path)
    yield made
    made.close()


def role(text: str) -> object:
    return record(Key.role(ROLE), name="BOSS", description=text, deleted_at=None)


def description(bench: SyncBench) -> object:
    found = bench.store.held().get(Key.role(ROLE))
    return found.get("description") if found is not None else None


def assert_mirrors(bench: SyncBench) -> None:
    assert bench.store.held() == bench.server.records
    position = bench.store.position()
    assert (position.history, position.version) == (bench.server.history, bench.server.version)


def test_engine_new_device_asks_for_everything_and_takes_the_snapshot(bench: SyncBench):
    bench.server.put(*people())
    bench.link_up()
    (request,) = bench.requests()
    assert (request.history, request.from_version, request.digest) == (None, 0, None)
    parts = bench.server.answer(request)
    assert len(parts) > 2
    bench.deliver(*parts[1:])
    assert bench.store.held() == {}, "nothing while a part is missing"
    bench.deliver(parts[-1], parts[0])
    assert_mirrors(bench)
    assert bench.store.state()["last_contact_at"] is not None


def test_engine_file_read_again_holds_exactly_what_was_received(bench: SyncBench):
    bench.server.put(*people(), user("018f0000-0000-7000-8000-0000000000ff", "bo", password_hash=None, is_active=False),
                     record(Key.setting("shop/name", ""), config_value={"a": [1, 2.5, None]}, deleted_at=None),
                     record(Key.setting("o", "D1"), config_value=None, deleted_at="2026-01-02T00:00:00Z"))  # fmt: skip
    bench.connect()
    bench.die()
    assert_mirrors(bench)
    bench.connect()
    assert_mirrors(bench)


def test_engine_event_in_order_is_applied_and_one_seen_before_is_not(bench: SyncBench):
    bench.connect()
    (first,), (second,) = bench.server.put(role("one")), bench.server.put(role("two"))
    bench.deliver(first, second, first)
    assert description(bench) == "two"
    assert bench.requests() == []
    assert bench.told[-1] == ("position", bench.server.version)


def test_engine_gap_is_asked_for_once_and_filled_by_pages_case_27(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    bench.server.put(role("one"))
    (second,), (third,) = bench.server.put(role("two")), bench.server.put(user(username="anna"))
    bench.deliver(third, second)
    assert description(bench) == "", "nothing is skipped"
    (request,) = bench.requests()
    assert request.from_version == len(people())
    answer = bench.server.answer(request)
    assert len(answer) == 2
    bench.deliver(*answer)
    assert_mirrors(bench)
    assert bench.requests() == []


def test_engine_pages_that_come_out_of_order_or_twice_lead_to_the_same(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    for text in ("one", "two"):
        bench.server.put(role(text), user(username=text))
    bench.link_up()
    (request,) = bench.requests()
    pages = bench.server.answer(request)
    bench.deliver(pages[-1], pages[0], pages[0], *pages)
    assert_mirrors(bench)


def test_engine_contact_without_news_is_one_and_has_consequences(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    bench.engine.is_changed = False
    bench.clock.advance(60)
    bench.engine.ask()
    bench.deliver(*bench.server.answer(bench.requests()[0]))
    assert bench.engine.is_changed
    assert bench.engine.is_caught_up
    assert bench.store.state()["last_contact_at"] == format_time(bench.clock.now())


def test_engine_digest_that_differs_gets_a_snapshot(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    with bench.db:
        bench.db.execute("UPDATE roles SET description = 'altered on the disk'")
    bench.die()
    bench.connect()
    assert_mirrors(bench)


def test_engine_page_whose_digest_differs_asks_from_nothing(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    bench.engine._held.pop(Key.role(ROLE))
    bench.server.put(user(username="anna"))
    bench.link_up()
    (request,) = bench.requests()
    bench.deliver(*bench.server.answer(request))
    (again,) = bench.requests()
    assert (again.from_version, again.digest) == (0, None)


def test_engine_other_history_is_entered_only_by_the_snapshot_that_was_asked_for(bench: SyncBench):
    bench.server.put(*people(), role("old"))
    bench.connect()
    old_version = bench.server.version
    bench.server.history, bench.server.version = OTHER_HISTORY, 0
    bench.server.changed_at.clear()
    (event,) = bench.server.put(role("restored"))
    bench.deliver(event)
    (request,) = bench.requests()
    bench.deliver(*bench.server.snapshot("another-nonce"), *bench.server.snapshot(None))
    assert (description(bench), bench.store.position().history) == ("old", HISTORY)
    bench.deliver(*bench.server.answer(request))
    assert bench.server.version < old_version, "whatever its version"
    assert_mirrors(bench)


def test_engine_status_of_another_history_makes_it_ask(bench: SyncBench):
    bench.connect()
    fields = {"service": "auth-api", "instance": "1", "status": "ONLINE", "started_at": "2026-01-01T00:00:00.000Z"}
    bench.engine.status(encode(ServiceStatus(**fields, history=HISTORY)))
    bench.answer_all()
    bench.engine.status(encode(ServiceStatus(**fields, history=HISTORY)))
    assert bench.requests() == [], "it has seen that start"
    bench.engine.status(encode(ServiceStatus(**fields, history=OTHER_HISTORY)))
    assert len(bench.requests()) == 1


def test_engine_request_without_an_answer_is_repeated_after_10_s_doubling_to_10_min_case_29(bench: SyncBench):
    bench.link_up()
    waits = []
    for _ in range(9):
        bench.requests()
        waits.append(bench.engine.due_at() - bench.clock.monotonic())
        bench.clock.advance(waits[-1] - 0.001)
        bench.engine.tick()
        assert bench.requests() == []
        bench.clock.advance(0.001)
        bench.engine.tick()
        assert len(bench.channel.sent) == 1
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]


@pytest.mark.parametrize("kind", ["not ours", "wrong key", "wrong signature", "wrong audience", "cut off", "no json"])
def test_engine_message_that_is_not_validly_signed_for_it_changes_nothing_and_is_asked_for_case_42(
    bench: SyncBench, kind: str
):
    """S4, from the server to the device."""
    bench.connect()
    (event,) = bench.server.put(role("forged"))
    good = seal_to_device(event, bench.server.signing, bench.keys.encryption)
    stranger = private_key(Ed25519PrivateKey.generate())
    bad = {
        "not ours": "a.b.c.d.e",
        "wrong key": seal_to_device(event, bench.server.signing, private_key(X25519PrivateKey.generate())),
        "wrong signature": seal_to_device(event, stranger, bench.keys.encryption),
        "wrong audience": seal_to_device(replace_aud(event, "D2"), bench.server.signing, bench.keys.encryption),
        "cut off": good[:-30],
        "no json": "",
    }[kind]
    if kind == "no json":
        bench.engine.received(b"{")
    else:
        bench.deliver_raw(bad)
    assert bench.store.held() == {}
    (request,) = bench.requests()
    bench.deliver(*bench.server.answer(request))
    assert_mirrors(bench)


def replace_aud(event: object, aud: str) -> object:
    import msgspec

    return msgspec.structs.replace(event, aud=aud)


def test_engine_answer_after_an_error_of_the_disk_is_read_anew(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    (event,) = bench.server.put(role("new"))
    bench.db.execute("CREATE TRIGGER broken BEFORE INSERT ON roles BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(Exception, match="no"):
        bench.deliver(event)
    bench.db.execute("DROP TRIGGER broken")
    bench.engine.reload()
    assert bench.store.position().version == bench.server.version - 1
    bench.deliver(event)
    assert_mirrors(bench)


def test_engine_hash_of_who_leaves_the_view_is_erased_from_the_file_and_the_name_stays(bench: SyncBench):
    bench.server.put(*people())
    for number in range(30):  # so that pages of the file are split and joined
        bench.server.put(
            user(f"018f0000-0000-7000-8000-0000000001{number:02d}", f"p{number}", password_hash=f"h{number}" * 20)
        )
    bench.connect()
    mark = bench.store.held()[Key.user(USER)].get("password_hash").encode()
    keys = bench.keep_key()
    wrapped = keys.find(USER).wrapped
    assert mark in bench.bytes_on_disk()
    assert wrapped in bench.bytes_on_disk()
    bench.deliver(*bench.server.put(user(password_hash=None)))
    bench.draw()
    assert bench.store.erase()
    assert mark not in bench.bytes_on_disk()
    assert wrapped not in bench.bytes_on_disk()
    assert mark.rpartition(b"$")[2] not in bench.bytes_on_disk()
    assert bench.store.held()[Key.user(USER)].get("username") == "ann"


def test_engine_erasure_that_was_interrupted_goes_on_after_the_start(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    mark = bench.store.held()[Key.user(USER)].get("password_hash").encode()
    bench.deliver(*bench.server.put(user(password_hash=None)))
    bench.die()
    assert bench.store.state()["erasing"]
    assert bench.store.erase()
    assert mark not in bench.bytes_on_disk()


def test_engine_hash_of_a_password_that_is_another_now_is_erased_too(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    assert bench.store.erase()  # what the first snapshot left to be erased
    former = bench.store.held()[Key.user(USER)].get("password_hash").encode()
    bench.deliver(*bench.server.put(user(password_hash="$argon2id$another")))
    assert bench.store.erase()
    assert former not in bench.bytes_on_disk()
    assert b"$argon2id$another" in bench.bytes_on_disk()


def test_engine_snapshot_of_the_same_history_ahead_is_taken_unasked(bench: SyncBench):
    bench.server.put(*people())
    bench.connect()
    bench.server.put(role("later"))
    parts = bench.server.snapshot(None)
    assert all(isinstance(part, Snapshot) for part in parts)
    bench.deliver(*reversed(parts))
    assert_mirrors(bench)


def test_engine_settings_are_told_with_the_version_that_brought_them(bench: SyncBench):
    bench.connect()
    bench.told.clear()
    bench.deliver(*bench.server.put(record(Key.setting("flush_order"), config_value="live_first", deleted_at=None)))
    bench.deliver(*bench.server.put(role("one")))
    assert [one for one in bench.told if one[0] == "settings"] == [("settings", 1)]
    assert bench.store.state()["config_version"] == 1
