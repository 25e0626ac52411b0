"""What the worker says of itself, and the sign of life on a clock that the test turns."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from pulse_acl.payloads import ServiceStatus, decode
from pulse_ingest.status import ALARM_FOR, SignOfLife, StatusSource
from pulse_ingest.storage_state import StorageState
from pulse_ingest.writer import Durability

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
SOUND = Durability(fsync=True, standbys=0, synchronous=False)


def source(state: StorageState) -> StatusSource:
    return StatusSource("1", NOW, state)


def present(state: StorageState) -> ServiceStatus:
    return decode(ServiceStatus, source(state).present(NOW))


def test_present_before_the_first_check_is_degraded() -> None:
    assert present(StorageState()).status == "DEGRADED"


def test_present_sound_database_is_online_with_every_field() -> None:
    state = StorageState()
    state.check_passed(SOUND)
    found = present(state)
    assert (found.status, found.checks) == ("ONLINE", {"database": "ok", "durability": "ok", "publications": "ok"})
    assert (found.service, found.instance, found.started_at, found.at) == (
        "ingest",
        "1",
        *(["2026-02-07T12:00:00.000Z"] * 2),
    )
    assert source(state).topic == "system/ingest/1/status"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Durability(fsync=False, standbys=0, synchronous=False), "fsync"),
        (Durability(fsync=True, standbys=1, synchronous=False), "standby"),
    ],
)
def test_present_commit_that_may_be_lost_is_degraded_with_the_database_ok(found: Durability, words: str) -> None:
    state = StorageState()
    state.check_passed(found)
    status = present(state)
    assert status.status == "DEGRADED"
    assert status.checks["database"] == "ok"
    assert words in status.checks["durability"]


def test_present_synchronous_standby_is_online() -> None:
    state = StorageState()
    state.check_passed(Durability(fsync=True, standbys=1, synchronous=True))
    assert present(state).status == "ONLINE"


def test_state_batch_that_waits_is_away_although_the_check_passes() -> None:
    state = StorageState()
    changes: list[str] = []
    state.on_change = lambda: changes.append(state.database)
    state.check_passed(SOUND)
    state.went_away("disk full")
    state.check_passed(SOUND)
    assert present(state).checks["database"] == "away"
    state.came_back()
    assert present(state).status == "ONLINE"
    state.check_failed("gone")
    assert changes[-3:] == ["away", "ok", "away"]


def test_will_says_who_and_offline_only() -> None:
    assert source(StorageState()).will() == b'{"service":"ingest","instance":"1","status":"OFFLINE"}'
    assert decode(ServiceStatus, source(StorageState()).offline(NOW)).status == "OFFLINE"


def test_sign_of_life_own_word_within_three_intervals_is_no_silence() -> None:
    life = SignOfLife(100.0)
    assert not life.is_silent(115.0)
    life.sent(b"mine")
    life.heard(b"mine", 110.0)
    assert not life.is_silent(125.0)
    assert life.is_silent(125.1)


def test_sign_of_life_retained_copy_of_an_earlier_connection_does_not_count() -> None:
    life = SignOfLife(100.0)
    life.sent(b"mine")
    life.heard(b"of an earlier connection", 114.0)
    assert life.is_silent(115.1)


def test_sign_of_life_excused_waits_three_intervals_anew() -> None:
    life = SignOfLife(0.0)
    life.excused(14.0)
    assert not life.is_silent(29.0)
    assert life.is_silent(29.1)


def test_present_history_of_the_database_is_told_and_its_change_at_once() -> None:
    state, changes = StorageState(), []
    state.on_change = lambda: changes.append(state.history)
    for history in (UUID(int=1), UUID(int=1), UUID(int=2)):
        state.check_passed(Durability(fsync=True, standbys=0, synchronous=False, history=history))
        assert present(state).history == str(history)
    assert changes[-1] == UUID(int=2)
    assert len(set(changes)) == 2


def test_present_refused_publication_is_an_alarm_for_a_minute_case_9() -> None:
    state = StorageState()
    state.check_passed(SOUND)
    statuses = source(state)
    assert statuses.publication_refused(135, NOW), "news"
    assert not statuses.publication_refused(151, NOW), "no news while it lasts"
    found = decode(ServiceStatus, statuses.present(NOW + ALARM_FOR))
    assert found.status == "DEGRADED"
    assert found.checks["publications"] == "refused by the broker, reason code 151"
    assert found.checks["database"] == "ok", "devices need not take the archive for away"
    assert decode(ServiceStatus, statuses.present(NOW + ALARM_FOR + timedelta(seconds=1))).status == "ONLINE"
