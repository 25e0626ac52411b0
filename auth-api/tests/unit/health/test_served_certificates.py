"""The end of the certificates that are served: read where clients meet them, also when it has passed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from pulse_auth.domain.health import certificates as module
from pulse_auth.domain.health.certificates import ServedCertificates
from pulse_auth.settings import Settings, default_paths
from pulse_runtime.certificates import (
    SERVER_LIFE,
    ServerFiles,
    load_authority,
    make_authority,
    make_server,
    subject_names,
)
from support.waiting import eventually

NOW = datetime.now(UTC).replace(microsecond=0)
HOST = "pulse.example.org"


@contextlib.asynccontextmanager
async def served(folder: Path, made_at: datetime) -> AsyncIterator[int]:
    """Serve TLS for HOST on loopback with a certificate made at *made_at*; gives the port."""
    folder.mkdir()
    make_authority(folder / "ca.pem", folder / "ca-key.pem", made_at)
    files = ServerFiles(folder / "server.pem", folder / "server-key.pem")
    signer = load_authority(folder / "ca.pem", folder / "ca-key.pem")
    make_server(files, signer, subject_names([HOST]), made_at, common_name=HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def end(registry: CollectorRegistry, address: str) -> float | None:
    return registry.get_sample_value("pulse_certificate_expiry_timestamp_seconds", {"address": address})


async def test_look_tells_the_end_of_each_where_the_name_leads_also_of_one_that_has_run_out(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    long_ago = NOW - SERVER_LIFE - timedelta(days=1)
    async with served(tmp_path / "edge", NOW) as edge, served(tmp_path / "broker", long_ago) as broker:
        settings = Settings(
            **default_paths(tmp_path),
            public_url=f"https://{HOST}",
            edge_address=("127.0.0.1", edge),
            mqtts_url=f"mqtts://127.0.0.1:{broker}",
        )
        await ServedCertificates(registry, settings).look()
    assert end(registry, "public") == (NOW + SERVER_LIFE).timestamp()
    assert end(registry, "mqtts") == (long_ago + SERVER_LIFE).timestamp()


async def test_address_that_cannot_be_reached_is_asked_for_less_and_less_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_log", structlog.get_logger())  # one that no other test's settings are kept in
    settings = Settings(**default_paths(tmp_path), mqtts_url=f"mqtts://127.0.0.1:{free_port()}")
    looking = ServedCertificates(CollectorRegistry(), settings)
    waits = []
    with capture_logs() as logs:
        for _ in range(8):
            await looking.look()
            waits.append(looking.wait_s())
    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
    assert [line["event"] for line in logs] == ["health.certificate_not_seen"]


async def test_address_that_was_seen_and_went_is_logged_at_both_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(**default_paths(tmp_path), mqtts_url="mqtts://127.0.0.1:8883")
    looking = ServedCertificates(CollectorRegistry(), settings)
    monkeypatch.setattr(module, "_log", structlog.get_logger())
    leads_to = [("127.0.0.1", free_port())]
    monkeypatch.setattr(module, "where", lambda *_: leads_to[-1])
    with capture_logs() as logs:
        await looking.look()
        async with served(tmp_path / "broker", NOW) as come:
            leads_to.append(("127.0.0.1", come))
            await looking.look()
            await looking.look()
            assert looking.wait_s() == module.EVERY_S
        leads_to.pop()
        await looking.look()
        await looking.look()
    told = [event.removeprefix("health.certificate_") for line in logs if "health." in (event := line["event"])]
    assert told == ["not_seen", "seen", "not_seen"]
    assert looking.wait_s() == module.EVERY_S, "its end is known"


async def test_look_keeps_what_it_knew_and_is_soon_back_for_what_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    registry = CollectorRegistry()
    port = free_port()
    settings = Settings(**default_paths(tmp_path), mqtts_url=f"mqtts://127.0.0.1:{port}")
    looking = ServedCertificates(registry, settings)
    await looking.look()
    assert end(registry, "mqtts") == 0
    assert end(registry, "public") is None, "it is served in clear text here"
    leads_to = [("127.0.0.1", port)]
    monkeypatch.setattr(module, "where", lambda *_: leads_to[-1])
    running = asyncio.create_task(looking.run())
    async with served(tmp_path / "broker", NOW) as come:
        leads_to.append(("127.0.0.1", come))
        await eventually(lambda: end(registry, "mqtts"), what="the certificate is seen")
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await looking.look()
    assert end(registry, "mqtts") == (NOW + SERVER_LIFE).timestamp()
