"""The fleet drill says when something is missing, twice there, or late; it is run by ``make drill-fleet``."""

from __future__ import annotations

import pytest

from bench.figures import Line
from drills.fleet import METRICS, Archive, Seen, judged
from drills.fleet_device import Tally

MADE = {"drill-0000": 100, "drill-0001": 100}
FULL = {name: (count, METRICS * count) for name, count in MADE.items()}


def lines(archived: dict[str, tuple[int, int]], *, unanswered: int = 0, rejected: int = 0, slow: int = 0) -> list[Line]:
    answered = [0.1] * (200 - slow) + [2.5] * slow
    seen = Seen(Tally(answered, packets_in=400, packets_out=440, rejected=rejected), MADE, unanswered, took_s=100)
    return judged("embedded", seen, Archive(archived, size=60_000), bare=4_000, used="cores in use: none")


def missed(found: list[Line]) -> list[str]:
    return [str(line).partition(": ")[2].partition(":")[0] for line in found if line.missed]


def test_fleet_that_is_archived_whole_and_soon_misses_no_bar() -> None:
    found = lines(FULL, slow=1)
    assert missed(found) == []
    assert "8 packets/s at the devices, 2 of them readings; the bare broker carried 4,000" in str(found[-1])
    assert "100 bytes of disk a row" in str(found[-1])


@pytest.mark.parametrize(
    ("archived", "more", "name"),
    [
        (FULL | {"drill-0001": (99, METRICS * 99)}, {}, "readings missing from the archive"),
        ({"drill-0000": FULL["drill-0000"]}, {}, "readings missing from the archive"),
        (FULL, {"unanswered": 1}, "readings missing from the archive"),
        (FULL, {"rejected": 1}, "readings missing from the archive"),
        (FULL | {"drill-0001": (100, METRICS * 100 + 1)}, {}, "rows too many or too few"),
        (FULL, {"slow": 3}, "p99 from due to receipt"),
    ],
)
def test_fleet_that_lost_doubled_or_delayed_something_misses_the_bar(
    archived: dict[str, tuple[int, int]], more: dict[str, int], name: str
) -> None:
    assert name in missed(lines(archived, **more))
