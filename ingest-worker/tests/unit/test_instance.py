"""The number that a worker finds for itself: each takes another, and one that was killed gives its own back."""

import subprocess
import sys
from pathlib import Path

import pytest

from pulse_ingest import instance
from pulse_ingest.instance import held_instance
from pulse_runtime.errors import ConfigError

HOLD = """
import sys, time
from pathlib import Path
from pulse_ingest.instance import held_instance
with held_instance("auto", Path(sys.argv[1])) as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def test_held_instance_given_name_is_taken_as_it_is(tmp_path: Path) -> None:
    with held_instance("north", tmp_path / "none") as found:
        assert found == "north"
    assert not (tmp_path / "none").exists()


def test_held_instance_auto_gives_each_worker_another_number_and_a_free_one_again(tmp_path: Path) -> None:
    with held_instance("auto", tmp_path) as first:
        with held_instance("auto", tmp_path) as second, held_instance("auto", tmp_path) as third:
            assert (first, second, third) == ("1", "2", "3")
        with held_instance("auto", tmp_path) as again:
            assert again == "2"


def test_held_instance_of_a_killed_process_is_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "1"
        with held_instance("auto", tmp_path) as beside:
            assert beside == "2"
        other.kill()
        other.wait(10)
        with held_instance("auto", tmp_path) as found:
            assert found == "1"


def test_held_instance_all_numbers_taken_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "MOST", 1)
    with (
        held_instance("auto", tmp_path),
        pytest.raises(ConfigError, match="PULSE_INSTANCE"),
        held_instance("auto", tmp_path),
    ):
        pass
