"""Signing in: grants, refusals, locks."""

from __future__ import annotations

from typing import Any


async def test_login_right_password_grants_a_token_that_opens_me(api: Any) -> None:
    body = await api.sign_in()
    assert body["expires_in"] == 900
    assert body["must_change_password"] is False
    assert body["user"]["roles"] == ["ADMIN"]
    assert "MANAGE_USERS" in body["user"]["permissions"]
    me = await api.client.get("/api/v1/auth/me")
    assert me.status_code == 200
    assert me.json()["username"] == "admin"
