"""Hashes, the work done for unknown users, and the rules for new passwords."""

from __future__ import annotations

import pytest
from argon2 import Type, extract_parameters

from pulse_auth.domain.accounts.passwords import MAX_CHARS, MIN_CHARS, PARAMETERS, Passwords, check_new_password
from pulse_auth.errors import PasswordRefusedError


async def test_hash_system_parameters_are_rfc_9106_second_option() -> None:
    hashed = await Passwords().hash("correct-horse-battery")
    found = extract_parameters(hashed)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 65_536, 3, 4)
    assert found == PARAMETERS
    assert await Passwords().verify(hashed, "correct-horse-battery")
    assert not await Passwords().verify(hashed, "correct-horse-batterz")


class CountingHasher:
    """Stands for argon2's hasher; remembers which parameters it was asked to work with."""

    def __init__(self) -> None:
        self.verified: list[str] = []

    def hash(self, password: str) -> str:
        return f"same-parameters${password}"

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - argon2's own name
        self.verified.append(hash.split("$", maxsplit=1)[0])
        return hash == self.hash(password)


async def test_verify_without_an_account_does_the_same_work_and_is_false() -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher)
    stored = await passwords.hash("right")
    assert await passwords.verify(stored, "right")
    assert not await passwords.verify(stored, "wrong")
    assert not await passwords.verify(None, "wrong")
    assert hasher.verified == ["same-parameters"] * 3


@pytest.mark.parametrize("stored", ["", "plain text", "$argon2id$v=19$m=65536,t=3,p=4$broken"])
async def test_verify_a_damaged_hash_is_false(stored: str) -> None:
    assert not await Passwords().verify(stored, "whatever-it-is")


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("", "too-short"),
        ("a" * (MIN_CHARS - 1), "too-short"),
        ("a" * (MAX_CHARS + 1), "too-long"),
        ("present-one", "unchanged"),
        ("with-a-\ud800-half", "not-text"),
    ],
)
def test_check_new_password_breaking_a_rule_is_refused_by_name(password: str, rule: str) -> None:
    with pytest.raises(PasswordRefusedError) as refused:
        check_new_password(password, present="present-one")
    assert refused.value.fields["rule"] == rule


@pytest.mark.parametrize("password", ["a" * MIN_CHARS, "ä" * MAX_CHARS, "new one with spaces"])
def test_check_new_password_within_the_rules_passes(password: str) -> None:
    check_new_password(password, present="present-one")
