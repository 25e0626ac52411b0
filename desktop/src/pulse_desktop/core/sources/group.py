"""
All sources of a device, each sampled in threads of its own, so that none of them can hold up another.

Each sample of each source is a reading of its own, with that source's metrics. Read next: ``plan`` (which sources
there are), ``sampler`` (what each of them gets), ``checked`` (what of their values passes).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import structlog

from ..clock import Clock
from ..readings import Sample, Values
from .base import Recorded, Source, Surroundings
from .checked import CheckedSource, Claims, prefixed
from .plan import PlannedSource, SourcePlan
from .recorder import Recorder
from .sampler import STOPPED, Sampler

log = structlog.get_logger()
STOP_S = 0.5
_NOT_TAKEN = "not taken in: "
_LOOK = "see Settings, Sources or `pulse-desktop sources`"


@dataclass(frozen=True, slots=True)
class SourceState:
    """
    How a source is, for people.

    ``state``: starting, running, impaired (part of its values is not recorded), failed or stopped; ``sentence`` says
    what is wrong, or what the source itself has to say.
    """

    name: str
    kind: str
    prefix: str
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Run:
    """A plan and its samplers, in the same order."""

    plan: SourcePlan
    samplers: tuple[Sampler, ...]

    def start(self) -> None:
        if self.plan.problem:
            log.error("desktop.sources_unusable", reason=self.plan.problem, hint="nothing is sampled")
        for sampler in self.samplers:
            sampler.start()

    def stop(self, within_s: float = STOP_S) -> bool:
        """End all threads; False: one still takes a sample after *within_s* seconds, and is left behind."""
        for sampler in self.samplers:
            sampler.finish()
        end = time.monotonic() + within_s  # for all together
        for sampler in self.samplers:
            sampler.stop(max(0.0, end - time.monotonic()))
        return not any(sampler.is_running for sampler in self.samplers)


class SourceGroup:
    """
    Runs the sources of *plan*; the device's *folder* is theirs to use.

    Args:
        plan: Which sources.
        folder: The device's.
        append: Takes samples; False: not taken.
        recorder: For sources that are told of values.
        clock: Time.
        random: For the pauses after failures.
        interval_s: Seconds between samples of those that have no interval of their own.
    """

    def __init__(
        self,
        plan: SourcePlan,
        folder: Path,
        append: Callable[[Sample], bool],
        recorder: Recorder,
        *,
        clock: Clock,
        random: Random,
        interval_s: float,
    ) -> None:
        self._folder, self._append, self._recorder = folder, append, recorder
        self._clock, self._random, self._interval_s = clock, random, interval_s
        self._lock = threading.Lock()  # held by whoever changes what runs
        self._is_started = self._is_resting = False
        self._not_taken = ""
        self._run = self._built(plan)

    def start(self) -> None:
        """Start all threads."""
        with self._lock:
            self._is_started = True
            self._run.start()

    @property
    def is_running(self) -> bool:
        """Tell whether every thread is alive, or they rest or are just being exchanged."""
        if self._lock.locked() or self._is_resting:
            return True
        return all(sampler.is_running for sampler in self._run.samplers)

    @property
    def status(self) -> str:
        """What is wrong with the sources, each with its name, and what to do; empty when nothing is."""
        wrong = [one for one in self.states() if one.state in {"failed", "impaired"}]
        told = [_told(one) for one in wrong]
        if any(one.state == "failed" and one.kind for one in wrong):
            told.append("what has failed is tried again by itself")
        if any(one.sentence != STOPPED for one in wrong):
            told.append(_LOOK)
        return "; ".join(told)

    @property
    def are_failed(self) -> bool:
        """Tell whether no source gives anything: each has failed, or the plan cannot be used."""
        return {one.state for one in self.states()} == {"failed"}

    def states(self) -> list[SourceState]:
        """Return how each source is."""
        run = self._run
        states = [_state(one, sampler) for one, sampler in zip(run.plan.sources, run.samplers, strict=True)]
        problem = run.plan.problem or self._not_taken
        return [*states, SourceState("sources", "", "", "failed", problem)] if problem else states

    @property
    def skipped(self) -> int:
        """Samples that were not taken because their source was slow or the machine slept."""
        return sum(sampler.skipped for sampler in self._run.samplers)

    def set_interval(self, interval_s: float) -> None:
        """Sample every *interval_s* seconds from now on, but for sources with an interval of their own."""
        with self._lock:
            self._interval_s = interval_s
            for one, sampler in zip(self._run.plan.sources, self._run.samplers, strict=True):
                if one.interval_s is None:
                    sampler.set_interval(interval_s)

    def renew(self) -> None:
        """Read the plan anew and make each source anew; a plan that cannot be used leaves the sources of before."""
        with self._lock:
            if not self._is_started:
                return
            before = self._run
            plan = before.plan.again() if before.plan.again is not None else before.plan
            self._not_taken = f"{_NOT_TAKEN}{plan.problem}" if plan.problem and before.samplers else ""
            if self._not_taken:
                log.error("desktop.sources_unusable", reason=plan.problem, hint="those of before go on")
                plan = before.plan
            before.stop()
            self._run = self._built(plan)
            if not self._is_resting:
                self._run.start()

    def rest(self, within_s: float) -> bool:
        """Take no more samples until ``go_on``; False: one is still being taken after *within_s* seconds."""
        with self._lock:
            if self._is_started and not self._is_resting:
                self._is_resting = True
                is_over = self._run.stop(within_s)
                self._recorder.rest()  # a push that came before its port was closed is still under way
                return is_over
            return True

    def go_on(self) -> None:
        """Sample again after ``rest``, with each source made anew."""
        with self._lock:
            if self._is_started and self._is_resting:
                self._recorder.go_on()
                self._run = self._built(self._run.plan)
                self._run.start()
                self._is_resting = False

    def take_once(self) -> None:
        """Take one sample of each source, one after the other, and close them; instead of ``start``."""
        for sampler in self._run.samplers:
            sampler.take_once()

    def stop(self) -> None:
        """Take no more samples and end the threads."""
        with self._lock:
            if self._is_started:
                self._is_started = False
                self._run.stop()

    def _built(self, plan: SourcePlan) -> _Run:
        claims = Claims(one.name for one in plan.sources)
        samplers = (
            Sampler(
                partial(self._make, index, one, claims),
                self._append,
                self._clock,
                self._random,
                one.interval_s or self._interval_s,
                name=one.name,
            )
            for index, one in enumerate(plan.sources)
        )
        return _Run(plan, tuple(samplers))

    def _make(self, index: int, planned: PlannedSource, claims: Claims) -> Source:
        around = Surroundings(planned.name, self._folder, partial(self._record, index, planned, claims))
        return CheckedSource(planned.make(around), planned, index, claims)

    def _record(self, index: int, planned: PlannedSource, claims: Claims, values: Values) -> Recorded:
        cleaned, refusal = prefixed(planned.prefix, values, index, claims)
        if refusal:
            raise ValueError(refusal)
        if not cleaned.metrics:
            raise ValueError("there are no values")
        return self._recorder.record(cleaned.metrics)


def _told(one: SourceState) -> str:
    if not one.kind:  # of the plan, not of a source
        is_old = one.sentence.startswith(_NOT_TAKEN)
        return f"the list of sources {'is ' if is_old else 'cannot be used: '}{one.sentence}"
    return f"the source {one.name} {'has failed' if one.state == 'failed' else 'is impaired'}: {one.sentence}"


def _state(planned: PlannedSource, sampler: Sampler) -> SourceState:
    status = sampler.status
    if not status:
        state = "running"
    elif status == "starting":
        state = status
    else:
        state = "failed" if status.startswith("failed") else "impaired"
    sentence = status.removeprefix("failed: ") if state in {"failed", "impaired"} else sampler.notice
    return SourceState(planned.name, planned.kind, planned.prefix, state, sentence)
