"""Bans, retained messages, certificates and settings, by themselves."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from amqtt.broker import Broker
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.matching import is_valid_filter, is_valid_topic, matches
from pulse_broker.bans import Ban, BanExistsError, Bans
from pulse_broker.certificates import ensure_certificates, server_context
from pulse_broker.messages import Message
from pulse_broker.ports import listen_on, take_ports
from pulse_broker.retained import RetainedStore
from pulse_broker.settings import Settings, origin_of, read_settings
from pulse_runtime.certificates import RENEW_BEFORE, SERVER_LIFE
from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

NOW = 1_800_000_000.0
LEVELS = st.lists(st.sampled_from(["a", "b", "", "+", "#", "$s"]), min_size=1, max_size=4).map("/".join)


@given(LEVELS.filter(is_valid_topic), LEVELS.filter(is_valid_filter))
def test_hub_amqtt_routes_everything_that_the_gate_would_hand_out(topic, topic_filter) -> None:
    """What amqtt's matcher lets through too much is dropped at the gate; too little would be lost."""
    broker = Broker.__new__(Broker)
    broker.logger = __import__("logging").getLogger("amqtt")
    assert broker._matches(topic, topic_filter) or not matches(topic, topic_filter)


async def test_bans_survive_on_disk_and_run_out(tmp_path: Path) -> None:
    path, clock = tmp_path / "broker" / "bans.json", [NOW]
    bans = Bans(path, lambda: clock[0])
    await bans.add(Ban("clientid", "D1", until="2027-01-15T08:01:00+00:00"))  # a minute from NOW
    await bans.add(Ban("username", "user:ann"))
    again = Bans(path, lambda: clock[0])
    assert again.find("D1", "x") == bans.find("D1", "x")
    assert again.find("D2", "user:ann") is not None
    assert again.find("user:ann", "D1") is None
    clock[0] += 60
    assert again.find("D1", "x") is None
    await again.add(Ban("clientid", "D1"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert {ban.who for ban in Bans(path, lambda: clock[0]).list()} == {"user:ann", "D1"}


async def test_bans_twice_or_without_zone_are_refused(tmp_path: Path) -> None:
    bans = Bans(tmp_path / "bans.json", lambda: NOW)
    await bans.add(Ban("clientid", "D1"))
    with pytest.raises(BanExistsError):
        await bans.add(Ban("clientid", "D1", until="2030-01-01T00:00:00Z"))
    with pytest.raises(ValueError, match="zone"):
        await bans.add(Ban("clientid", "D2", until="2030-01-01T00:00:00"))


async def test_bans_many_at_once_are_few_writes_beside_the_loop_and_all_on_disk(tmp_path: Path, monkeypatch) -> None:
    writes, loop_thread = [], threading.get_ident()

    def write(path: Path, content: bytes) -> None:
        writes.append(threading.get_ident())
        write_private(path, content)

    monkeypatch.setattr("pulse_broker.bans.write_private", write)
    path = tmp_path / "bans.json"
    bans = Bans(path, lambda: NOW)
    who = [f"web:{number}" for number in range(300)]
    await asyncio.gather(*(bans.add(Ban("clientid", one)) for one in who))
    assert {ban.who for ban in Bans(path, lambda: NOW).list()} == set(who)
    assert len(writes) <= 3
    assert loop_thread not in writes
    twice = await asyncio.gather(*(bans.add(Ban("clientid", "twice")) for _ in range(2)), return_exceptions=True)
    assert [type(found) for found in twice] == [type(None), BanExistsError]
    lifted = await asyncio.gather(*(bans.remove("clientid", one) for one in (who[0], who[0], "nobody")))
    assert lifted == [True, False, False]


async def test_bans_that_cannot_be_written_are_not_in_force_and_can_be_made_later(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "bans.json"
    path.parent.write_text("in the way")
    bans = Bans(path, lambda: NOW)
    with pytest.raises(OSError, match="folder"):
        await bans.add(Ban("clientid", "D1"))
    assert bans.list() == []
    path.parent.unlink()
    await bans.add(Ban("clientid", "D1"))
    assert bans.find("D1", "x") is not None


async def test_bans_that_no_thread_can_be_had_for_are_refused_and_can_be_made_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> None:
        raise RuntimeError("can't start new thread")

    bans = Bans(tmp_path / "bans.json", lambda: NOW)
    with monkeypatch.context() as patch:
        patch.setattr("pulse_broker.bans.asyncio.to_thread", fail)
        async with asyncio.timeout(5):
            asked = [bans.add(Ban("clientid", "D1")), bans.add(Ban("clientid", "D2"))]
            refused = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(one) for one in refused] == ["can't start new thread"] * 2
    assert bans.list() == []
    await bans.add(Ban("clientid", "D1"))
    assert bans.find("D1", "x") is not None


async def test_bans_whose_asker_has_gone_are_made_all_the_same(tmp_path: Path) -> None:
    bans = Bans(tmp_path / "bans.json", lambda: NOW)
    asking = asyncio.create_task(bans.add(Ban("clientid", "D1")))
    await asyncio.sleep(0)
    asking.cancel()
    await bans.add(Ban("clientid", "D2"))
    assert {ban.who for ban in bans.list()} == {"D1", "D2"}


@pytest.mark.parametrize(
    "content", ["{", "[]x", '[{"as": "x", "who": "a"}]', '[{"as": "clientid", "who": "a", "until": "x"}]']
)
def test_bans_damaged_file_is_a_start_error(tmp_path: Path, content) -> None:
    path = tmp_path / "bans.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"bans\.json"):
        Bans(path, lambda: NOW)


def test_retained_newest_wins_empty_removes_and_bytes_are_bounded() -> None:
    store = RetainedStore(max_messages=10, max_bytes=1_000)
    assert store.keep(Message("a/1", b"x" * 300, 1))
    assert not store.keep(Message("a/2", b"x" * 700, 1))
    assert store.keep(Message("a/1", b"y", 1))
    assert store.keep(Message("a/2", b"z" * 500, 1))
    assert [found.payload[:1] for found in store.matching("a/+")] == [b"y", b"z"]
    assert [found.payload for found in store.matching("a/1")] == [b"y"]
    assert list(store.matching("b")) == []
    assert store.keep(Message("a/2", b"", 1))
    assert store.keep(Message("nowhere", b"", 1))
    assert len(store) == 1
    assert store.keep(Message("a/3", b"x" * 500, 1))


@given(LEVELS.filter(is_valid_filter))
def test_retained_matching_is_that_of_the_contract(topic_filter) -> None:
    store = RetainedStore()
    topics = ["a", "a/b", "b", "/a", "$s/a", "a/"]
    for topic in topics:
        store.keep(Message(topic, b"x", 1))
    assert [found.topic for found in store.matching(topic_filter)] == [
        name for name in topics if matches(name, topic_filter)
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(Environment({"PULSE_HOME": str(tmp_path / "home")}))


def test_certificates_first_start_makes_a_chain_that_clients_accept(settings: Settings) -> None:
    assert ensure_certificates(settings, lambda: NOW)
    server = x509.load_pem_x509_certificate(settings.tls_cert_file.read_bytes())
    ca = x509.load_pem_x509_certificate(settings.ca_file.read_bytes())
    server.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}
    for path in (settings.tls_key_file, settings.tls_key_file.parent / "ca-key.pem"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert server_context(settings).minimum_version == ssl.TLSVersion.TLSv1_2
    assert not ensure_certificates(settings, lambda: NOW)


def test_certificates_about_to_expire_are_renewed_under_the_same_authority(settings: Settings) -> None:
    ensure_certificates(settings, lambda: NOW)
    ca, old = settings.ca_file.read_bytes(), settings.tls_cert_file.read_bytes()
    due = NOW + (SERVER_LIFE - RENEW_BEFORE).total_seconds()
    assert not ensure_certificates(settings, lambda: due - timedelta(hours=1).total_seconds())
    assert ensure_certificates(settings, lambda: due + 1)
    assert settings.ca_file.read_bytes() == ca
    assert settings.tls_cert_file.read_bytes() != old


def test_certificates_lost_authority_key_is_an_error_and_no_new_authority(settings: Settings) -> None:
    ensure_certificates(settings, lambda: NOW)
    ca = settings.ca_file.read_bytes()
    (settings.tls_key_file.parent / "ca-key.pem").unlink()
    assert not ensure_certificates(settings, lambda: NOW)  # good for as long as the server's certificate is
    settings.tls_cert_file.unlink()
    with pytest.raises(ConfigError, match="ca-key"):
        ensure_certificates(settings, lambda: NOW)
    assert settings.ca_file.read_bytes() == ca


def test_certificates_key_that_others_may_read_is_refused(settings: Settings) -> None:
    ensure_certificates(settings, lambda: NOW)
    settings.tls_key_file.chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        server_context(settings)


def test_certificates_of_ones_own_are_used_and_none_is_made(settings: Settings, tmp_path: Path) -> None:
    ensure_certificates(settings, lambda: NOW)
    own = read_settings(
        Environment(
            {
                "PULSE_HOME": str(tmp_path / "other"),
                "PULSE_TLS_CERT_FILE": str(settings.tls_cert_file),
                "PULSE_TLS_KEY_FILE": str(settings.tls_key_file),
            }
        )
    )
    assert not ensure_certificates(own, lambda: NOW)
    assert server_context(own).get_ca_certs() == []
    assert not (tmp_path / "other" / "tls").exists()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://Pulse.example/path", "https://pulse.example"),
        ("https://pulse.example:443", "https://pulse.example"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_settings_origin_is_what_a_browser_sends(url, origin) -> None:
    assert origin_of(url) == origin


def test_ports_taken_one_gives_the_others_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with pytest.raises(ConfigError, match=f"{taken.getsockname()[1]} .B. is taken by .*process {os.getpid()}"):
            take_ports({"A": port, "B": taken.getsockname()[1]})
        sockets = take_ports({"A": port})
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        listen_on(sockets)
        socket.create_connection(("127.0.0.1", port)).close()
        sockets["A"].close()


def test_ports_taken_in_the_same_moment_is_the_same_error() -> None:
    ours = take_ports({"A": 0})
    theirs = take_ports({"A": ours["A"].getsockname()[1]})
    listen_on(theirs)
    with pytest.raises(ConfigError, match="is taken by"):
        listen_on(ours)
    ours["A"].close()
    theirs["A"].close()
