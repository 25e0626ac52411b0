"""Every window and dialog on small and large screens: nothing is cut off, out of reach or over something else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from support.window_layout import faults

TESTS = Path(__file__).parents[3] / "tests"
LEAST_WINDOWS = 20  # pages, dialogs and forms


@pytest.mark.parametrize(
    ("width", "height", "scale", "seen_as"),
    [
        (800, 480, 1, [800, 480, 1.0]),
        (1024, 600, 1, [1024, 600, 1.0]),
        (3840, 2160, 1, [3840, 2160, 1.0]),
        (3840, 2160, 2, [1920, 1080, 2.0]),
    ],
)
def test_windows_on_a_screen_of_that_size_cut_nothing_off_item_1(
    tmp_path: Path, width: int, height: int, scale: int, seen_as: list[float]
):
    screen = {"name": "one", "x": 0, "y": 0, "width": width, "height": height, "logicalDpi": 96, "logicalBaseDpi": 96}
    file = tmp_path / "screens.json"
    file.write_text(json.dumps({"screens": [{**screen, "dpr": 1}]}))
    variables = {
        **os.environ,
        "QT_QPA_PLATFORM": f"offscreen:configfile={file}",
        "QT_SCALE_FACTOR": str(scale),
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-m", "support.show_windows"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["screen"] == seen_as
    assert len(told["faults"]) >= LEAST_WINDOWS
    assert {name: found for name, found in told["faults"].items() if found} == {}


def test_layout_faults_are_found_each_of_them_item_1(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(300, 200)
    for text, place in {
        "out of the window": (250, 10, 100, 20),
        "far too long for its room": (10, 40, 30, 20),
        "below": (10, 100, 80, 20),
        "above": (50, 110, 80, 20),
    }.items():
        QLabel(text, window).setGeometry(*place)
    wrapped = QLabel("many words that need more lines than there are", window)
    wrapped.setWordWrap(True)
    wrapped.setGeometry(10, 140, 60, 20)
    QPushButton("Save all of it", window).setGeometry(200, 150, 20, 20)
    window.show()
    found = "\n".join(faults(window))
    for said in ("'out of the window' is out", "'far too long for its room' is cut", "'below' lies over", "too low by",
                 "'Save all of it' is cut"):  # fmt: skip
        assert said in found
    window.move(5_000, 0)
    assert "is not on its screen" in faults(window)[-1]
