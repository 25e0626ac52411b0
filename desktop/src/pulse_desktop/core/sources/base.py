"""
The interface of sources: what gives values, and what a plug-in hands over so that such things can be made.

A plug-in is a ``SourceKind`` under an entry point of the group ``pulse_desktop.sources``; see docs/desktop-sources.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..readings import NumberedValues, Values


class Source(Protocol):
    """
    One origin of metrics.

    It may raise at any time: it is then closed and made again after a pause, and the sampling clock goes on. It is
    used by one thread of its own. An attribute ``notice``, where it has one, is a sentence that is shown to people.
    """

    def read(self) -> Values | NumberedValues:
        """
        Return the values of this moment, quickly; an empty mapping when there is nothing to record.

        Built-in sources may return a function that makes the values from (stream, number).
        """
        ...

    def close(self) -> None:
        """Give up what it holds."""
        ...


class SourceConfigError(ValueError):
    """A source is not configured as it has to be; ``str()`` says what is wrong and what to do, without a full stop."""


class NotRecordedError(Exception):
    """
    Values that were handed over are not known to be on disk; ``str()`` says why.

    ``is_certain``: they are not recorded and will not be; else they still may be.
    """

    def __init__(self, reason: str, *, is_certain: bool) -> None:
        super().__init__(reason)
        self.is_certain = is_certain


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a reading stands that is committed to the outbox."""

    stream: str
    sequence_no: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What a source is given: its configured name, the device's folder (0700), and a way to record at any time.

    ``record(values)`` returns when the reading is committed to the outbox; it raises ``ValueError`` for values that
    may not be recorded (nothing is then recorded) and ``NotRecordedError``. It is for sources that are told of
    values instead of asking for them, may be called from any thread, and adds the source's prefix.
    """

    name: str
    folder: Path
    record: Callable[[Values], Recorded]


@dataclass(frozen=True, slots=True)
class Option:
    """
    One setting of a kind of source.

    ``type`` is str, int, float, bool or dict; one without a ``default`` has to be given. *least* and *most* bound
    numbers.
    """

    type: type
    meaning: str
    default: Any = None
    is_required: bool = False
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class SourceKind:
    """
    What a plug-in's entry point leads to.

    ``make(options, surroundings)`` gets every option of ``options``, checked and with defaults filled in. It is
    called in the source's own thread, may raise (``SourceConfigError`` for what a person can put right), and has
    10 s, as has every ``read``.
    """

    name: str
    summary: str
    make: Callable[[Mapping[str, Any], Surroundings], Source]
    options: Mapping[str, Option] = field(default_factory=dict)
