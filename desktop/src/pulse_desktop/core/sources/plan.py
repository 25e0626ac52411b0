"""
Reads which sources a device has, from ``sources.json`` in its folder or the file that ``PULSE_DEVICE_SOURCES`` names.

A wrong entry becomes a source that fails with its sentence, so that it stops neither the others nor the delivery.
Read next: ``group``, which runs the plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pulse_runtime.private_files import write_private

from ..storable import storable
from .base import Source, SourceConfigError, Surroundings
from .builtin import BUILT_IN
from .options import checked_options
from .registry import load_kind

FILE_NAME = "sources.json"
MOST_SOURCES = 32
LEAST_INTERVAL_S, MOST_INTERVAL_S = 0.05, 3600.0
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]{0,60}")
_FIELDS = ("name", "kind", "prefix", "interval", "options")


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """
    One source of a device; *make* loads its kind, checks its options and makes it, and may raise.

    ``interval_s`` None: sampled as the device is. ``is_trusted``: may return a function of (stream, number).
    """

    name: str
    kind: str
    make: Callable[[Surroundings], Source]
    prefix: str = ""
    interval_s: float | None = None
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """
    The sources of a device; ``problem`` says why there are none, when the whole file cannot be used.

    ``again`` reads it anew, where it comes from a file.
    """

    sources: tuple[PlannedSource, ...]
    problem: str = ""
    again: Callable[[], SourcePlan] | None = None


def single(kind: str, **options: Any) -> SourcePlan:
    """Return the plan with one source of *kind*, named like it."""
    return SourcePlan((_planned(kind, kind, options, "", None),))


def of_source(name: str, make: Callable[[], Source]) -> SourcePlan:
    """Return the plan with the one source that *make* makes."""
    return SourcePlan((PlannedSource(name, name, lambda _around: make(), is_trusted=True),))


def read_plan(folder: Path, given: str = "") -> SourcePlan:
    """Return the plan of the device in *folder*; *given*: another file; without any file it is this machine."""
    return replace(_read(folder, given), again=partial(read_plan, folder, given))


def _read(folder: Path, given: str) -> SourcePlan:
    path = Path(given).expanduser() if given else folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _unusable(f"{path} is not there; write it or unset PULSE_DEVICE_SOURCES") if given else _default()
    except (OSError, UnicodeDecodeError) as error:
        return _unusable(f"{path} cannot be read: {error}")
    try:
        return SourcePlan(tuple(_all_planned(_entries(text))))
    except json.JSONDecodeError as error:
        return _unusable(f"{path}, line {error.lineno}, column {error.colno}: {error.msg}")
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits is a plain ValueError
        return _unusable(f"{path}: {str(error) or 'nested too deeply'}")


def _unusable(problem: str) -> SourcePlan:
    return SourcePlan((), storable(problem))


def write_plan(folder: Path, entries: list[dict[str, Any]]) -> None:
    """
    Store *entries* as the device's sources (0600); they count from its next start or ``RELOAD``.

    Raises:
        SourceConfigError: One of them cannot be used, with its name; nothing is stored.
        OSError: The file cannot be written.
    """
    text = json.dumps({"sources": entries}, indent=2) + "\n"
    for problem in problems(_entries(text)):
        raise SourceConfigError(problem)
    write_private(folder / FILE_NAME, text.encode())


def problems(entries: Sequence[object]) -> Iterator[str]:
    """Yield a sentence for each of *entries* that cannot be used, with its number; without its plug-in's own check."""
    taken: set[str] = set()
    for number, entry in enumerate(entries, 1):
        try:
            taken.add(_checked(entry, number, taken).name)
        except SourceConfigError as error:
            yield f"source {number}: {error}"


def copy_plan(folder: Path, to: Path) -> None:
    """Give the device in *to* the sources of the one in *folder*, as they stand there."""
    if (folder / FILE_NAME).exists():
        write_private(to / FILE_NAME, (folder / FILE_NAME).read_bytes())


def read_entries(folder: Path) -> list[Any]:
    """
    Return the entries of the device's file as they stand there, wrong ones too; without a file, that of this machine.

    Raises:
        SourceConfigError: The file cannot be read, or holds something else than entries; the sentence says what.
    """
    path = folder / FILE_NAME
    try:
        return _entries(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [{"kind": "machine"}]
    except (OSError, ValueError, RecursionError) as error:
        raise SourceConfigError(storable(f"{path} cannot be used: {str(error) or 'nested too deeply'}")) from error


def _default() -> SourcePlan:
    return single("machine")


def _entries(text: str) -> list[Any]:
    found = json.loads(text)
    entries = found.get("sources") if isinstance(found, dict) else None
    if not isinstance(entries, list) or set(found) != {"sources"}:
        raise SourceConfigError('it has to be {"sources": [...]} and nothing else')
    if len(entries) > MOST_SOURCES:
        raise SourceConfigError(f"it names {len(entries)} sources; a device has at most {MOST_SOURCES}")
    return entries


def _all_planned(entries: list[Any]) -> list[PlannedSource]:
    planned: list[PlannedSource] = []
    for number, entry in enumerate(entries, 1):
        try:
            planned.append(_checked(entry, number, {one.name for one in planned}))
        except SourceConfigError as error:
            planned.append(PlannedSource(f"source {number}", "", partial(_fail, str(error))))
    return planned


def _checked(entry: Any, number: int, taken: Container[str]) -> PlannedSource:
    if not isinstance(entry, dict):
        raise SourceConfigError(f"source {number} is {entry!r}; give an object with name and kind")
    unknown = sorted(set(entry) - set(_FIELDS))
    if unknown:
        raise SourceConfigError(f"{unknown[0]!r} is unknown here; known are: {', '.join(_FIELDS)}")
    kind = entry.get("kind")
    name, prefix, interval = entry.get("name", kind), entry.get("prefix", ""), entry.get("interval")
    if not isinstance(kind, str) or not kind:
        raise SourceConfigError(f"kind is {kind!r}; give a kind of source, as `pulse-desktop sources` lists them")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SourceConfigError(f"name is {name!r}; use 1 to 40 of A-Z a-z 0-9 . _ -")
    if name in taken:
        raise SourceConfigError(f"another source is called {name!r}, too; give each a name of its own")
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise SourceConfigError(f"prefix is {prefix!r}; use at most 60 of A-Z a-z 0-9 . _ - /")
    return _planned(name, storable(kind), entry.get("options", {}), prefix, _interval(interval))


def _interval(given: Any) -> float | None:
    if given is None:
        return None
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not LEAST_INTERVAL_S <= given <= MOST_INTERVAL_S:
        raise SourceConfigError(f"interval is {given!r}; give seconds from {LEAST_INTERVAL_S} to {MOST_INTERVAL_S:g}")
    return float(given)


def _planned(name: str, kind: str, options: object, prefix: str, interval_s: float | None) -> PlannedSource:
    if kind in BUILT_IN:
        checked_options(BUILT_IN[kind].options, options)
    elif not isinstance(options, Mapping):
        raise SourceConfigError("options has to be an object, as in {}")
    made = partial(_make, kind, options)
    return PlannedSource(name, kind, made, prefix, interval_s, is_trusted=kind in BUILT_IN)


def _make(kind: str, options: object, around: Surroundings) -> Source:
    loaded = load_kind(kind)
    return loaded.make(checked_options(loaded.options, options), around)


def _fail(reason: str, _around: Surroundings) -> Source:
    raise SourceConfigError(reason)
