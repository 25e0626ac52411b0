"""The loopback port: who may read what."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pulse_ingest.loopback_http import LoopbackHttp
from pulse_ingest.measures import Measures
from pulse_runtime.errors import ConfigError

CHECKS = {"database": "ok", "broker": "ok"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    checks = dict(CHECKS)
    http = LoopbackHttp(0, tmp_path / "metrics-key", Measures().exposition, lambda: checks)
    yield f"http://127.0.0.1:{http.port}", (tmp_path / "metrics-key").read_text().strip(), checks
    http.close()


def test_metrics_with_the_key_are_given(served: tuple[str, str, dict[str, str]]) -> None:
    address, key, _ = served
    answer = httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    assert "pulse_ingest_archived_readings_total 0.0" in answer.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer \u00e4".encode()}])
def test_metrics_without_the_key_are_refused(served: tuple[str, str, dict[str, str]], headers: dict[str, str]) -> None:
    assert httpx.get(f"{served[0]}/metrics", headers=headers).status_code == 401


def test_readyz_tells_each_check_by_name(served: tuple[str, str, dict[str, str]]) -> None:
    address, _, checks = served
    assert httpx.get(f"{address}/readyz").json() == {"checks": CHECKS}
    checks["database"] = "away"
    answer = httpx.get(f"{address}/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "away")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Host": ""}])
def test_readyz_for_a_web_page_is_refused(served: tuple[str, str, dict[str, str]], headers: dict[str, str]) -> None:
    assert httpx.get(f"{served[0]}/readyz", headers=headers).status_code == 403


def test_port_taken_is_a_sentence(served: tuple[str, str, dict[str, str]], tmp_path: Path) -> None:
    port = int(served[0].rpartition(":")[2])
    with pytest.raises(ConfigError, match="PULSE_METRICS_PORT"):
        LoopbackHttp(port, tmp_path / "other-key", bytes, dict)
