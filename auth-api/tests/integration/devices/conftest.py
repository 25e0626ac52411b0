"""A device made by hand, and an API that has a CA certificate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding

from support.device_keys import DeviceKeys


class HandMadeDevice:
    """Keys of a device, and the requests that it sends to *api*."""

    def __init__(self, api: Any, client_id: str = "D1") -> None:
        self.api, self.client_id = api, client_id
        self.keys = DeviceKeys(client_id)

    async def enroll(self, code: str | None = None, /, **changes: Any) -> Any:
        """Enroll with *code*, or with a fresh one bound to this id."""
        fields = {"code": code or await self.code(client_id=self.client_id), **changes}
        return await self.post("/enroll", self.keys.enrollment(**fields))

    async def code(self, **asked: Any) -> str:
        answer = await self.post("/enrollment-codes", asked)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    async def post(self, path: str, body: Any) -> Any:
        return await self.api.client.post(f"/api/v1/devices{path}", json=body)

    def assertion(self, **changes: Any) -> str:
        return self.keys.assertion(int(self.api.clock().timestamp()), **changes)

    async def token(self, **changes: Any) -> Any:
        return await self.post("/token", {"assertion": self.assertion(**changes)})


@pytest.fixture
async def api(start: Any, settings: Any) -> Any:
    key, name = generate_private_key(SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=400))
    settings.ca_file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    # Nobody listens on port 1: the tests must not meet a system that runs beside them.
    started = await start(mqtts_url="mqtts://127.0.0.1:1", broker_api_url="http://127.0.0.1:1/api/v5")
    await started.sign_in()
    return started


@pytest.fixture
def make_device(api: Any) -> Any:
    return lambda client_id="D1": HandMadeDevice(api, client_id)


@pytest.fixture
def device(make_device: Any) -> Any:
    return make_device()


@pytest.fixture
def problem() -> Any:
    """Return status and the end of the type of a problem document."""

    def read(answer: Any) -> tuple[int, str]:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert answer.json()["status"] == answer.status_code
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    return read
