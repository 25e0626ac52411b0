"""The kinds of sources that come with the program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .base import Option, Source, SourceKind, Surroundings
from .csv_replay import CsvReplay
from .machine import Machine
from .push import Pushed
from .simulator import Simulator

DEFAULT_PORT = 9470


def _machine(_options: Mapping[str, Any], around: Surroundings) -> Source:
    return Machine(around.folder)


def _simulator(options: Mapping[str, Any], _around: Surroundings) -> Source:
    return Simulator(options["seed"])


def _csv(options: Mapping[str, Any], around: Surroundings) -> Source:
    path = Path(options["file"]).expanduser()
    return CsvReplay(
        path if path.is_absolute() else around.folder / path,
        columns=options["columns"],
        is_loop=options["loop"],
        delimiter=options["delimiter"],
    )


def _push(options: Mapping[str, Any], around: Surroundings) -> Source:
    return Pushed(options["port"], around)


_KINDS = (
    SourceKind("machine", "this machine: processor, memory, disk, network, power", _machine),
    SourceKind(
        "simulator",
        "a plausible machine that does not exist, for trials",
        _simulator,
        {"seed": Option(int, "which simulated machine", 1, least=-(2**63), most=2**63 - 1)},
    ),
    SourceKind(
        "csv",
        "the rows of a CSV file, one for each sample",
        _csv,
        {
            "file": Option(str, "path of the file; a relative one counts from the device's folder", is_required=True),
            "columns": Option(dict, "header to metric for the columns to replay; without it all, under their headers"),
            "loop": Option(bool, "begin again after the last row", default=False),
            "delimiter": Option(str, "the character between cells", ","),
        },
    ),
    SourceKind(
        "push",
        "values that programs of this machine send to a port",
        _push,
        {"port": Option(int, "port on 127.0.0.1", DEFAULT_PORT, least=1, most=65_535)},
    ),
)
BUILT_IN: Mapping[str, SourceKind] = {kind.name: kind for kind in _KINDS}
