"""Who is refused, with which code, and that nobody else notices: sessions, wills and retained messages stay whole."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from pulse_acl.rules import Action, Rule, device_rules, ingest_rules
from support.mqtt_client import Will, connect_packet
from support.tokens import TokenMint

BAD_CREDENTIALS, NOT_AUTHORIZED, WRONG_VERSION, UNAVAILABLE = 4, 5, 1, 3
VICTIM = ("D1", "device:D1")

BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1_000_000_000},
    "no exp": {"exp": None},
    "float exp": {"exp": time.time() + 900},
    "text exp": {"exp": "4102444800"},
    "boolean exp": {"exp": True},
    "no iat": {"iat": None},
    "text iat": {"iat": "yesterday"},
    "not yet valid": {"nbf": 4_102_444_800},
    "no issuer": {"iss": None},
    "wrong issuer": {"iss": "evil"},
    "no audience": {"aud": None},
    "wrong audience": {"aud": "pulse-api"},
    "a list of audiences": {"aud": ["pulse-broker"]},
    "no subject": {"sub": None},
    "another subject": {"sub": "device:D2"},
    "no jti": {"jti": None},
    "no client id": {"client_id": None},
    "another client id": {"client_id": "D2"},
    "client id in other letters": {"client_id": "d1"},
    "empty client id": {"client_id": ""},
    "client id a number": {"client_id": 1},
    "no username": {"username": None},
    "another username": {"username": "device:D2", "sub": "device:D2"},
    "no acl": {"acl": None},
    "acl a map": {"acl": {"pub": ["#"]}},
    "acl with an unknown field": {"acl": [{"permission": "allow", "action": "all", "topic": "#", "qos": 1}]},
    "acl with an unknown action": {"acl": [{"permission": "allow", "action": "read", "topic": "#"}]},
    "acl with a list for retain": {"acl": [{"permission": "allow", "action": "all", "topic": "#", "retain": []}]},
    "superuser": {"is_superuser": True},
    "superuser in words": {"is_superuser": "true"},
}


@pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
async def test_admission_bad_claims_are_refused_with_code_4(bench, changes) -> None:
    token = bench.mint.token(*VICTIM, device_rules("D1"), **changes)
    client = await bench.open()
    assert await client.connect(*VICTIM, token) == (BAD_CREDENTIALS, False)
    await client.expect_closed()
    assert not bench.running.sessions.all()
    (line,) = bench.logged("gate.connect_refused", code=BAD_CREDENTIALS, client_id="D1", username="device:D1")
    assert line["reason"] in {"claims", "expired", "superuser", "client_id", "username"}
    assert line["detail"]
    assert token not in str(bench.logs)


def unsigned(mint: TokenMint) -> str:
    return jwt.encode(mint.claims(*VICTIM, device_rules("D1")), None, "none", headers={"kid": mint.key_id})


def confused(mint: TokenMint) -> str:
    """HS256 with the public key as the secret, put together by hand, since libraries refuse to make it."""
    import base64
    import hashlib
    import hmac
    import json

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    header = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": mint.key_id}).encode())
    body = header + b"." + part(json.dumps(mint.claims(*VICTIM, device_rules("D1"))).encode())
    return (body + b"." + part(hmac.new(mint.public_pem(), body, hashlib.sha256).digest())).decode()


def tampered(mint: TokenMint) -> str:
    header, _, signature = mint.token(*VICTIM).split(".")
    _, body, _ = TokenMint(mint.key_id).token(*VICTIM, device_rules("D1")).split(".")
    return f"{header}.{body}.{signature}"


BAD_TOKENS = {
    "alg none": unsigned,
    "key confusion": confused,
    "tampered": tampered,
    "foreign key, known id": lambda mint: TokenMint(mint.key_id).token(*VICTIM, device_rules("D1")),
    "foreign key, unknown id": lambda _: TokenMint("elsewhere").token(*VICTIM, device_rules("D1")),
    "no key id": lambda mint: jwt.encode(mint.claims(*VICTIM, device_rules("D1")), mint.private_key, "ES256"),
    "not a token": lambda _: "guess",
    "empty": lambda _: "",
    "no password": lambda _: None,
    "bytes": lambda _: b"\xff\xfe\x00",
}


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_admission_bad_signature_or_no_token_is_refused_with_code_5(bench, make) -> None:
    client = await bench.open()
    assert await client.connect(*VICTIM, make(bench.mint)) == (NOT_AUTHORIZED, False)
    await client.expect_closed()
    assert not bench.running.sessions.all()
    (line,) = bench.logged("gate.connect_refused", code=NOT_AUTHORIZED)
    assert line["reason"] in {"algorithm", "signature", "key", "no_token"}


async def test_admission_right_token_under_foreign_name_or_id_is_refused(bench) -> None:
    client_id, username, token = bench.mint.device("D1")
    for foreign_id, foreign_name in (("D2", username), (client_id, "device:D2"), (client_id, "")):
        client = await bench.open()
        assert await client.connect(foreign_id, foreign_name, token) == (BAD_CREDENTIALS, False)
    assert bench.refused("client_id") == 1
    assert bench.refused("username") == 2


@pytest.mark.parametrize("protocol", [("MQIsdp", 3), ("MQTT", 5), ("MQTT", 3)])
async def test_admission_other_mqtt_versions_are_refused_with_code_1(bench, protocol) -> None:
    client = await bench.open()
    assert await client.connect(*bench.mint.device("D1"), protocol=protocol) == (WRONG_VERSION, False)
    await client.expect_closed()


@pytest.mark.parametrize(
    "will",
    [
        Will("archive/D2/receipt"),
        Will("audit/command"),
        Will("telemetry/D1/live", retain=True),
        Will("$SYS/x"),
        Will("heartbeat/+"),
    ],
    ids=lambda will: will.topic,
)
async def test_admission_will_that_the_token_does_not_allow_is_refused(bench, will) -> None:
    client = await bench.open()
    assert await client.connect(*bench.mint.device("D1"), will=will) == (NOT_AUTHORIZED, False)
    assert bench.refused("will") == 1


async def test_gate_refused_connect_cuts_no_session_and_leaves_no_will(bench) -> None:
    victim = await bench.join(bench.mint.device("D2"))
    await victim.subscribe("archive/D2/receipt")
    forged = Will("archive/D2/receipt", b"forged")
    for attempt in (
        ("D2", "device:D2", "guess", forged),
        ("D2", "device:D2", TokenMint(bench.mint.key_id).token("D2", "device:D2"), forged),
        ("D2", "device:D2", bench.mint.device("D1")[2], forged),
        (*bench.mint.device("D1"), forged),
    ):
        attacker = await bench.open()
        code, _ = await attacker.connect(*attempt[:3], will=attempt[3])
        assert code in {BAD_CREDENTIALS, NOT_AUTHORIZED}
        await attacker.close()
    await victim.ping()
    worker = await bench.join(bench.mint.ingest())
    await worker.publish("archive/D2/receipt", b"true one")
    await victim.expect_payloads(b"true one")


async def test_gate_refused_clean_connect_wipes_no_session(bench) -> None:
    identity = bench.mint.device("D2")
    victim = await bench.join(identity, clean=False)
    await victim.subscribe("archive/D2/receipt")
    await victim.disconnect()
    attacker = await bench.open()
    assert await attacker.connect("D2", "device:D2", "guess", clean=True) == (NOT_AUTHORIZED, False)
    worker = await bench.join(bench.mint.ingest())
    await worker.publish("archive/D2/receipt", b"kept")
    victim = await bench.open()
    assert await victim.connect(*identity, clean=False) == (0, True)
    await victim.expect_payloads(b"kept")


async def test_gate_packets_behind_a_refused_connect_are_never_read(bench) -> None:
    worker = await bench.join(bench.mint.ingest())
    await worker.subscribe("heartbeat/+")
    attacker = await bench.open()
    publish = b"\x31\x0e\x00\x0cheartbeat/D9"
    await attacker.send(connect_packet("D9", "device:D9", "guess") + publish)
    await attacker.expect_closed()
    device = await bench.join(bench.mint.device("D1"))
    await device.publish("heartbeat/D1", b"marker")
    await worker.expect_payloads(b"marker")


async def test_gate_first_packet_other_than_connect_is_cut_off_without_an_answer(bench) -> None:
    for data in (
        b"\x30\x0e\x00\x0cheartbeat/D9",
        b"\xc0\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x10\xff\xff\xff\xff\xff",
        b"\x10\x04\x00\x04MQ",
    ):
        client = await bench.open()
        await client.send(data)
        await client.expect_closed()
    assert bench.refused("malformed") == 5


async def test_gate_without_key_set_refuses_everybody_until_it_appears(bench) -> None:
    key_set = bench.settings.jwks_file.read_bytes()
    bench.settings.jwks_file.unlink()
    client = await bench.open()
    assert await client.connect(*bench.mint.device("D1")) == (UNAVAILABLE, False)
    bench.settings.jwks_file.write_bytes(key_set)
    client = await bench.open()
    assert await client.connect(*bench.mint.device("D1")) == (0, False)


async def test_gate_new_key_is_taken_and_removed_key_is_refused_at_once(bench) -> None:
    old, new = bench.mint, TokenMint("next-key")
    await bench.join(old.device("D1"))
    old.write_jwks(bench.settings.jwks_file, new)
    await bench.join(new.device("D2"))
    new.write_jwks(bench.settings.jwks_file)
    client = await bench.open()
    assert await client.connect(*old.device("D3")) == (NOT_AUTHORIZED, False)


@pytest.mark.parametrize("content", [b"", b"{", b'{"keys": []}', b'{"keys": [{"kty": "EC"}]}', b"[]"])
async def test_gate_damaged_key_set_leaves_the_last_good_one_in_force(bench, content) -> None:
    bench.expected_errors.add("tokens.keys_unreadable")
    await bench.join(bench.mint.device("D1"))
    bench.settings.jwks_file.write_bytes(content)
    await bench.join(bench.mint.device("D2"))
    await bench.join(bench.mint.device("D3"))
    assert len(bench.logged("tokens.keys_unreadable")) == 1


async def test_gate_http_token_does_not_open_the_broker(bench) -> None:
    client = await bench.open()
    token = bench.mint.token("web:1", "user:ann", (Rule(Action.SUBSCRIBE, "#"),), aud="pulse-api")
    assert await client.connect("web:1", "user:ann", token) == (BAD_CREDENTIALS, False)


async def test_gate_token_of_the_largest_size_is_taken(bench) -> None:
    rules = [Rule(Action.SUBSCRIBE, f"telemetry/device-number-{number:05}/live") for number in range(480)]
    token = bench.mint.token("int:1", "integration:x", rules)
    assert 50_000 < len(token) < 65_536
    client = await bench.open()
    assert await client.connect("int:1", "integration:x", token) == (0, False)
    assert ingest_rules("1")
