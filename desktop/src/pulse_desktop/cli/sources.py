"""``sources``: which kinds are installed, which sources this device has, and how they are; ``--check`` tries them."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from ..core.clock import SystemClock
from ..core.folder import DeviceFolder
from ..core.lock import FolderLock, running_process
from ..core.sources.group import SourceState
from ..core.sources.plan import SourcePlan, read_plan
from ..core.sources.registry import installed_kinds
from ..core.sources.states_file import read_states
from ..core.sources.trial import tried
from .desk import show, show_figures


def add_sources_command(commands: Any) -> argparse.ArgumentParser:
    """Make the command known to the program's parser and return its own."""
    one: argparse.ArgumentParser = commands.add_parser(
        "sources", help="kinds of sources that are installed, and this device's sources", allow_abbrev=False
    )
    one.add_argument("--json", action="store_true", help="for programs")
    one.add_argument("--check", action="store_true", help="read each source once; only while the device does not run")
    return one


def show_sources(folder: DeviceFolder, given: str, asked: argparse.Namespace) -> int:
    """Show them; *given*: another file than the one in *folder*. Return 1 when one is not well, else 0."""
    plan = read_plan(folder.path, given)
    states = _states(folder, plan, is_check=asked.check)
    kinds = [asdict(kind) for kind in installed_kinds()]
    rows = [asdict(state) for state in states]
    if asked.json:
        show_figures({"installed": kinds, "sources": rows}, as_json=True)
    else:
        print("installed kinds:")
        show(kinds, as_json=False)
        print("\nsources of this device:")
        show(rows, as_json=False)
    return 1 if any(state.state in {"failed", "impaired"} for state in states) else 0


def _states(folder: DeviceFolder, plan: SourcePlan, *, is_check: bool) -> list[SourceState]:
    if is_check:
        lock = FolderLock(folder.path)
        try:
            return tried(plan, folder.path, SystemClock())
        finally:
            lock.release()
    if running_process(folder.path) is not None:
        return read_states(folder.path)
    if plan.problem:
        return [SourceState("sources", "", "", "failed", plan.problem)]
    return [SourceState(one.name, one.kind, one.prefix, "stopped", "") for one in plan.sources]
