"""
Which kinds of sources are installed: those of this program, and plug-ins under the entry points of ``GROUP``.

Nothing of a plug-in is imported before a source of its kind is made, in that source's own thread, so that one that
cannot be imported harms nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from .base import SourceConfigError, SourceKind
from .builtin import BUILT_IN

GROUP = "pulse_desktop.sources"
OWN = "pulse-desktop"


@dataclass(frozen=True, slots=True)
class InstalledKind:
    """A kind's name, the package it comes from, and what it is (empty for plug-ins, which are not imported)."""

    name: str
    package: str
    summary: str


def installed_kinds() -> list[InstalledKind]:
    """Return all kinds, this program's own first."""
    own = [InstalledKind(kind.name, OWN, kind.summary) for kind in BUILT_IN.values()]
    plug_ins = {point.name: point for point in _points() if point.name not in BUILT_IN}
    return own + [InstalledKind(name, _package(point), "") for name, point in sorted(plug_ins.items())]


def load_kind(name: str) -> SourceKind:
    """
    Return the kind *name*; imports the plug-in.

    Raises:
        SourceConfigError: It is not installed, or is no ``SourceKind``.
        BaseException: Whatever the plug-in raises when it is imported.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    point = next((point for point in _points() if point.name == name), None)
    if point is None:
        known = ", ".join(kind.name for kind in installed_kinds())
        raise SourceConfigError(f"no kind of source is called {name!r}; installed are: {known}")
    found = point.load()
    if not isinstance(found, SourceKind):
        raise SourceConfigError(f"the plug-in {name!r} of {_package(point)} is no SourceKind; update or remove it")
    return found


def _points() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module
