"""How findings are judged and told; lag is judged by what heartbeats say."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from pulse_auth.doctor.archive import backup, lag
from pulse_auth.doctor.findings import Level, as_json, as_text, ok, warning, worst, wrong
from pulse_auth.doctor.network import connect_packet
from pulse_auth.domain.broker_tokens.services import BrokerToken

FINDINGS = [ok("disk", "much room"), warning("clock", "3 s apart", "run NTP"), wrong("api", "away", "start it")]


def test_worst_of_findings_decides() -> None:
    assert worst(FINDINGS) is Level.WRONG
    assert worst(FINDINGS[:2]) is Level.WARNING
    assert worst([]) is Level.OK


def test_text_says_of_each_what_to_do_and_counts() -> None:
    lines = as_text(FINDINGS).splitlines()
    assert lines == [
        "ok       disk   much room",
        "warning  clock  3 s apart",
        "                -> run NTP",
        "wrong    api    away",
        "                -> start it",
        "1 ok, 1 warnings, 1 wrong",
    ]


def test_json_holds_the_same() -> None:
    told = msgspec.json.decode(as_json(FINDINGS))
    assert told["worst"] == "wrong"
    assert told["findings"][1] == {"check": "clock", "level": "warning", "words": "3 s apart", "remedy": "run NTP"}


def told(**changes: object) -> dict[str, object]:
    return {"known": 3, "heard": 3, "waiting": 0, "readings": 0, "oldest_s": None} | changes


@pytest.mark.parametrize(
    ("hours", "level", "words"),
    [
        (None, Level.WARNING, "none was made"),
        (3, Level.OK, "3 h old"),
        (17, Level.OK, "17 h old"),
        (19, Level.WARNING, "docker compose run --rm backup"),
    ],
)
def test_backup_is_judged_by_its_age(hours: float | None, level: Level, words: str) -> None:
    now = datetime(2026, 2, 7, tzinfo=UTC)
    found = backup(None if hours is None else now.timestamp() - hours * 3600, now)
    assert (found.level, words in found.words + found.remedy) == (level, True)


@pytest.mark.parametrize(
    ("heartbeats", "level", "words"),
    [
        (told(known=0, heard=0), Level.OK, "no device has spoken yet"),
        (told(heard=0), Level.WARNING, "none of 3 devices"),
        (told(), Level.OK, "3 of 3 devices heard"),
        (told(waiting=1, readings=40, oldest_s=12.0), Level.OK, "40 readings"),
        (told(waiting=2, readings=40, oldest_s=61.0), Level.WARNING, "61 s on 2 devices"),
        (told(waiting=2, readings=40, oldest_s=901.0), Level.WRONG, "nothing is lost meanwhile"),
    ],
)
def test_lag_is_judged_by_the_oldest_unanswered_reading(
    heartbeats: dict[str, object], level: Level, words: str
) -> None:
    found = lag(heartbeats)
    assert found.level is level
    assert words in found.words + found.remedy


def test_connect_packet_long_token_has_a_length_of_two_bytes() -> None:
    now = datetime(2026, 2, 7, tzinfo=UTC)
    token = BrokerToken(UUID(int=1), "svc:doctor:1", "service:doctor", "p" * 300, now, now, [])
    packet = connect_packet(token)
    length = (packet[1] & 127) + 128 * packet[2]
    assert packet[0] == 0x10
    assert packet[1] >= 128
    assert len(packet) == 3 + length
    assert packet[3:9] == b"\x00\x04MQTT"
