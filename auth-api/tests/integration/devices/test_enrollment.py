"""Enrolling over HTTP on a real database: what is right, and every way to get it wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import asyncpg
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding


async def test_enroll_with_a_fresh_code_registers_the_device(api: Any, device: Any) -> None:
    answer = await device.enroll()
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["client_id"] == "D1"
    assert body["broker"] == {"mqtts_url": api.settings.mqtts_url, "wss_url": api.settings.wss_url}
    assert body["ca_pem"] == api.settings.ca_file.read_text()
    assert body["server_time"] == "2026-02-07T10:00:00.000Z"
    assert body["server_keys"]["sync_signing"]["crv"] == "Ed25519"
    assert body["server_keys"]["sync_encryption"]["crv"] == "X25519"
    listed = (await api.client.get("/api/v1/devices")).json()
    assert [(item["client_id"], item["status"], item["heartbeat"]) for item in listed["items"]] == [
        ("D1", "OFFLINE", None)
    ]


async def test_code_holds_the_fingerprint_of_the_published_certificate(api: Any, device: Any) -> None:
    pem = (await api.client.get("/.well-known/pulse-ca.pem")).content
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    fingerprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assert (await device.code()).partition(".")[2] == fingerprint


async def test_code_is_stored_hashed_only(api: Any, device: Any) -> None:
    secret = (await device.code()).partition(".")[0]
    connection = await asyncpg.connect(api.database.dsn())
    try:
        rows = await connection.fetch(
            "SELECT t::text FROM enrollment_codes t UNION ALL SELECT t::text FROM audit_log t"
        )
    finally:
        await connection.close()
    assert rows
    assert not any(secret in row[0] for row in rows)


async def test_enroll_with_a_used_code_is_refused(device: Any, make_device: Any, problem: Any) -> None:
    code = await device.code()
    assert (await device.enroll(code)).status_code == 201
    assert problem(await make_device("D2").enroll(code)) == (403, "code-refused")


async def test_enroll_twice_at_once_with_one_code_admits_one(device: Any, make_device: Any) -> None:
    code = await device.code()
    answers = await asyncio.gather(*(make_device(f"D{n}").enroll(code) for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403, 403]


async def test_enroll_with_a_code_older_than_15_minutes_is_refused(api: Any, device: Any, problem: Any) -> None:
    code = await device.code()
    api.clock.move(901)
    assert problem(await device.enroll(code)) == (403, "code-refused")


async def test_enroll_with_a_code_of_another_device_is_refused_and_leaves_the_code_good(
    device: Any, make_device: Any, problem: Any
) -> None:
    code = await device.code(client_id="D1")
    assert problem(await make_device("D2").enroll(code)) == (403, "code-refused")
    assert (await device.enroll(code)).status_code == 201


async def test_enroll_with_a_code_that_never_was_is_refused(device: Any, problem: Any) -> None:
    for code in ["", "nonsense", "A" * 26, "A" * 26 + "." + "f" * 43]:
        assert problem(await device.post("/enroll", device.keys.enrollment(code))) == (403, "code-refused"), code


async def test_enroll_with_a_good_code_and_another_servers_fingerprint_is_refused(device: Any, problem: Any) -> None:
    secret = (await device.code()).partition(".")[0]
    assert problem(await device.enroll(f"{secret}.{'f' * 43}")) == (403, "code-refused")
    assert (await device.enroll(secret)).status_code == 201


async def test_enroll_with_a_foreign_proof_is_refused_and_leaves_the_code_good(device: Any, problem: Any) -> None:
    code = await device.code()
    body = device.keys.enrollment(code)
    right, device.keys.signing = device.keys.signing, Ed25519PrivateKey.generate()
    forged = {**body, "proof": device.keys.enrollment(code)["proof"]}
    device.keys.signing = right
    assert problem(await device.post("/enroll", forged)) == (403, "proof-refused")
    assert problem(await device.post("/enroll", {**body, "client_id": "D9"})) == (403, "proof-refused")
    assert problem(await device.post("/enroll", {**body, "added": 1})) == (403, "proof-refused")
    assert (await device.post("/enroll", body)).status_code == 201


WRONG_FIELDS: list[tuple[dict[str, Any], int, str]] = [
    ({"signing_key": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, 422, "key-refused"),
    ({"signing_key": {"kty": "EC", "crv": "P-256", "x": "A", "y": "A"}}, 422, "key-refused"),
    ({"encryption_key": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}}, 422, "key-refused"),
    ({"encryption_key": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}, 422, "key-refused"),
    ({"encryption_key": None}, 422, "key-refused"),
    ({"client_id": "a/b"}, 400, "invalid-request"),
    ({"client_id": "web:1"}, 400, "invalid-request"),
    ({"client_id": "latest"}, 400, "invalid-request"),
    ({"client_id": "D" * 65}, 400, "invalid-request"),
    ({"client_id": "D\x00"}, 400, "invalid-request"),
    ({"client_id": 5}, 400, "invalid-request"),
    ({"code": None}, 400, "invalid-request"),
]


async def test_enroll_with_a_wrong_field_says_which(api: Any, device: Any, problem: Any) -> None:
    for changes, status, kind in WRONG_FIELDS:
        assert problem(await device.enroll(await device.code(), **changes)) == (status, kind), changes
        api.clock.move(61)  # so that the address is never locked


async def test_enroll_with_another_body_is_malformed(device: Any, problem: Any) -> None:
    for body in ([], "text", None, {}, {"code": "x"}):
        assert problem(await device.post("/enroll", body)) == (400, "invalid-request"), body


async def test_enroll_with_an_oversized_body_is_refused(device: Any, problem: Any) -> None:
    assert problem(await device.enroll(await device.code(), more="x" * 40_000)) == (413, "body-too-large")


async def test_enroll_after_ten_failures_in_a_minute_locks_the_address(api: Any, device: Any, problem: Any) -> None:
    code = await device.code()
    for _ in range(10):
        assert problem(await device.post("/enroll", device.keys.enrollment("A" * 26))) == (403, "code-refused")
    locked = await device.enroll(code)
    assert problem(locked) == (429, "too-many-attempts")
    assert 0 < int(locked.headers["retry-after"]) <= 60
    api.clock.move(61)
    assert (await device.enroll(code)).status_code == 201


async def test_enroll_of_many_right_devices_never_locks(make_device: Any) -> None:
    for number in range(12):
        assert (await make_device(f"D{number}").enroll()).status_code == 201


async def test_enroll_of_an_enrolled_id_needs_a_code_made_for_it(device: Any, make_device: Any, problem: Any) -> None:
    assert (await device.enroll()).status_code == 201
    successor = make_device("D1")
    assert problem(await successor.enroll(await device.code())) == (409, "device-exists")
    assert (await successor.enroll()).status_code == 201
    assert problem(await device.token()) == (401, "assertion-refused")
    assert (await successor.token()).status_code == 200


async def test_enroll_again_while_old_tokens_run_holds_the_id_off_until_they_end(
    api: Any, device: Any, make_device: Any, problem: Any
) -> None:
    await device.enroll()
    assert (await device.token()).status_code == 200
    api.clock.move(600)
    successor = make_device("D1")
    assert (await successor.enroll()).status_code == 201
    held = await successor.token()
    assert problem(held) == (409, "device-cooling-down")
    assert held.json()["not_before"] == "2026-02-07T11:00:00.000Z"
    assert held.json()["retry_after_s"] == 3_000
    api.clock.move(3_000)
    assert (await successor.token()).status_code == 200


async def test_make_code_out_of_bounds_is_refused(device: Any, problem: Any) -> None:
    for body in ({"expires_in_s": 9}, {"expires_in_s": 901}, {"client_id": ""}, {"client_id": "a b"}, {"surprise": 1}):
        assert problem(await device.post("/enrollment-codes", body)) == (400, "invalid-request"), body


async def test_make_code_without_signing_in_is_refused(api: Any, device: Any, problem: Any) -> None:
    del api.client.headers["authorization"]
    assert problem(await device.post("/enrollment-codes", {})) == (401, "not-signed-in")


async def test_make_code_before_there_is_a_ca_says_so(api: Any, device: Any, problem: Any) -> None:
    api.settings.ca_file.unlink()
    assert problem(await device.post("/enrollment-codes", {})) == (503, "certificate-missing")
    assert problem(await api.client.get("/.well-known/pulse-ca.pem")) == (503, "certificate-missing")
