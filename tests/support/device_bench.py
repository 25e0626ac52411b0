"""
A courier on a bench: real outbox file, fake clock, fake channel, and an archive in memory, all in one thread.

The archive checks what it is sent against the contract with a second pair of eyes (its own JSON reading), and the
bench checks after every step that archived, rejected and held cover everything (L3).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from pulse_desktop.core.connection import State
from pulse_desktop.core.delivery.courier import Courier
from pulse_desktop.core.outbox import Committed, OutboxReader, Settlement
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from support.device_fakes import FakeChannel, FakeClock

DEVICE = "D1"


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def numbered_streams() -> Callable[[], str]:
    """Return a maker of stream ids that end in 1, 2, 3 …, so that a test can name them."""
    counter = itertools.count(1)
    return lambda: f"018f0000-0000-7000-8000-{next(counter):012d}"


def bench_on(folder: Path, **settings: Any) -> Bench:
    """Return a device whose file is in *folder*, with other *settings* than the usual ones."""
    return Bench(folder, numbered_streams(), DeviceSettings(**settings))


class Bench:
    """One device without threads. ``commit`` is immediate, so every step can be looked at."""

    def __init__(self, folder: Path, new_stream: Callable[[], str], settings: DeviceSettings | None = None) -> None:
        self.settings = settings or DeviceSettings()
        self.path, self.clock, self.new_stream = folder / "outbox.db", FakeClock(), new_stream
        self.notes: dict[str, Any] = {}
        self.channel: FakeChannel | None = None
        self.seen = 0
        self.kept: dict[tuple[str, int], dict[str, Any]] = {}
        self.rejected: set[tuple[str, int]] = set()
        self.lost: set[tuple[str, int]] = set()
        self.loses_declarations = False
        self.ignored: set[int] = set()
        self.copies = 0
        self.on_foreign_receipt: Callable[[], None] = lambda: None
        self.produced: dict[tuple[str, int], dict[str, Any]] = {}
        self.boot()

    def boot(self) -> None:
        """Start the device anew on the same file."""
        self.file = OutboxFile(self.path, self.clock, self.new_stream, self.settings)
        self.reader = OutboxReader(self.path)
        self.courier = Courier(
            DEVICE, self, self.reader, settings=self.settings, clock=self.clock, random=Random(1),
            picture=self.file.state, on_foreign_receipt=self._tell_foreign,
        )  # fmt: skip
        self.channel = None

    def shut(self) -> None:
        """End it as kill -9 does: nothing is said, nothing is folded in."""
        self.reader.close()
        self.file._db.close()

    # what the courier writes to

    def mark_sent(self, stream: str, ranges: Sequence[tuple[int, int]]) -> None:
        self._transact(lambda: self.file.mark_sent(stream, ranges))

    def settle(self, settlement: Settlement) -> None:
        self._transact(lambda: self.file.settle(settlement))

    def put_back(self, since: str) -> None:
        self._transact(lambda: self.file.put_back(since))
        while self.file.is_putting_back:
            self._transact(self.file.put_back_some)

    def offer_quarantined(self, version: str | None) -> None:
        self._transact(lambda: self.file.offer_quarantined(version))

    def note(self, **fields: Any) -> None:
        self.notes |= fields

    def _tell_foreign(self) -> None:
        self.on_foreign_receipt()

    def _transact(self, work: Callable[[], object]) -> None:
        self.file.begin()
        work()
        state, added = self.file.commit()
        for row in added:
            self.produced[row.stream, row.sequence_no] = json.loads(row.metrics)
        self._waiting = [*getattr(self, "_waiting", []), Committed(state, added)]

    def settle_down(self) -> None:
        """Give the courier every commit that it has not heard of."""
        while getattr(self, "_waiting", []):
            self.courier.committed(self._waiting.pop(0))
        self.courier.tick()

    # what happens to it

    def sample(self, count: int = 1) -> None:
        for _ in range(count):
            number = len(self.produced)
            self._transact(lambda number=number: self.file.add(Sample(self.clock.now(), {"n": number, "x": 0.5})))
            self.settle_down()

    def add_one(self) -> None:
        """Hand one sample to the transaction that is open."""
        self.file.add(Sample(self.clock.now(), {"n": 0, "x": 0.5}))

    def note_only(self) -> None:
        """A commit without readings."""
        self._transact(lambda: None)
        self.settle_down()

    def link_up(self) -> FakeChannel:
        self.channel, self.seen = FakeChannel(), 0
        self.courier.link_up(self.channel)
        self.settle_down()
        return self.channel

    def link_down(self) -> None:
        self.channel = None
        self.courier.link_down()
        self.settle_down()

    def pass_time(self, seconds: float, step: float = 0.5) -> None:
        passed = 0.0
        while passed < seconds:
            self.clock.advance(step)
            passed += step
            self.courier.tick()
            self.settle_down()

    def acknowledge_all(self) -> None:
        """The broker acknowledges everything so far."""
        if self.channel is not None:
            for number in range(1, len(self.channel.sent) + 1):
                self.courier.acknowledged(number)
            self.settle_down()

    def archive_all(self, reject: Callable[[str, int], bool] = lambda _stream, _number: False) -> int:
        """The archive takes everything that was published and not looked at, and answers each message."""
        answered = 0
        while self.channel is not None and self.seen < len(self.channel.sent):
            kind, payload, _ = self.channel.sent[self.seen]
            self.seen += 1
            if kind != "heartbeat":
                self.receipt(self._store(payload, reject))
                answered += 1
        return answered

    def restore_archive(self) -> None:
        """The archive is empty again and asks for everything that it has ever answered."""
        self.kept.clear()
        self.rejected.clear()
        self.lost.clear()
        self.wish()

    def wish(self, since: str | None = None) -> None:
        """The archive asks for everything answered since *since*, by default ever: a time of its own each time."""
        self.wishes = getattr(self, "wishes", 0) + 1
        since = since or f"2026-01-01T00:00:00.{self.wishes % 1000:03d}Z"
        self.receipt({"client_id": DEVICE, "stream": None, "archived": [], "rejected": [], "lost": [],
                      "wanted_since": since, "at": stamp(self.clock.now())})  # fmt: skip

    def lose_messages(self) -> None:
        """The broker acknowledged what was published, and forgets it."""
        self.acknowledge_all()
        self.seen = len(self.channel.sent) if self.channel is not None else 0

    def receipt(self, receipt: dict[str, Any] | bytes) -> None:
        payload = receipt if isinstance(receipt, bytes) else json.dumps(receipt).encode()
        self.courier.received(f"archive/{DEVICE}/receipt", payload)
        self.settle_down()

    def status(
        self,
        status: str,
        database: str = "ok",
        started_at: str = "2026-01-01T00:00:00.000Z",
        instance: str = "1",
        version: str = "1.0",
    ) -> None:
        fields = {"service": "ingest", "instance": instance, "status": status, "checks": {"database": database},
                  "version": version}  # fmt: skip
        payload = json.dumps({**fields, "started_at": started_at, "at": stamp(self.clock.now())}).encode()
        self.courier.received(f"system/ingest/{instance}/status", payload)
        self.settle_down()

    def _store(self, payload: dict[str, Any], reject: Callable[[str, int], bool]) -> dict[str, Any]:
        assert payload["client_id"] == DEVICE
        stream, archived, rejected, lost = payload["stream"], [], [], []
        for reading in payload.get("readings", [payload]):
            key = (stream, reading["sequence_no"])
            if key[1] in self.ignored:
                continue
            assert reading["metrics"] == self.produced[key], "a reading was changed on the way"
            if reject(*key) and key not in self.kept:
                self.rejected.add(key)
                self.lost.discard(key)
                rejected.append({"sequence_no": key[1], "reason": "not wanted"})
                continue
            self.copies += 1
            self.rejected.discard(key)
            self.lost.discard(key)
            self.kept[key] = reading["metrics"]
            archived.append([key[1], key[1]])
        for first, last in [] if self.loses_declarations else payload.get("lost", []):
            for number in range(first, last + 1):
                key = (stream, number)
                if key in self.kept:
                    archived.append([number, number])
                elif key in self.rejected:
                    rejected.append({"sequence_no": number, "reason": "not wanted"})
                else:
                    self.lost.add(key)
                    lost.append([number, number])
        return {"client_id": DEVICE, "stream": stream, "archived": archived, "rejected": rejected, "lost": lost,
                "wanted_since": None, "at": stamp(self.clock.now())}  # fmt: skip

    # what must hold

    def check_account(self) -> None:
        """L3 by the newest heartbeat: with what the archive settled it covers 1..last of the streams it names."""
        beats = self.channel.beats() if self.channel is not None else []
        if not beats:
            return
        held = {one["stream"]: (one["first"], one["last"]) for one in beats[-1]["held"]}
        for stream, number in self.numbers():
            first, last = held.get(stream, (1, 0))
            is_newer = stream == beats[-1]["stream"] and number > beats[-1]["last_sequence_no"]
            is_here = first <= number <= last
            is_there = any((stream, number) in fate for fate in (self.kept, self.rejected, self.lost))
            assert is_newer or is_here or is_there, f"{number} of {stream} is nowhere"

    def numbers(self) -> set[tuple[str, int]]:
        """Every number that the file has ever given."""
        return {(stream, number) for stream, last, _ in self.reader.streams() for number in range(1, last + 1)}

    def declared(self) -> set[tuple[str, int]]:
        """The losses that no receipt has settled."""
        ranges = [(one.stream, *found) for one in self.file.state.streams for found in one.lost]
        return {(stream, number) for stream, first, last in ranges for number in range(first, last + 1)}

    @property
    def state(self) -> State:
        return self.courier.state

    def held(self) -> int:
        return self.file.state.held
