"""A package of source plug-ins as pip would install it into a folder: one that is well, and every way to be broken."""

from __future__ import annotations

from pathlib import Path

HEAD = """
import threading
from pulse_desktop.core.sources.base import Option, SourceKind

class Base:
    def __init__(self, options, around):
        self.options = options
    def read(self):
        return {"value": self.options.get("value", 1)}
    def close(self):
        pass
"""
MODULES = {
    "steady": 'KIND = SourceKind("steady", "always the same", Base, {"value": Option(int, "the value", 1)})',
    "bad_import": "1 / 0",
    "exits_import": 'raise SystemExit("enough")',
    "no_kind": 'KIND = "not a kind"',
    "bad_make": """
def make(options, around):
    raise OSError("the sensor is not plugged in")
KIND = SourceKind("bad_make", "", make)""",
    "bad_read": """
class Bad(Base):
    def read(self):
        raise RuntimeError("the sensor burns")
KIND = SourceKind("bad_read", "", Bad)""",
    "not_utf8": r"""
class NotUtf8(Base):
    def read(self):
        raise OSError("no file caf\udce9")
KIND = SourceKind("not_utf8", "", NotUtf8)""",
    "metric_not_utf8": r"""
class MetricNotUtf8(Base):
    notice = "caf\udce9"
    def read(self):
        return {"temp\udce9": 1}
KIND = SourceKind("metric_not_utf8", "", MetricNotUtf8)""",
    "exits": """
class Exits(Base):
    def read(self):
        raise SystemExit(3)
KIND = SourceKind("exits", "", Exits)""",
    "hangs": """
class Hangs(Base):
    def read(self):
        threading.Event().wait()
KIND = SourceKind("hangs", "", Hangs)""",
    "rubbish": """
class Rubbish(Base):
    def read(self):
        return {"good": 5, "text": "x", 7: 1, "a b": 1, "huge": 2**63, "nan": float("nan"), "none": None, "nest": {}}
KIND = SourceKind("rubbish", "", Rubbish)""",
    "no_values": """
class NoValues(Base):
    def read(self):
        return "x"
KIND = SourceKind("no_values", "", NoValues)""",
    "bad_mapping": """
from collections.abc import Mapping
class Evil(Mapping):
    def __len__(self): return 1
    def __getitem__(self, key): raise RuntimeError("no values in here")
    def __iter__(self): raise RuntimeError("no values in here")
class BadMapping(Base):
    def read(self):
        return Evil()
KIND = SourceKind("bad_mapping", "", BadMapping)""",
    "function": """
class Function(Base):
    def read(self):
        return lambda stream, number: {"value": 1}
KIND = SourceKind("function", "", Function)""",
}


def install_plug_ins(folder: Path) -> None:
    """Put the package into *folder*, which has to be on the path of Python."""
    info = folder / "pulse_test_plug_ins-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pulse-test-plug-ins\nVersion: 1.0\n")
    points = "".join(f"{name} = pulse_test_{name}:KIND\n" for name in MODULES)
    (info / "entry_points.txt").write_text(f"[pulse_desktop.sources]\n{points}")
    for name, body in MODULES.items():
        (folder / f"pulse_test_{name}.py").write_text(f"{HEAD}\n{body}\n")
