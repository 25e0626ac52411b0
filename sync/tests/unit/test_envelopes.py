"""Envelopes: what is not signed for this audience by the right key, or was altered, opens nothing."""

from __future__ import annotations

import base64
import hmac
import json
import re
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc import jwe, jws
from joserfc.jwk import OKPKey
from msgspec.structs import replace

from pulse_sync.changes import Change
from pulse_sync.envelopes import (
    FROM_AUTHOR,
    FROM_SERVER,
    EnvelopeError,
    Key,
    open_change,
    open_from_device,
    open_from_server,
    seal_to_device,
    seal_to_server,
    sign_change,
)
from pulse_sync.messages import PAGE_BYTES, SERVER, Event, FromDevice, Snapshot, pages_of
from pulse_sync.records import Kind
from pulse_sync.values import MAX_RULES, MAX_RULES_BYTES, rules_problem

HISTORY = str(UUID(int=1))


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def key(kind: Any, curve: str) -> Key:
    made = kind.generate()
    x, d = b64(made.public_key().public_bytes_raw()), b64(made.private_bytes_raw())
    return Key({"kty": "OKP", "crv": curve, "x": x, "d": d})


SERVER_SIGNING, DEVICE_SIGNING, AUTHOR = (key(Ed25519PrivateKey, "Ed25519") for _ in range(3))
SERVER_BOX, DEVICE_BOX = (key(X25519PrivateKey, "X25519") for _ in range(2))
EVENT = Event(aud="D1", history=HISTORY, version=3, previous=2, event="USER_UPDATE", record={"id": "planted"})
CHANGE = Change(
    change_id=str(UUID(int=5)),
    type=Kind.USER,
    id=str(UUID(int=6)),
    field="username",
    value="planted",
    at="2026-02-07T10:00:00.000Z",
    base=1,
    history=HISTORY,
    by="user:ann",
    author=str(UUID(int=7)),
    source="desktop:D1",
)


def layer(**changes: Any) -> FromDevice:
    made = {
        "aud": SERVER,
        "client_id": "D1",
        "change_id": CHANGE.change_id,
        "after": None,
        "author": CHANGE.author,
        "change": sign_change(CHANGE, AUTHOR),
    }
    return FromDevice(**{**made, **changes})


def fault_of(token: str, **changes: Any) -> str:
    opened = {"server": SERVER_SIGNING, "device": DEVICE_BOX, "client_id": "D1", **changes}
    with pytest.raises(EnvelopeError) as raised:
        open_from_server(token, **opened)
    return str(raised.value.fault)


def test_envelope_to_a_device_opens_there_and_shows_nothing_on_the_way_S5():  # noqa: N802
    token = seal_to_device(EVENT, SERVER_SIGNING, DEVICE_BOX)
    assert open_from_server(token, SERVER_SIGNING, DEVICE_BOX, "D1") == EVENT
    assert b"planted" in readable(SERVER_SIGNING.sign(FROM_SERVER, b'{"id": "planted"}'))
    assert b"planted" not in readable(token)
    assert EVENT.event.encode() not in readable(token)


def readable(text: str) -> bytes:
    """Return whatever anybody can decode of *text* without a key, layers within layers."""
    parts = [part for part in re.split(r"[^A-Za-z0-9_-]", text) if len(part) > 10]
    decoded = [base64.urlsafe_b64decode(part[: len(part) - (len(part) % 4 == 1)] + "===") for part in parts]
    return b"\n".join(decoded) + b"".join(readable(one.decode(errors="replace")) for one in decoded if b"." in one)


def test_envelope_to_a_device_that_is_not_right_is_refused_by_its_fault_S4():  # noqa: N802
    token = seal_to_device(EVENT, SERVER_SIGNING, DEVICE_BOX)
    head, wrapped, iv, content, tag = token.split(".")
    altered = content[:-5] + ("A" if content[-5] != "A" else "B") + content[-4:]
    assert fault_of(token, client_id="D2") == "not for this audience"
    assert fault_of(token, server=DEVICE_SIGNING) == "bad signature"
    assert fault_of(token, device=SERVER_BOX) == "wrong key"
    assert fault_of(f"{head}.{wrapped}.{iv}.{altered}.{tag}") == "truncated"
    assert fault_of(token[: len(token) // 2]) == "truncated"
    assert fault_of(DEVICE_BOX.encrypt("no.jws.here")) == "malformed"
    assert fault_of(DEVICE_BOX.encrypt(SERVER_SIGNING.sign(FROM_AUTHOR, b"{}"))) == "bad signature"
    assert fault_of(DEVICE_BOX.encrypt(SERVER_SIGNING.sign(FROM_SERVER, b"{}"))) == "malformed"
    for garbage in (
        "",
        "a",
        "a.b.c.d.e",
        "....",
        "é.b.c.d.e",
        "x" * 400_000,
        f"{head}.{head}.{head}.{head}.{head}.{head}",
    ):
        assert fault_of(garbage) in {"malformed", "truncated", "wrong key"}


def test_envelope_with_another_algorithm_is_refused():
    none = b64(json.dumps({"alg": "none", "typ": FROM_SERVER}).encode()) + "." + b64(b"{}") + "."
    assert fault_of(DEVICE_BOX.encrypt(none)) == "malformed"
    head = b64(json.dumps({"alg": "dir", "enc": "A256GCM", "kid": DEVICE_BOX.kid}).encode())
    assert fault_of(f"{head}..{b64(b'0' * 12)}.{b64(b'x')}.{b64(b'0' * 16)}") == "truncated"


def test_signature_by_a_key_of_its_own_header_or_by_the_public_key_as_a_secret_is_refused_S4():  # noqa: N802
    stranger = OKPKey.generate_key("Ed25519")
    header = {"alg": "Ed25519", "typ": FROM_SERVER, "jwk": stranger.as_dict(private=False)}
    own = jws.serialize_compact(header, b"{}", stranger, algorithms=["Ed25519"])
    assert fault_of(DEVICE_BOX.encrypt(own)) == "bad signature"
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    signed = f"{b64(json.dumps({'alg': 'HS256', 'typ': FROM_SERVER}).encode())}.{b64(b'{}')}"
    mac = b64(hmac.digest(public, signed.encode(), "sha256"))
    known = Key({"kty": "OKP", "crv": "Ed25519", "x": b64(public)})
    assert fault_of(DEVICE_BOX.encrypt(f"{signed}.{mac}"), server=known) == "malformed"


def test_compressed_envelope_is_refused_before_it_is_inflated():
    box = OKPKey.generate_key("X25519")
    jwk = {name: str(value) for name, value in box.as_dict(private=True).items()}
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "zip": "DEF", "kid": Key(jwk).kid}
    allowed = ["ECDH-ES+A256KW", "A256GCM", "DEF"]
    token = jwe.encrypt_compact(header, b"A" * 20_000_000, box, algorithms=allowed)
    assert len(token) < 100_000
    assert fault_of(token, device=Key(jwk)) == "truncated"


def test_largest_permission_travels_both_ways_within_the_contract():
    rules = [{"action": "subscribe", "topic": f"{number:03}/" + "€" * 80} for number in range(MAX_RULES)]
    assert rules_problem(rules) is None
    assert rules_problem([{"action": "subscribe", "topic": "x" * (MAX_RULES_BYTES + 1)}]) is not None
    big = replace(CHANGE, type=Kind.PERMISSION, field="rules", value=rules)
    token = seal_to_server(layer(change=sign_change(big, AUTHOR)), DEVICE_SIGNING, SERVER_BOX)
    assert len(token) < 250 * 1024
    record = {"type": "permission", "id": CHANGE.id, "fields": {"rules": rules, "description": "€" * 1_000}}
    assert len(seal_to_device(replace(EVENT, record=record), SERVER_SIGNING, DEVICE_BOX)) < 250 * 1024


def test_change_from_a_device_opens_layer_by_layer():
    token = seal_to_server(layer(), DEVICE_SIGNING, SERVER_BOX)
    opened = open_from_device(token, SERVER_BOX, DEVICE_SIGNING, "D1")
    assert open_change(opened, AUTHOR) == CHANGE


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"aud": "D1"}, "not for this audience"), ({"client_id": "D2"}, "not for this audience")],
)
def test_device_layer_for_somebody_else_is_refused_S4(changes: dict[str, Any], fault: str):  # noqa: N802
    token = seal_to_server(layer(**changes), DEVICE_SIGNING, SERVER_BOX)
    with pytest.raises(EnvelopeError) as raised:
        open_from_device(token, SERVER_BOX, DEVICE_SIGNING, "D1")
    assert raised.value.fault == fault


@pytest.mark.parametrize(
    ("opened", "fault"),
    [
        (layer(change=sign_change(CHANGE, DEVICE_SIGNING)), "bad signature"),
        (layer(change_id=str(UUID(int=99))), "malformed"),
        (layer(author=str(UUID(int=99))), "malformed"),
        (layer(client_id="D2"), "not for this audience"),
        (layer(change=SERVER_SIGNING.sign(FROM_SERVER, b"{}")), "bad signature"),
        (layer(change="x"), "malformed"),
    ],
)
def test_authors_layer_that_is_not_the_authors_is_refused_S4(opened: FromDevice, fault: str):  # noqa: N802
    with pytest.raises(EnvelopeError) as raised:
        open_change(opened, AUTHOR)
    assert raised.value.fault == fault


def test_pages_stay_within_the_contract_and_keep_every_record():
    records = [{"id": str(number), "fields": {"note": "x" * 900}} for number in range(1_000)]
    runs = pages_of(records)
    assert [record for run in runs for record in run] == records
    assert len(runs) > 5
    sealed = [
        seal_to_device(
            Snapshot(
                aud="D1",
                history=HISTORY,
                version=1,
                snapshot=HISTORY,
                part=number,
                parts=len(runs),
                records=run,
                digest="0" * 64,
            ),
            SERVER_SIGNING,
            DEVICE_BOX,
        )
        for number, run in enumerate(runs, 1)
    ]
    assert all(PAGE_BYTES / 2 < len(token) < 250 * 1024 for token in sealed[:-1])
    assert pages_of([]) == [[]]


def test_key_of_another_kind_is_refused():
    for jwk in (
        {},
        {"kty": "OKP"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X", "x": "A"},
    ):
        with pytest.raises(ValueError, match="not an Ed25519 or X25519 key"):
            Key(jwk)
