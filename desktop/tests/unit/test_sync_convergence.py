"""S1 and S6 on the device: whatever the way did to the messages, it ends where the server is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulse_sync.records import Key
from support.sync_bench import OTHER_HISTORY, ROLE, USER, SyncBench, people, record, user

CHANGES = (
    lambda number: record(Key.role(ROLE), name="BOSS", description=str(number), deleted_at=None),
    lambda number: user(username=f"ann{number}"),
    lambda _number: user(password_hash=None),
    lambda number: record(Key.setting(f"key{number % 3}"), config_value=number, deleted_at=None),
    lambda number: record(Key.user_role(USER, ROLE), present=number % 2 == 0),
)
STEPS = st.one_of(
    st.tuples(st.just("change"), st.integers(0, len(CHANGES) - 1), st.booleans()),
    st.tuples(st.just("deliver"), st.integers(0, 50), st.booleans()),
    st.tuples(st.just("ask"), st.integers(0, 0), st.booleans()),
    st.tuples(st.just("cut"), st.integers(0, 0), st.booleans()),
    st.tuples(st.just("die"), st.integers(0, 0), st.booleans()),
    st.tuples(st.just("restore"), st.integers(0, 0), st.booleans()),
)


def play(bench: SyncBench, steps: list[tuple[str, int, bool]]) -> None:
    """Let things happen; what is under way is kept in *air*, delivered in any order, several times or never."""
    air: list[object] = []
    for number, (what, which, flag) in enumerate(steps):
        if what == "change":
            air += bench.server.put(CHANGES[which](number))
        elif what == "deliver" and air:
            bench.deliver(air[which % len(air)])
            if flag:
                air.pop(which % len(air))
        elif what == "ask":
            for request in bench.requests():
                air += bench.server.answer(request)
        elif what == "cut":
            bench.engine.link_down()
            bench.link_up()
        elif what == "die":
            bench.die()
            bench.link_up()
        elif what == "restore" and flag:
            bench.server.history = OTHER_HISTORY


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, max_size=40))
def test_device_after_any_order_repetition_and_loss_holds_the_servers_view(steps: list[tuple[str, int, bool]]):
    with tempfile.TemporaryDirectory() as folder:
        bench = SyncBench(Path(folder))
        try:
            bench.server.put(*people())
            bench.link_up()
            play(bench, steps)
            bench.engine.link_down()
            bench.connect()
            assert bench.store.held() == bench.server.records == bench.engine._held
            position = bench.store.position()
            assert (position.history, position.version) == (bench.server.history, bench.server.version)
        finally:
            bench.close()
