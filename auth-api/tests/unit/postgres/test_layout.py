"""Where the embedded database lies, and which places are refused."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from pulse_auth.postgres.layout import MAX_SOCKET_PATH_BYTES, SOCKET_NAME, Layout
from pulse_runtime.errors import ConfigError

ROOM = MAX_SOCKET_PATH_BYTES - len(os.fsencode(f"/{SOCKET_NAME}"))


def test_check_longest_possible_path_passes_and_one_more_byte_is_refused() -> None:
    Layout(Path("/" + "a" * (ROOM - 1))).check()
    with pytest.raises(ConfigError, match="too long"):
        Layout(Path("/" + "a" * ROOM)).check()


def test_check_length_counts_bytes_not_characters() -> None:
    with pytest.raises(ConfigError, match="too long"):
        Layout(Path("/" + "ä" * (ROOM // 2 + 1))).check()


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a\nb"])
def test_check_characters_that_addresses_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        Layout(Path("/tmp") / name).check()


def test_dsn_names_socket_folder_role_and_password(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a folder & more")
    layout.folder.mkdir()
    layout.password_file("pulse_ingest").write_text("p/w:d@1 2%\n")
    dsn = layout.dsn("pulse_ingest")
    parts = urlsplit(dsn)
    assert (parts.scheme, parts.username, parts.hostname, parts.path) == ("postgresql", "pulse_ingest", None, "/pulse")
    assert unquote(parts.password or "") == "p/w:d@1 2%"
    assert parse_qs(parts.query) == {"host": [str(layout.folder)]}


def test_dsn_before_the_first_start_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="auth-password"):
        Layout(tmp_path).dsn()
