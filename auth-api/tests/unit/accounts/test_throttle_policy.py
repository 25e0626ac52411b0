"""How long somebody must wait after how many attempts."""

from __future__ import annotations

import pytest

from pulse_auth.domain.accounts.throttle import ACCOUNT, ADDRESS, Policy


@pytest.mark.parametrize(
    ("policy", "attempts", "wait_s"),
    [
        (ACCOUNT, 1, 0),
        (ACCOUNT, 2, 0),
        (ACCOUNT, 3, 2),
        (ACCOUNT, 4, 4),
        (ACCOUNT, 5, 60),
        (ACCOUNT, 6, 120),
        (ACCOUNT, 10, 1_920),
        (ACCOUNT, 11, 3_600),
        (ACCOUNT, 10_000, 3_600),
        (ADDRESS, 20, 0),
        (ADDRESS, 21, 30),
        (ADDRESS, 22, 60),
        (ADDRESS, 30, 900),
    ],
)
def test_wait_after_attempts_slows_then_locks_then_doubles(policy: Policy, attempts: int, wait_s: int) -> None:
    assert policy.wait_s(attempts) == wait_s
