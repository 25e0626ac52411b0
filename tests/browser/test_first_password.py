"""The first administrator's generated password has to be changed, and is then gone from the disk."""

from __future__ import annotations

import contextlib

from playwright.sync_api import Page, expect

from support.stack import running_stack
from support.waiting import until


def test_generated_password_is_changed_at_the_first_sign_in(page: Page):
    with running_stack("postgres", "broker", "auth-api", variables={"PULSE_ADMIN_PASSWORD": ""}) as stack:
        file = stack.home / "initial-admin-password"
        assert file.stat().st_mode & 0o777 == 0o600
        page.goto(stack.address)
        page.get_by_test_id("login-username").fill("admin")
        page.get_by_test_id("login-password").fill(file.read_text().strip())
        page.get_by_test_id("login-submit").click()
        page.get_by_test_id("new-password").fill("a-much-better-one-5")
        page.get_by_test_id("new-password-repeat").fill("a-much-better-one-5")
        page.get_by_test_id("password-submit").click()
        expect(page.get_by_test_id("connection-indicator").first).to_be_visible(timeout=15_000)
        until(lambda: not file.exists(), within_s=5, what="the password's file is gone")
        with contextlib.closing(stack.client("admin", "a-much-better-one-5")) as client:
            assert client.get("/auth/me").is_success
