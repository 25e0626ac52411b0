"""Tokens that are not to be had: which link is missing, and that it is the API that does not answer."""

from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.errors import Link, LinkError
from pulse_desktop.core.identity import exchange, store, tokens
from pulse_desktop.core.identity.keys import to_pem
from pulse_desktop.core.identity.tokens import DeviceTokens

AT = "2026-02-07T10:00:00.000Z"
NAME, NUMBER = "http://plant.example", "http://203.0.113.7"


def refusal(folder: Path, api_url: str) -> LinkError:
    """Ask for a token at *api_url* and return why there is none."""
    identity = store.Identity(
        client_id="D1", api_url=api_url, mqtts_url="mqtts://plant.example", ca_pem="", signing_key="signing-key.pem",
        encryption_key="encryption-key.pem", enrolled_at="2026-01-01T00:00:00.000Z",
    )  # fmt: skip
    (folder / "signing-key.pem").write_bytes(to_pem(Ed25519PrivateKey.generate()))
    with pytest.raises(LinkError) as raised:
        DeviceTokens(folder, identity, SystemClock(), None).fetch()
    return raised.value


def failing(error: Exception) -> Any:
    def fails(*_arguments: Any, **_named: Any) -> Any:
        raise error

    return fails


def test_cable_is_out_and_no_name_is_found_says_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gone = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    monkeypatch.setattr(exchange.socket, "getaddrinfo", failing(gone))
    found = refusal(tmp_path, NAME)
    assert found.link is Link.NO_NETWORK
    assert found.detail == f"the API at {NAME} cannot be reached: Temporary failure in name resolution"


@pytest.mark.parametrize(
    ("number", "link", "said"),
    [
        (errno.ENETUNREACH, Link.NO_NETWORK, "cannot be reached"),
        (errno.EHOSTUNREACH, Link.NO_NETWORK, "cannot be reached"),
        (errno.ECONNREFUSED, Link.NO_BROKER, "does not answer"),
    ],
)
def test_address_cannot_be_had_says_which_link_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, link: Link, said: str
):
    monkeypatch.setattr(socket, "create_connection", failing(OSError(number, "the system's words")))
    found = refusal(tmp_path, NUMBER)
    assert (found.link, found.detail) == (link, f"the API at {NUMBER} {said}: the system's words")


def test_server_is_down_is_not_called_no_network_for_a_second_address_without_a_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in ("203.0.113.7", "2001:db8::7")]
    failures = iter([errno.ECONNREFUSED, errno.ENETUNREACH])
    monkeypatch.setattr(exchange.socket, "getaddrinfo", lambda *_arguments, **_named: found)

    def connect(*_arguments: Any, **_named: Any) -> Any:
        raise OSError(next(failures), "the system's words")

    monkeypatch.setattr(socket, "create_connection", connect)
    assert refusal(tmp_path, NAME).link is Link.NO_BROKER


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"nothing": 1}, "the API's answer is not a token"),
        (
            {"server_time": AT, "expires_at": AT, "username": "d", "password": "p", "mqtts_url": "mqtt://b.example"},
            "clear text may not leave this machine; use mqtts://b.example",
        ),
    ],
)
def test_answer_that_this_machine_does_not_accept_is_not_said_to_be_refused_by_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], said: str
):
    monkeypatch.setattr(tokens, "post", lambda *_arguments: answer)
    found = refusal(tmp_path, NUMBER)
    assert found.link is Link.REFUSED_HERE
    assert said in found.detail


def test_foreign_certificate_of_the_api_is_refused_and_not_called_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "unable to get local issuer certificate"
    monkeypatch.setattr(socket, "create_connection", failing(error))
    found = refusal(tmp_path, NUMBER)
    assert found.link is Link.REFUSED_HERE
    assert found.detail.startswith(f"the certificate of the API at {NUMBER} is not trusted")
