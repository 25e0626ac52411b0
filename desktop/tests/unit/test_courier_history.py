"""The courier against any history of cuts, kills, silence and repetition (L1 to L3)."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from support.device_bench import DEVICE, bench_on, stamp


class Delivery(RuleBasedStateMachine):
    """L1 to L3: any history of cuts, kills, silence and repetition, then an honest archive: all of it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = bench_on(Path(self.folder.name), flush_batch_size=3, buffer_limit=15)

    @rule(count=st.integers(1, 5), policy=st.sampled_from(["refuse_new", "drop_oldest"]))
    def sample(self, count: int, policy: str) -> None:
        self.bench.file.settings = replace(self.bench.settings, buffer_full_policy=policy)
        self.bench.sample(count)

    @rule()
    def link_up(self) -> None:
        self.bench.link_up()

    @rule()
    def link_down(self) -> None:
        self.bench.link_down()

    @rule()
    def kill_and_start(self) -> None:
        self.bench.shut()
        self.bench.boot()

    @rule(seconds=st.sampled_from([0.5, 3.0, 12.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.pass_time(seconds)

    @rule()
    def broker_acknowledges(self) -> None:
        self.bench.acknowledge_all()

    @rule()
    def broker_forgets(self) -> None:
        self.bench.lose_messages()

    @rule(odd=st.integers(2, 7))
    def archive_answers(self, odd: int) -> None:
        self.bench.archive_all(lambda _stream, number: number % odd == 0)

    @rule(status=st.sampled_from(["ONLINE", "DEGRADED", "OFFLINE"]), start=st.integers(1, 3))
    def worker_speaks(self, status: str, start: int) -> None:
        self.bench.status(status, "ok" if status == "ONLINE" else "down", f"2026-01-0{start}T00:00:00.000Z")

    @rule(order=st.sampled_from(["buffer_first", "live_first"]), batch=st.integers(1, 5))
    def settings_change(self, order: str, batch: int) -> None:
        self.bench.courier.configure(replace(self.bench.settings, flush_order=order, flush_batch_size=batch))

    @rule()
    def somebody_wants_a_flush(self) -> None:
        self.bench.courier.flush_wanted()
        self.bench.settle_down()

    @rule()
    def archive_is_restored(self) -> None:
        """The archive forgets everything of a time, and asks for it; what it has forgotten comes back."""
        self.bench.clock.advance(1.0)
        self.bench.restore_archive()

    @precondition(lambda self: self.bench.produced)
    @rule(data=st.data())
    def receipt_lies(self, data: st.DataObject) -> None:
        stream, _ = data.draw(st.sampled_from(sorted(self.bench.produced)))
        held = self.bench.held()
        # Numbers given up count too: only above all that was ever given is the lie one that the device can see.
        beyond = max(number for name, number in self.bench.numbers() if name == stream) + data.draw(st.integers(1, 9))
        self.bench.receipt({"client_id": DEVICE, "stream": stream, "archived": [[1, beyond]], "rejected": [],
                            "lost": [], "wanted_since": None, "at": stamp(self.bench.clock.now())})  # fmt: skip
        assert self.bench.held() == held

    @invariant()
    def nothing_is_nowhere(self) -> None:
        self.bench.check_account()
        rows = {(s.stream, r.sequence_no) for s in self.bench.file.state.streams if s.held
                for r in self.bench.reader.rows(s, s.first_held, s.last_held, 10_000, 2**62)}  # fmt: skip
        fates = (set(self.bench.kept), self.bench.rejected, self.bench.lost)
        assert not any(one & other for one, other in itertools.combinations(fates, 2)), "L3: two fates"
        here = rows | self.bench.declared()
        assert self.bench.numbers() <= here.union(*fates), "L2: a number left without a fate"
        assert not rows & self.bench.declared(), "L3: declared as lost and still held"

    def teardown(self) -> None:
        with self.folder, contextlib.ExitStack() as stack:
            stack.callback(self.bench.shut)
            self._all_arrives()

    def _all_arrives(self) -> None:
        bench = self.bench
        bench.link_up()
        for _ in range(200):
            if not bench.archive_all() and not bench.held() and not bench.declared():
                break
            bench.pass_time(1.0)
        assert (bench.held(), bench.declared()) == (0, set())
        assert set(bench.kept) | bench.rejected | bench.lost == bench.numbers()
        assert bench.kept == {key: bench.produced[key] for key in bench.kept}


TestDelivery = Delivery.TestCase
TestDelivery.settings = hypothesis_settings(max_examples=50, stateful_step_count=25, deadline=None)
