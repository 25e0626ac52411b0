"""Settings come from one table; what makes no sense is one sentence that names the variable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_runtime.environment import VARIABLES, Environment, checked_url, is_loopback, read_secret_file
from pulse_runtime.errors import ConfigError


def test_variables_are_named_once_and_described() -> None:
    names = [variable.name for variable in VARIABLES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"PULSE_[A-Z_]+", name) for name in names)
    assert all(variable.meaning and variable.readers for variable in VARIABLES)


def test_variables_defaults_refer_to_known_variables_only() -> None:
    names = {variable.name for variable in VARIABLES}
    mentioned = {name for variable in VARIABLES for name in re.findall(r"\{(\w+)\}", variable.default)}
    assert mentioned <= names
    assert not [variable for variable in VARIABLES if "{" in Environment({}).text(variable.name)]


def test_text_default_is_filled_in_from_other_variables() -> None:
    environment = Environment({"PULSE_HTTP_PORT": "9000", "PULSE_HOME": "/srv/pulse"})
    assert environment.text("PULSE_API_URL") == "http://127.0.0.1:9000"
    assert environment.text("PULSE_JWKS_FILE") == "/srv/pulse/keys/jwks.json"


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_text_empty_counts_as_not_set(empty: str) -> None:
    assert Environment({"PULSE_HTTP_PORT": empty}).text("PULSE_HTTP_PORT") == "8080"


def test_text_given_is_stripped_and_taken_as_it_stands() -> None:
    assert Environment({"PULSE_HOME": " /srv/{PULSE_HTTP_PORT} "}).text("PULSE_HOME") == "/srv/{PULSE_HTTP_PORT}"


def test_path_is_absolute_and_home_is_spelled_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/example")
    assert Environment({}).path("PULSE_HOME") == tmp_path / ".pulse"
    assert Environment({"PULSE_HOME": "~/pulse"}).path("PULSE_HOME") == Path("/home/example/pulse")


def test_path_home_of_unknown_user_is_refused() -> None:
    with pytest.raises(ConfigError, match="PULSE_HOME is '~no-such-user-here/x'"):
        Environment({"PULSE_HOME": "~no-such-user-here/x"}).path("PULSE_HOME")


@pytest.mark.parametrize("text", ["0", "8080", "65535"])
def test_port_within_bounds_is_taken(text: str) -> None:
    assert Environment({"PULSE_HTTP_PORT": text}).port("PULSE_HTTP_PORT") == int(text)


@pytest.mark.parametrize("text", ["-1", "65536", "http", "80.0", "8 0", "--1", "0x50", "٨٠", "9" * 5000])
def test_port_out_of_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^PULSE_HTTP_PORT is .* whole number from 0 to 65535\.$"):
        Environment({"PULSE_HTTP_PORT": text}).port("PULSE_HTTP_PORT")


@given(st.integers(-(10**20), 10**20), st.integers(-100, 100), st.integers(-100, 100))
def test_integer_is_taken_exactly_within_its_bounds(value: int, least: int, most: int) -> None:
    environment = Environment({"PULSE_RETENTION_DAYS": str(value)})
    if least <= value <= most:
        assert environment.integer("PULSE_RETENTION_DAYS", least=least, most=most) == value
    else:
        with pytest.raises(ConfigError):
            environment.integer("PULSE_RETENTION_DAYS", least=least, most=most)


def test_secret_comes_from_variable_before_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from-file\n", encoding="utf-8")
    both = Environment({"PULSE_ADMIN_PASSWORD": " from variable ", "PULSE_ADMIN_PASSWORD_FILE": str(file)})
    assert both.secret("PULSE_ADMIN_PASSWORD") == " from variable "
    assert Environment({"PULSE_ADMIN_PASSWORD_FILE": str(file)}).secret("PULSE_ADMIN_PASSWORD") == "from-file"
    assert Environment({}).secret("PULSE_ADMIN_PASSWORD") is None


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_read_secret_file_empty_or_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^PULSE_X_FILE names .*secret, which (is empty|cannot be read: .*)\.$"):
        read_secret_file(file, "PULSE_X_FILE")


def test_read_secret_file_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_secret_file(tmp_path / "none", "PULSE_X_FILE")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.255.0.9", "::1"])
def test_is_loopback_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [None, "", "127.example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "::", "::2"],
)
def test_is_loopback_elsewhere_or_only_looking_like_it(host: str | None) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://pulse.example/", "https://pulse.example"),
        ("https://pulse.example:8443", "https://pulse.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_checked_url_that_may_be_used_is_returned(text: str, expected: str) -> None:
    assert checked_url(text, "PULSE_API_URL", secure="https", loopback_only="http") == expected


def test_checked_url_where_no_clear_text_is_allowed_may_lead_to_another_machine() -> None:
    assert checked_url("mqtts://pulse.example:8883", "it", secure="mqtts", loopback_only="mqtts")
    with pytest.raises(ConfigError, match=r"give mqtts://host\.$"):
        checked_url("mqtt://127.0.0.1", "it", secure="mqtts", loopback_only="mqtts")


@pytest.mark.parametrize(
    "text", ["http://pulse.example", "http://127.example.com", "http://10.0.0.1:8080", "http://localhost@pulse.example"]
)
def test_checked_url_clear_text_to_another_machine_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="clear text may not leave this machine"):
        checked_url(text, "PULSE_API_URL", secure="https", loopback_only="http")


@pytest.mark.parametrize(
    "text", ["", "pulse.example", "ftp://pulse.example", "https://", "https://[::1", "https://pulse.example:99999"]
)
def test_checked_url_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"give https://host\.$"):
        checked_url(text, "PULSE_API_URL", secure="https", loopback_only="http")


def test_url_of_environment_is_checked_by_name() -> None:
    environment = Environment({"PULSE_API_URL": "http://10.0.0.1"})
    with pytest.raises(ConfigError, match=r"^PULSE_API_URL is "):
        environment.url("PULSE_API_URL", secure="https", loopback_only="http")


def test_home_is_made_private(tmp_path: Path) -> None:
    home = Environment({"PULSE_HOME": str(tmp_path / "a" / "pulse")}).home()
    assert home.stat().st_mode & 0o777 == 0o700
