"""Payloads of every kind, damaged: the contract's reader, the worker's, and the sync's envelopes."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fuzzing.mutations import FUZZED, damaged
from pulse_acl.emit.jwt_claim import from_claim, to_claim
from pulse_acl.payloads import MAX_PAYLOAD_BYTES, PAYLOADS, ContractError, decode, encode, unknown_fields
from pulse_acl.rules import auth_api_rules
from pulse_ingest.decode import decode as decode_telemetry
from pulse_ingest.messages import Raw
from pulse_sync.envelopes import EnvelopeError, Key, open_change, open_from_device, seal_to_server
from pulse_sync.messages import SERVER, FromDevice

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
KINDS = {
    name: [file.read_bytes() for file in sorted((ROOT / "acl" / "cases" / "examples" / name).rglob("*.json"))]
    for name in PAYLOADS
}
TELEMETRY = {"live": KINDS["Reading"], "buffered": KINDS["ReadingBatch"]}


@pytest.mark.parametrize("name", PAYLOADS)
@FUZZED
@given(data=st.data())
def test_decode_damaged_payload_is_read_or_refused_and_what_is_read_is_written_the_same(
    name: str, data: st.DataObject
) -> None:
    kind, payload = PAYLOADS[name], data.draw(damaged(KINDS[name]))
    assert unknown_fields(kind, payload) >= 0
    try:
        read = decode(kind, payload)
    except ContractError:
        return
    again = encode(read)
    if len(again) <= MAX_PAYLOAD_BYTES:
        assert encode(decode(kind, again)) == again


@pytest.mark.parametrize("way", TELEMETRY)
@FUZZED
@given(data=st.data())
def test_worker_damaged_telemetry_is_never_an_error_and_never_passed_over(way: str, data: st.DataObject) -> None:
    payload = data.draw(damaged(TELEMETRY[way]))
    found = decode_telemetry(Raw(f"telemetry/D1/{way}", payload, NOW))
    assert found.samples or found.rejects or found.lost or found.faults or _is_empty_batch(payload)
    for record in (*found.rejects, *found.faults):
        record.reason.encode()  # text that PostgreSQL takes: no surrogate, no NUL
        assert "\x00" not in record.reason + record.excerpt
        record.excerpt.encode()


def _is_empty_batch(payload: bytes) -> bool:
    """Tell whether *payload* says of itself that there is nothing in it."""
    batch = json.loads(payload)
    return batch["readings"] == [] and not batch.get("lost")


def _key(private: Ed25519PrivateKey | X25519PrivateKey, curve: str) -> Key:
    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    members = {"x": text(private.public_key().public_bytes_raw()), "d": text(private.private_bytes_raw())}
    return Key({"kty": "OKP", "crv": curve, **members})


SIGNING, AUTHOR = (_key(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32), "Ed25519") for n in (1, 2))
BOX = _key(X25519PrivateKey.from_private_bytes(bytes([3]) * 32), "X25519")
LAYER = FromDevice(
    aud=SERVER, client_id="D1", change_id=str(UUID(int=7)), after=None, author="user:ann", change="a.b.c"
)
SEALED = seal_to_server(LAYER, SIGNING, BOX).encode()
SIGNED = [SIGNING.sign("pulse-sync-device", msgspec.json.encode(LAYER)).encode(), SEALED]


def test_envelope_undamaged_is_opened() -> None:
    assert open_from_device(SEALED.decode(), BOX, SIGNING, "D1") == LAYER


@FUZZED
@given(damaged([SEALED]))
def test_envelope_damaged_is_opened_unaltered_or_refused(token: bytes) -> None:
    try:
        assert open_from_device(token.decode("latin-1"), BOX, SIGNING, "D1") == LAYER
    except EnvelopeError:
        return


@FUZZED
@given(damaged(SIGNED))
def test_inner_layers_damaged_behind_a_good_envelope_are_refused(inner: bytes) -> None:
    token = BOX.encrypt(inner.decode("latin-1").encode("ascii", "replace").decode())
    try:
        opened = open_from_device(token, BOX, SIGNING, "D1")
        with pytest.raises(EnvelopeError):
            open_change(opened, AUTHOR)
    except EnvelopeError:
        return


@FUZZED
@given(damaged([msgspec.json.encode(to_claim(auth_api_rules("1")))]))
def test_claim_damaged_is_read_or_refused(claim: bytes) -> None:
    try:
        decoded = msgspec.json.decode(claim)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    try:
        rules = from_claim(decoded)
    except ValueError:
        return
    said = [(entry["permission"], entry["action"], entry["topic"]) for entry in decoded]
    read = [(one.effect, one.action, f"{'eq ' if one.exact else ''}{one.topic_filter}") for one in rules]
    assert read == said, "a rule was passed over or read as another one"
