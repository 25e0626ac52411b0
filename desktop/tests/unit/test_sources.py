"""Sources and the sampler around them."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.payloads import INT64_MAX, is_metric_value
from pulse_desktop.core.backoff import Backoff
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.readings import Sample, clean
from pulse_desktop.core.sources import simulator
from pulse_desktop.core.sources.machine import Machine
from pulse_desktop.core.sources.sampler import MOST_HANGING, SampleClock, Sampler
from support.device_fakes import FakeClock
from support.waiting import until

STREAM = "018f0000-0000-7000-8000-000000000001"


@given(st.integers(), st.integers(1, 2**62))
def test_simulator_values_follow_from_seed_stream_and_number_alone_item_5(seed: int, number: int):
    values = simulator.values(seed, STREAM, number)
    assert values == simulator.values(seed, STREAM, number)
    assert all(is_metric_value(value) for value in values.values())
    assert clean(values).dropped == {}
    assert {type(value) for value in values.values()} == {int, float, bool}


def test_simulator_another_seed_or_stream_is_another_machine():
    one = simulator.values(1, STREAM, 5)
    assert one != simulator.values(2, STREAM, 5)
    assert one != simulator.values(1, STREAM[:-1] + "2", 5)


def test_simulator_has_an_integer_that_no_double_can_hold():
    counter = simulator.values(1, STREAM, 1)["meter/energy_counter"]
    assert INT64_MAX - 2_000_000_000 < counter <= INT64_MAX
    assert int(float(counter)) != counter


def test_simulator_is_the_same_in_every_version_item_5():
    assert simulator.values(7, STREAM, 42) == {
        "motor/speed_rpm": 980,
        "motor/temperature_c": 67.98,
        "motor/current_a": 8.2353,
        "motor/running": True,
        "line/pressure_bar": 6.3269,
        "line/parts": 42,
        "line/door_open": False,
        "meter/energy_counter": 9223372035854775842,
    }


def test_machine_has_an_integer_a_decimal_and_a_boolean_within_the_contract_item_5(tmp_path: Path):
    machine = Machine(tmp_path)
    values = machine.read()
    machine.close()
    assert clean(values).dropped == {}
    assert {type(value) for value in values.values()} == {int, float, bool}
    assert {"cpu/percent", "memory/percent", "power/on_mains", "system/uptime_s"} <= set(values)
    assert 0 <= values["cpu/percent"] <= values["cpu/max_core_percent"] <= 100


def test_machine_figure_that_cannot_be_read_is_left_out_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise OSError("no such sensor")

    monkeypatch.setattr("psutil.virtual_memory", broken)
    values = Machine(tmp_path).read()
    assert "cpu/percent" in values
    assert not [key for key in values if key.startswith("memory/")]


def test_machine_reads_slow_figures_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock, calls = FakeClock(), []
    monkeypatch.setattr("psutil.pids", lambda: calls.append(1) or [1, 2])
    machine = Machine(tmp_path, clock.monotonic)
    for _ in range(10):
        machine.read()
        clock.advance(0.3)
    assert len(calls) == 3


def test_sample_clock_keeps_its_grid():
    grid = SampleClock(0.1, 100.0)
    for tick in range(1, 10_000):
        assert grid.taken(grid.due_at + 0.03) == 0
        assert math.isclose(grid.due_at, 100.0 + tick * 0.1, abs_tol=1e-6)


def test_sample_clock_leaves_out_what_a_suspend_missed():
    grid = SampleClock(1.0, 0.0)
    grid.taken(0.0)
    assert grid.taken(1.0 + 3600.0) == 3600
    assert grid.due_at == 3602.0


@given(st.floats(0.05, 10.0), st.lists(st.floats(0.0, 30.0), max_size=30))
def test_sample_clock_next_tick_is_always_ahead_and_on_the_grid(interval: float, delays: list[float]):
    grid = SampleClock(interval, 50.0)
    for delay in delays:
        now = grid.due_at + delay
        grid.taken(now)
        assert now - 1e-6 < grid.due_at <= now + interval + 1e-6
        ticks = (grid.due_at - 50.0) / interval
        assert math.isclose(ticks, round(ticks), abs_tol=1e-5)


class Flaky:
    """A source that fails when told to."""

    name = "flaky"

    def __init__(self, plan: list[object]) -> None:
        self.plan, self.closed = plan, 0

    def read(self) -> dict[str, object]:
        step = self.plan.pop(0)
        if isinstance(step, Exception):
            raise step
        return {"a": step}

    def close(self) -> None:
        self.closed += 1
        raise OSError("cannot even close")


def test_sampler_source_that_raises_is_made_again_after_a_pause_case_5():
    clock, taken, made = FakeClock(), list[Sample](), list[Flaky]()

    def make() -> Flaky:
        made.append(Flaky([1, RuntimeError("sensor gone")] if not made else [2]))
        return made[-1]

    sampler = Sampler(make, lambda sample: taken.append(sample) or True, clock, Random(3), 1.0)
    sampler.take()
    assert (sampler.status, len(taken)) == ("", 1)
    sampler.take()
    assert sampler.status == "failed: sensor gone"
    assert made[0].closed == 1
    sampler.take()
    assert len(made) == 1, "not before the pause is over"
    clock.advance(1.0)
    sampler.take()
    assert (sampler.status, [sample.values for sample in taken]) == ("", [{"a": 1}, {"a": 2}])


def test_sampler_source_that_gives_no_values_is_shown_as_failed_and_harms_nothing():
    class Empty(Flaky):
        def read(self) -> Any:
            return None

    taken = list[Sample]()
    sampler = Sampler(lambda: Empty([]), lambda sample: taken.append(sample) or True, FakeClock(), Random(3), 1.0)
    sampler.take()
    assert (sampler.status, taken) == ("failed: it gave NoneType instead of values", [])


class Stuck:
    """A source that answers only when it is let go."""

    name = "stuck"

    def __init__(self, released: threading.Event) -> None:
        self.released = released

    def read(self) -> dict[str, object]:
        assert self.released.wait(10)
        return {"late": 1}

    def close(self) -> None:
        pass


def test_sampler_source_that_hangs_is_shown_and_made_again_case_5():
    clock, released, made, taken = FakeClock(), threading.Event(), list[object](), list[Sample]()

    def make() -> Flaky | Stuck:
        made.append(Stuck(released) if not made else Flaky([2, 3]))
        return made[-1]  # type: ignore[return-value]

    sampler = Sampler(make, lambda sample: taken.append(sample) or True, clock, Random(3), 1.0, patience_s=0.05)
    sampler.take()
    assert sampler.status == "failed: it has not answered for 0.05 s"
    clock.advance(1.0)
    sampler.take()
    released.set()
    sampler.take()
    assert (sampler.status, [sample.values for sample in taken]) == ("", [{"a": 2}, {"a": 3}]), "no late value counts"


def test_sampler_source_that_hangs_for_ever_costs_a_bounded_number_of_threads():
    clock, released, made = FakeClock(), threading.Event(), list[Stuck]()

    def make() -> Stuck:
        made.append(Stuck(released))
        return made[-1]

    sampler = Sampler(make, lambda _sample: True, clock, Random(3), 1.0, patience_s=0.01)
    for _ in range(MOST_HANGING + 4):
        sampler.take()
        clock.advance(60.0)
    assert len(made) == MOST_HANGING
    assert sampler.status == f"failed: it has hung {MOST_HANGING} times and has not come back"
    released.set()


def test_sampler_suspended_takes_one_sample_and_goes_on_in_its_grid():
    """What a suspend missed is left out: it neither drifts nor piles up."""
    taken, clock = list[Sample](), FakeClock()
    sampler = Sampler(
        lambda: simulator.Simulator(1), lambda sample: taken.append(sample) or True, clock, Random(3), 0.05
    )
    sampler.start()
    for count, passed_s in [(1, 3_600.0), (2, 0.05), (3, 0.05)]:
        until(lambda count=count: len(taken) >= count, within_s=5, what="the next sample is taken")
        clock.advance(passed_s)
    until(lambda: len(taken) >= 4, within_s=5, what="the last sample is taken")
    sampler.stop()
    assert (len(taken), sampler.skipped) == (4, 71_999)


def test_sampler_source_that_cannot_be_made_is_tried_again():
    clock, tries = FakeClock(), []

    def make() -> Flaky:
        tries.append(1)
        raise OSError("no device")

    sampler = Sampler(make, lambda _sample: True, clock, Random(3), 1.0)
    for _ in range(5):
        sampler.take()
        clock.advance(60.0)
    assert len(tries) == 5
    assert sampler.status == "failed: no device"


def test_sampler_says_when_nothing_is_recorded():
    sampler = Sampler(lambda: Flaky([1]), lambda _sample: False, FakeClock(), Random(3), 1.0)
    sampler.take()
    assert sampler.status == "recording has stopped"


def test_sampler_takes_a_new_interval_while_it_runs():
    taken, enough = list[Sample](), threading.Event()

    def append(sample: Sample) -> bool:
        taken.append(sample)
        if len(taken) >= 5:
            enough.set()
        return True

    sampler = Sampler(lambda: simulator.Simulator(1), append, SystemClock(), Random(3), 3600.0)
    sampler.start()
    sampler.set_interval(0.05)
    assert enough.wait(5)
    sampler.stop()


def test_backoff_waits_longer_up_to_its_ceiling_with_full_jitter_case_17():
    random = Random(1)
    waits = [Backoff(random).failed() for _ in range(200)]
    assert 0 <= min(waits) < 0.05
    assert 0.45 < max(waits) <= 0.5
    backoff = Backoff(random)
    ceilings = [backoff.failed() for _ in range(80)]
    assert 4.5 < max(ceilings) <= 5.0, "after a restart of the broker it is back within 10 s"
    assert max(backoff.failed() for _ in range(50)) > 10.0
    backoff.succeeded()
    assert backoff.failed() <= 0.5


def test_sampler_renewed_closes_the_source_and_makes_it_anew_at_the_next_sample():
    made: list[Flaky] = []

    def make() -> Flaky:
        made.append(Flaky([1, 2]))
        return made[-1]

    sampler = Sampler(make, lambda _sample: True, FakeClock(), Random(3), 1.0)
    sampler.take()
    sampler.renew()
    sampler.take()
    sampler.take()
    assert (len(made), made[0].closed, sampler.status) == (2, 1, "")
