"""The port of the metrics, on loopback and in the containers' network: who may read what."""

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pulse_ingest import metrics_http
from pulse_ingest.measures import Measures
from pulse_ingest.metrics_http import MetricsHttp
from pulse_runtime.errors import ConfigError

CHECKS = {"database": "ok", "broker": "ok"}
INSIDE = "127.9.0.2"  # stands for the address in the containers' network


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    checks = dict(CHECKS)
    http = MetricsHttp(0, tmp_path / "metrics-key", Measures().exposition, lambda: checks)
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


@pytest.fixture
def served_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    def read_only(*_: object) -> bytes:
        raise OSError(errno.EROFS, "Read-only file system")

    (tmp_path / "key").write_text("the jobs' key\n")
    monkeypatch.setattr(metrics_http, "create_private", read_only)  # as in a volume that others write
    http = MetricsHttp(0, tmp_path / "key", Measures().exposition, lambda: CHECKS, inside=INSIDE)
    yield f"http://{INSIDE}:{http.port}", f"http://127.0.0.1:{http.port}"
    http.close()


def test_metrics_inside_are_given_with_the_key_that_was_there_and_refused_without(
    served_inside: tuple[str, str],
) -> None:
    for address in served_inside:
        assert httpx.get(f"{address}/metrics", headers={"Authorization": "Bearer the jobs' key"}).status_code == 200
        assert httpx.get(f"{address}/metrics").status_code == 401
        assert httpx.get(f"{address}/readyz").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "ingest-worker", "127.9.0.3", "evil.example", ""])
@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_metrics_inside_under_another_host_are_refused(served_inside: tuple[str, str], path: str, host: str) -> None:
    headers = {"Host": host, "Authorization": "Bearer the jobs' key"}
    assert httpx.get(f"{served_inside[0]}{path}", headers=headers).status_code == 403


def test_metrics_inside_listen_nowhere_else(served_inside: tuple[str, str]) -> None:
    port = served_inside[0].rpartition(":")[2]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.9.0.3:{port}/readyz")


def answered(url: str, key: str, within_s: float) -> bool:
    """Ask again while the connection is dropped."""
    end = time.monotonic() + within_s
    while True:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        if time.monotonic() > end:
            return False


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests have less time; asked for before the server is made."""
    monkeypatch.setattr(metrics_http, "MOST_S", 1.0)


@pytest.mark.usefixtures("hurried")
def test_connections_without_a_key_get_few_threads_and_little_time(served: tuple[str, str, dict[str, str]]) -> None:
    address, key, _ = served
    before = threading.active_count()
    with contextlib.ExitStack() as slow:
        for _ in range(3 * metrics_http.MOST_CONNECTIONS):
            one = slow.enter_context(socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))))
            one.sendall(b"GET /metrics HTTP/1.1\r\n")  # and no more: as by a client that lets us wait
        answered(f"{address}/metrics", key, within_s=0.0)  # comes after them, so that all were accepted
        assert threading.active_count() <= before + 2 * metrics_http.MOST_CONNECTIONS, "more than one and its end each"
        assert answered(f"{address}/metrics", key, within_s=8.0), "the slow ones have it still"  # of a wait's 10 s


def test_address_that_is_not_of_this_machine_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"PULSE_METRICS_PORT 0 on 10\.255\.255\.241"):
        MetricsHttp(0, tmp_path / "key", bytes, dict, inside="10.255.255.241")


@pytest.mark.parametrize("content", ["", " \n"])
def test_key_that_is_empty_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigError, match=r"PULSE_METRICS_KEY_FILE .* is empty"):
        MetricsHttp(0, tmp_path / "key", bytes, dict)


def test_key_in_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="PULSE_METRICS_KEY_FILE"):
        MetricsHttp(0, tmp_path / "file" / "key", bytes, dict)


def test_port_taken_is_a_sentence(served: tuple[str, str, dict[str, str]], tmp_path: Path) -> None:
    port = int(served[0].rpartition(":")[2])
    with pytest.raises(ConfigError, match="PULSE_METRICS_PORT"):
        MetricsHttp(port, tmp_path / "other-key", bytes, dict)
