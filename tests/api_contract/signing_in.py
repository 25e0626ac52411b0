"""
Loaded by schemathesis: signs in once as the administrator, then renews the token by its cookie.

By the cookie because fuzzing the sign-in locks this address after a while, as it should.
"""

from __future__ import annotations

import os
from typing import Any

import httpx
import schemathesis

RENEW_S = 300


@schemathesis.auth(refresh_interval=RENEW_S)
class AdministratorAuth:
    """What schemathesis asks for a token, and gives it to each request."""

    def __init__(self) -> None:
        self._client = httpx.Client(base_url=os.environ["DRILL_ADDRESS"], timeout=20, trust_env=False)
        self._signed_in = False

    def get(self, _case: Any, _context: Any) -> str:
        """Return a fresh access token."""
        if self._signed_in:
            answer = self._client.post("/api/v1/auth/refresh")
        else:
            person = {"username": "admin", "password": os.environ["DRILL_PASSWORD"]}
            answer = self._client.post("/api/v1/auth/login", json=person)
        answer.raise_for_status()
        self._signed_in = True
        return str(answer.json()["access_token"])

    def set(self, case: Any, data: str, _context: Any) -> None:
        """Put the token into the request."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
