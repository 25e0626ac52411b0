"""What the link does with a message and with a connection's end, without a broker."""

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from pulse_ingest.errors import LinkLost, LinkRefused
from pulse_ingest.link import Link
from pulse_ingest.measures import Measures
from pulse_ingest.messages import Raw
from pulse_ingest.status import SignOfLife, StatusSource
from pulse_ingest.storage_state import StorageState
from pulse_ingest.tokens import Grant, TokenSource
from pulse_runtime.certificates import make_authority
from pulse_runtime.errors import ConfigError
from support.ingest import RECEIVED


class TurnedClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return RECEIVED

    def monotonic(self) -> float:
        return self.seconds


class Bench:
    """A link that is told what happened to its connections."""

    def __init__(self, ca_file: Path = Path("/nonexistent")) -> None:
        self.clock, self.measures, self.contested = TurnedClock(), Measures(), False
        key = Ed25519PrivateKey.generate()
        self.link = Link(
            tokens=TokenSource(api_url="http://127.0.0.1:1", key=key, instance="1", ca_file=ca_file),
            statuses=StatusSource("1", RECEIVED, StorageState()),
            ca_file=ca_file,
            mqtt5=True,
            measures=self.measures,
            clock=self.clock,
            is_contested=lambda: self.contested,
        )

    def connection_of(self, seconds: float) -> None:
        self.link._stood_since = self.clock.seconds
        self.clock.seconds += seconds
        self.link._judge_end()


def granted(mqtts_url: str) -> Grant:
    times = ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")
    return Grant("svc:ingest:1", "service:ingest", "secret", *times, mqtts_url)


async def test_message_came_a_fault_of_ours_does_not_freeze_the_session_case_11() -> None:
    bench = Bench()

    def faulty(_: Raw) -> None:
        raise RuntimeError("a fault of ours")

    bench.link.on_message = faulty
    raw = Raw("telemetry/D1/live", b"{}", RECEIVED, done=asyncio.get_running_loop().create_future())
    bench.link._message_came(raw)
    assert raw.done is not None
    assert raw.done.done(), "the broker is told that it is dealt with"
    assert bench.measures.registry.get_sample_value("pulse_ingest_failed_total") == 1


def test_address_of_a_broker_on_another_machine_is_used_with_tls_alone(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    make_authority(ca_file, tmp_path / "ca-key.pem", RECEIVED)
    link = Bench(ca_file).link
    address = link._address(granted("mqtts://pulse.example.org:8884"))
    assert (address.host, address.port, address.tls.check_hostname) == ("pulse.example.org", 8884, True)
    for text in ("mqtt://pulse.example.org:1883", "mqtt://127.0.0.1:1883"):
        with pytest.raises(LinkLost, match="give mqtts://host"):
            link._address(granted(text))


def test_judge_end_short_connections_and_a_rival_give_way_case_40() -> None:
    bench = Bench()
    bench.contested = True
    for _ in range(3):
        bench.connection_of(1)
    with pytest.raises(ConfigError, match="PULSE_INSTANCE"):
        bench.connection_of(1)


def test_judge_end_short_connections_without_a_rival_are_only_the_brokers() -> None:
    bench = Bench()
    with capture_logs() as logs:
        for _ in range(50):
            bench.connection_of(0.1)
    assert [entry["event"] for entry in logs] == ["link.cut_short"], "said once, for it may be a client of our name"


def test_judge_end_a_connection_that_lasted_forgives_the_short_ones() -> None:
    bench = Bench()
    bench.contested = True
    for _ in range(4):
        for _ in range(3):
            bench.connection_of(1)
        bench.connection_of(60)
    assert bench.link._cut_short == 0


@pytest.mark.parametrize(("reason", "refused", "unheard"), [(16, 0, 1), (135, 1, 0), (151, 1, 0)])
def test_reason_came_refusals_alarm_and_the_absence_of_subscribers_does_not_case_9(
    reason: int, refused: int, unheard: int
) -> None:
    bench = Bench()
    bench.link._reason_came(reason)
    value = bench.measures.registry.get_sample_value
    assert (value("pulse_ingest_publications_refused_total", {"reason": str(reason)}) or 0) == refused
    assert value("pulse_ingest_publications_unheard_total") == unheard
    assert bench.link._status_due.is_set() is bool(refused), "the world is told at once"


async def test_run_closing_without_a_connection_ends_and_takes_nobodys_over_case_40() -> None:
    bench = Bench()
    bench.link.close()
    await asyncio.wait_for(bench.link.run(), 5)
    assert not bench.link.is_connected


async def test_run_refused_subscription_is_logged_without_the_secret_name_of_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_authority(tmp_path / "ca.pem", tmp_path / "ca-key.pem", RECEIVED)
    bench = Bench(tmp_path / "ca.pem")
    asked: list[str] = []

    class Refused:
        def __init__(self, *_: object) -> None: ...

        async def connect(self) -> None: ...

        async def subscribe(self, filters: list[str]) -> None:
            asked.extend(filters)
            bench.link.close()
            raise LinkRefused(f"subscriptions refused: {', '.join(filters)}")

        async def close(self) -> None: ...

    monkeypatch.setattr("pulse_ingest.link.Subscriber", Refused)
    bench.link._grant = msgspec.structs.replace(granted("mqtts://127.0.0.1:8883"), shared_group="ingest-5f")
    bench.link._renew_at = float("inf")
    with capture_logs() as logs:
        await bench.link.run()
    assert "$share/ingest-5f/telemetry/+/live" in asked
    (reason,) = [entry["reason"] for entry in logs if entry["event"] == "link.refused"]
    assert "$share/…/telemetry/+/live" in reason
    assert "5f" not in reason


class Holding:
    """A connection on which messages are held back, or none."""

    def __init__(self, since: float | None) -> None:
        self.held_back_since = since


def test_judge_silence_own_status_missing_is_the_end_unless_messages_are_held_back_case_43() -> None:
    """EMQX sends nothing more, the own status included, while its window is full of what is not acknowledged."""
    bench = Bench()
    bench.link._life = SignOfLife(0.0)
    for minute in range(1, 5):
        bench.clock.seconds = 60.0 * minute
        bench.link._judge_silence(Holding(since=1.0))  # type: ignore[arg-type]
    bench.clock.seconds += 15.0
    bench.link._judge_silence(Holding(since=None))  # type: ignore[arg-type]
    bench.clock.seconds += 0.1
    with pytest.raises(LinkLost, match="does not come back"):
        bench.link._judge_silence(Holding(since=None))  # type: ignore[arg-type]
