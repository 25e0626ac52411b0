"""The sync's thread: what other processes queue is sent within a second, and no error ends it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_acl.payloads import SyncEnvelope, SyncRequest, decode, encode
from pulse_acl.topics import Topic, build
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.sync.author import Author
from pulse_desktop.core.sync.loop import LOOK_EVERY_S, SyncLoop
from pulse_desktop.core.sync.ports import Hooks
from pulse_desktop.core.sync.schema import FILE_NAME, open_identity
from pulse_desktop.core.sync.store import SyncStore
from pulse_sync.envelopes import seal_to_device
from pulse_sync.messages import FromServer
from pulse_sync.records import Key
from support.sync_bench import HASH, ROLE, USER, BenchChannel, SyncBench, people, user
from support.waiting import until

STATE = build(Topic.SYNC_STATE, client_id="D1")


class Running:
    """A loop with its server's hand on it; the bench gives keys and server, its own engine stands still."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bench = folder, SyncBench(folder)
        self.bench.server.put(*people())
        self.channel, self.versions = BenchChannel(), []
        hooks = Hooks(
            on_position=lambda _history, version: self.versions.append(version),
            on_settings=lambda _version: None,
            flush=lambda: None,
            reload=lambda: None,
        )
        self.loop = SyncLoop("D1", folder / FILE_NAME, self.bench.keys, SystemClock(), hooks)

    def start(self) -> Running:
        self.loop.start()
        self.loop.link_up(self.channel, 0)
        self.answer()
        until(lambda: self.versions[-1:] == [self.bench.server.version], within_s=5, what="it has the records")
        return self

    def answer(self) -> None:
        (payload,) = until(lambda: self.channel.take("/request"), within_s=5, what="it asks")
        self.deliver(*self.bench.server.answer(decode(SyncRequest, payload)))

    def deliver(self, *messages: FromServer) -> None:
        for one in messages:
            sealed = seal_to_device(one, self.bench.server.signing, self.bench.keys.encryption)
            self.loop.received(STATE, encode(SyncEnvelope(jwe=sealed)), is_retained=False)

    def sent(self, ending: str) -> list[bytes]:
        return [payload for topic, payload in list(self.channel.sent) if topic.endswith(ending)]

    def close(self) -> None:
        self.loop.stop()
        self.bench.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.close()


def test_loop_change_queued_by_another_process_is_sent_within_a_second(running: Running):
    running.start()
    db = open_identity(running.folder / FILE_NAME)
    by = Author(db, "D1", SystemClock(), user_id=USER, username="ann", key=running.bench.person)
    by.edit(Key.role(ROLE), "description", "queued beside it")
    until(lambda: running.sent("/changes"), within_s=5, what="it is sent")
    assert LOOK_EVERY_S <= 0.5, "it looks twice a second"
    db.close()


def test_loop_asks_when_another_process_wants_that(running: Running):
    running.start()
    db = open_identity(running.folder / FILE_NAME)
    SyncStore(db).note(ask_wanted=1)
    running.answer()
    assert SyncStore(db).state()["ask_wanted"] == 0
    db.close()


def test_loop_hash_that_left_is_erased_without_being_told(running: Running):
    running.start()
    assert HASH.encode() in running.bench.bytes_on_disk()
    running.deliver(*running.bench.server.put(user(password_hash=None)))
    until(lambda: HASH.encode() not in running.bench.bytes_on_disk(), within_s=5, what="it is erased")


def test_loop_message_that_fails_ends_nothing_and_is_asked_for_again(running: Running):
    running.start()
    db = sqlite3.connect(running.folder / FILE_NAME)
    db.execute("CREATE TRIGGER broken BEFORE INSERT ON roles BEGIN SELECT RAISE(ABORT, 'no'); END")
    (event,) = running.bench.server.put(people()[1])
    running.deliver(event)
    until(lambda: len(running.versions) >= 3, within_s=5, what="it has read its state anew")
    db.execute("DROP TRIGGER broken")
    db.commit()
    db.close()
    running.loop.link_down()
    running.loop.link_up(running.channel, 0)
    running.answer()
    until(lambda: running.versions[-1] == running.bench.server.version, within_s=5, what="it goes on")


def test_loop_damaged_file_is_set_aside_and_the_records_come_again(tmp_path: Path):
    running = Running(tmp_path)
    running.bench.close()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"{FILE_NAME}{suffix}").unlink(missing_ok=True)
    (tmp_path / FILE_NAME).write_bytes(b"not a database at all" * 300)
    running.start()
    assert len(list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))) >= 1
    running.loop.stop()
