"""
All sources of a device, each sampled in threads of its own, so that none of them can hold up another.

Each sample of each source is a reading of its own, with that source's metrics. Read next: ``plan`` (which sources
there are), ``sampler`` (what each of them gets), ``checked`` (what of their values passes).
"""

from __future__ import annotations

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
from .sampler import Sampler

log = structlog.get_logger()


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
        self._plan, self._folder, self._recorder = plan, folder, recorder
        self._claims = Claims(one.name for one in plan.sources)
        self._samplers = [
            Sampler(partial(self._make, index, one), append, clock, random, one.interval_s or interval_s, name=one.name)
            for index, one in enumerate(plan.sources)
        ]

    def start(self) -> None:
        """Start all threads."""
        if self._plan.problem:
            log.error("desktop.sources_unusable", reason=self._plan.problem, hint="nothing is sampled")
        for sampler in self._samplers:
            sampler.start()

    @property
    def is_running(self) -> bool:
        """Tell whether every thread is alive."""
        return all(sampler.is_running for sampler in self._samplers)

    @property
    def status(self) -> str:
        """What is wrong with the sources, empty when nothing is; with several, each with its name."""
        if self._plan.problem:
            return f"failed: {self._plan.problem}"
        if len(self._samplers) == 1:
            return self._samplers[0].status
        told = zip(self._plan.sources, self._samplers, strict=True)
        return "; ".join(f"{one.name} {sampler.status}" for one, sampler in told if sampler.status)

    def states(self) -> list[SourceState]:
        """Return how each source is."""
        if self._plan.problem:
            return [SourceState("sources", "", "", "failed", self._plan.problem)]
        return [_state(one, sampler) for one, sampler in zip(self._plan.sources, self._samplers, strict=True)]

    @property
    def skipped(self) -> int:
        """Samples that were not taken because their source was slow or the machine slept."""
        return sum(sampler.skipped for sampler in self._samplers)

    def set_interval(self, interval_s: float) -> None:
        """Sample every *interval_s* seconds from now on, but for sources with an interval of their own."""
        for one, sampler in zip(self._plan.sources, self._samplers, strict=True):
            if one.interval_s is None:
                sampler.set_interval(interval_s)

    def renew(self) -> None:
        """Close each source and make it anew for its next sample."""
        for sampler in self._samplers:
            sampler.renew()

    def take_once(self) -> None:
        """Take one sample of each source, one after the other, and close them; instead of ``start``."""
        for sampler in self._samplers:
            sampler.take_once()

    def stop(self) -> None:
        """Take no more samples and end the threads."""
        for sampler in self._samplers:
            sampler.finish()
        for sampler in self._samplers:
            sampler.stop()

    def _make(self, index: int, planned: PlannedSource) -> Source:
        around = Surroundings(planned.name, self._folder, partial(self._record, index, planned))
        return CheckedSource(planned.make(around), planned, index, self._claims)

    def _record(self, index: int, planned: PlannedSource, values: Values) -> Recorded:
        cleaned, refusal = prefixed(planned.prefix, values, index, self._claims)
        if refusal:
            raise ValueError(refusal)
        if not cleaned.metrics:
            raise ValueError("there are no values")
        return self._recorder.record(cleaned.metrics)


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
