"""Which user names are possible, and which are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_auth.domain.accounts.names import clean_username, is_username, name_key
from pulse_auth.errors import InvalidNameError


@pytest.mark.parametrize("name", ["ann", "Ann.O-Neil_2", "jörg", "李雷", "a" * 64, "ann@plant.example"])
def test_clean_username_ordinary_names_pass(name: str) -> None:
    assert clean_username(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 65,
        "a b",
        " a",
        "a\n",
        "a\x00",
        "+",
        "#",
        "a/b",
        "$SYS",
        "user:ann",
        "%c",
        "${username}",
        "a\u202eb",
        "\ud800",
    ],
)
def test_clean_username_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidNameError):
        clean_username(name)
    assert not is_username(name)


@pytest.mark.parametrize(
    ("one", "other"), [("A", "a"), ("straße", "STRASSE"), ("\ufb01na", "fina"), ("\uff41nn", "ann")]
)
def test_name_key_same_name_written_otherwise_is_equal(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@given(st.text(max_size=20))
def test_name_key_of_a_key_is_itself(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text)
