"""
A plausible machine whose values follow from seed, stream and number alone.

``values`` is pure and public: whoever knows the seed knows what every reading must hold, digit for digit, so a
test compares the whole archive with it. Made of hashes, not of ``random``, so that it is the same everywhere.
"""

from __future__ import annotations

import hashlib
import math

from ..readings import MetricValue, NumberedValues

_LARGEST = 2**63 - 1


def values(seed: int, stream: str, sequence_no: int) -> dict[str, MetricValue]:
    """
    Return the metrics of one reading.

    Args:
        seed: Any integer; another one is another machine.
        stream: The stream's id as text, lower case.
        sequence_no: 1 or more.
    """
    noise = _noise(seed, stream, sequence_no)
    phase = _noise(seed, stream, 0)[0] * math.tau
    shift = sequence_no / 90.0 + phase
    is_running = noise[3] >= 0.02
    load = 0.55 + 0.35 * math.sin(shift / 7.0) + 0.05 * (noise[0] - 0.5)
    speed = round(1480 * load + 40 * noise[1]) if is_running else 0
    return {
        "motor/speed_rpm": speed,
        "motor/temperature_c": round(42.0 + 38.0 * load + 1.5 * noise[2], 3),
        "motor/current_a": round(speed / 120.0 + 0.8 * noise[4], 4),
        "motor/running": is_running,
        "line/pressure_bar": round(6.0 + 0.4 * math.sin(shift) + 0.05 * noise[5], 4),
        "line/parts": sequence_no,
        "line/door_open": noise[6] < 0.05,
        "meter/energy_counter": _LARGEST - 1_000_000_007 + (sequence_no % 1_000_000_007),
    }


class Simulator:
    """The source around ``values``."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def read(self) -> NumberedValues:
        """Return the function that makes the values once stream and number are known."""
        return lambda stream, number: values(self._seed, stream, number)

    def close(self) -> None:
        """Nothing is held."""


def _noise(seed: int, stream: str, sequence_no: int) -> list[float]:
    digest = hashlib.blake2b(f"{seed}:{stream}:{sequence_no}".encode(), digest_size=28).digest()
    return [int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in range(0, 28, 4)]
