"""Refresh tokens: what we wrote is read, anything else is not."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_auth.domain.accounts.refresh_tokens import RefreshToken, RefreshTokens, load_refresh_secret
from pulse_runtime.errors import ConfigError

TOKENS = RefreshTokens(b"s" * 32)
ONE = RefreshToken(UUID(int=7), 3)


@given(st.uuids(), st.integers(min_value=1, max_value=2**63 - 1))
def test_read_written_token_is_the_same(family: UUID, number: int) -> None:
    token = RefreshToken(family, number)
    assert TOKENS.read(TOKENS.write(token)) == token


def test_write_same_number_again_is_the_same_token() -> None:
    assert TOKENS.write(ONE) == TOKENS.write(ONE)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(".3.", ".4."),
        lambda text: "1" + text[1:],
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text.rpartition(".")[0] + ".",
        lambda text: text + "é",
        lambda _: "",
        lambda _: "..",
        lambda _: "x" * 10_000,
    ],
)
def test_read_changed_token_is_nothing(change: object) -> None:
    assert TOKENS.read(change(TOKENS.write(ONE))) is None  # type: ignore[operator]


def test_read_token_of_another_secret_is_nothing() -> None:
    assert RefreshTokens(b"t" * 32).read(TOKENS.write(ONE)) is None


@given(st.text(max_size=100))
def test_read_any_text_does_not_fail(text: str) -> None:
    assert TOKENS.read(text) is None


def test_load_refresh_secret_second_start_reads_the_same(tmp_path: Path) -> None:
    made = load_refresh_secret(tmp_path)
    assert load_refresh_secret(tmp_path) == made
    assert (tmp_path / "refresh.secret").stat().st_mode & 0o777 == 0o600
    assert RefreshTokens(made).write(RefreshToken(uuid4(), 1))


def test_load_refresh_secret_damaged_file_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "refresh.secret").write_bytes(b"short")
    with pytest.raises(ConfigError, match=r"refresh\.secret"):
        load_refresh_secret(tmp_path)
