"""What the one-shot jobs leave for each part: who can read what, what is made anew, and what a client makes of it."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pulse_auth.deployment.certificates import OwnCertificate, _shake_hands, checked_host, prepare_certificates
from pulse_auth.deployment.secret_files import prepare_secrets
from pulse_runtime.certificates import RENEW_BEFORE, SERVER_LIFE, ServerFiles, make_server, subject_names
from pulse_runtime.certificates import load_authority as load
from pulse_runtime.certificates import make_authority as make
from pulse_runtime.errors import ConfigError

HOST = "pulse.example.org"
NOW = datetime.now(UTC)
NONE = OwnCertificate(Path("/nonexistent"))
FOLDERS = ("authority", "trust", "edge", "emqx", "postgres", "auth-api", "ingest", "metrics", "grafana")


@pytest.fixture
def to(tmp_path: Path) -> Path:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    return tmp_path


def accepts(certificate: Path, key: Path, ca: Path, host: str) -> bool:
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(ca))
    server.load_cert_chain(certificate, key)
    try:
        _shake_hands(server, client, host)
    except ssl.SSLError:
        return False
    return True


def snapshot(to: Path) -> dict[str, bytes]:
    return {str(one.relative_to(to)): one.read_bytes() for one in sorted(to.rglob("*")) if one.is_file()}


def own(folder: Path, host: str = HOST) -> OwnCertificate:
    folder.mkdir()
    make(folder / "ca.pem", folder / "ca-key.pem", NOW)
    files = ServerFiles(folder / "server.pem", folder / "server-key.pem")
    make_server(files, load(folder / "ca.pem", folder / "ca-key.pem"), subject_names([host]), NOW, common_name=host)
    return OwnCertificate(folder)


def test_certificates_each_server_is_accepted_under_its_names_and_no_other(to: Path):
    prepare_certificates(HOST, to, NONE, NOW)
    edge, emqx, trust = to / "edge", to / "emqx", to / "trust"
    assert accepts(edge / "public.pem", edge / "public-key.pem", trust / "ca.pem", HOST)
    assert not accepts(edge / "public.pem", edge / "public-key.pem", trust / "ca.pem", "edge")
    assert accepts(edge / "internal.pem", edge / "internal-key.pem", trust / "bundle.pem", "edge")
    assert not accepts(edge / "internal.pem", edge / "internal-key.pem", trust / "bundle.pem", HOST)
    assert accepts(emqx / "server.pem", emqx / "server-key.pem", trust / "bundle.pem", HOST)
    assert accepts(emqx / "server.pem", emqx / "server-key.pem", trust / "ca.pem", "emqx")


def test_certificates_authority_key_stays_with_the_job_and_the_others_are_for_the_group(to: Path):
    prepare_certificates(HOST, to, NONE, NOW)
    keys = {str(one.relative_to(to)): one.stat().st_mode & 0o777 for one in to.rglob("*-key.pem")}
    assert keys == {
        "authority/ca-key.pem": 0o600,
        "edge/public-key.pem": 0o640,
        "edge/internal-key.pem": 0o640,
        "emqx/server-key.pem": 0o640,
    }


def test_certificates_again_changes_nothing_until_a_month_before_the_end(to: Path):
    prepare_certificates(HOST, to, NONE, NOW)
    before = snapshot(to)
    prepare_certificates(HOST, to, NONE, NOW + timedelta(days=300))
    assert snapshot(to) == before
    prepare_certificates(HOST, to, NONE, NOW + SERVER_LIFE - RENEW_BEFORE + timedelta(hours=1))
    after = snapshot(to)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {
        f"{name}{kind}.pem" for name in ("edge/public", "edge/internal", "emqx/server") for kind in ("", "-key")
    }


def test_certificates_another_host_gets_another_certificate_of_the_same_authority(to: Path):
    prepare_certificates(HOST, to, NONE, NOW)
    authority = (to / "trust" / "ca.pem").read_bytes()
    prepare_certificates("10.0.0.5", to, NONE, NOW)
    edge = to / "edge"
    assert accepts(edge / "public.pem", edge / "public-key.pem", to / "trust" / "ca.pem", "10.0.0.5")
    assert (to / "trust" / "ca.pem").read_bytes() == authority


def test_certificates_of_ones_own_are_what_devices_meet_and_the_parts_still_trust_each_other(to: Path, tmp_path: Path):
    given = own(tmp_path / "own")
    prepare_certificates(HOST, to, given, NOW)
    edge, emqx, trust = to / "edge", to / "emqx", to / "trust"
    assert (trust / "ca.pem").read_bytes() == given.ca.read_bytes()
    for files in ((edge / "public.pem", edge / "public-key.pem"), (emqx / "server.pem", emqx / "server-key.pem")):
        assert accepts(*files, given.ca, HOST)
    assert accepts(edge / "internal.pem", edge / "internal-key.pem", trust / "bundle.pem", "edge")
    assert not accepts(edge / "internal.pem", edge / "internal-key.pem", trust / "ca.pem", "edge")


def test_certificates_of_ones_own_for_another_host_are_refused(to: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match=HOST):
        prepare_certificates(HOST, to, own(tmp_path / "own", "other.example.org"), NOW)


def test_certificates_of_ones_own_without_their_authority_are_refused(to: Path, tmp_path: Path):
    given = own(tmp_path / "own")
    given.ca.unlink()
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        prepare_certificates(HOST, to, given, NOW)


def test_certificates_of_ones_own_whose_root_is_not_the_first_in_its_file_are_refused(to: Path, tmp_path: Path):
    given, other = own(tmp_path / "own"), own(tmp_path / "other")
    root, another = given.ca.read_bytes(), other.ca.read_bytes()
    given.ca.write_bytes(another + root)  # an enrollment code names the first, and a device trusts that alone
    with pytest.raises(ConfigError, match=r"ca\.pem, the root that signed it"):
        prepare_certificates(HOST, to, given, NOW)
    assert not (to / "trust" / "ca.pem").exists()
    given.ca.write_bytes(b"the root, and another one:\n" + root + another)
    prepare_certificates(HOST, to, given, NOW)
    assert (to / "trust" / "ca.pem").read_bytes() == given.ca.read_bytes()


@pytest.mark.parametrize("content", [b"", b"no certificate\n", b"\xff\x00"])
def test_certificates_of_ones_own_with_something_else_for_their_authority_are_refused(
    to: Path, tmp_path: Path, content: bytes
):
    given = own(tmp_path / "own")
    given.ca.write_bytes(content)
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        prepare_certificates(HOST, to, given, NOW)


def test_certificates_of_ones_own_by_a_link_that_leads_nowhere_are_refused_and_change_nothing(to: Path, tmp_path: Path):
    given = own(tmp_path / "own")
    prepare_certificates(HOST, to, given, NOW)
    given.server.certificate.unlink()
    given.server.certificate.symlink_to("../../archive/pulse/fullchain1.pem")
    before = snapshot(to)
    with pytest.raises(ConfigError, match=r"as copies, not links"):
        prepare_certificates(HOST, to, given, NOW)
    assert snapshot(to) == before


@pytest.mark.parametrize("name", ["fullchain.pem", "server-key.pem"])
def test_certificates_of_ones_own_under_other_names_are_refused_by_what_is_there(to: Path, tmp_path: Path, name: str):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / name).write_text("a certificate")
    with pytest.raises(ConfigError, match=rf"holds {name}, and no server\.pem"):
        prepare_certificates(HOST, to, OwnCertificate(tmp_path / "own"), NOW)
    assert list((to / "edge").iterdir()) == []


def test_certificates_of_ones_own_in_something_that_is_no_folder_are_refused(to: Path, tmp_path: Path):
    (tmp_path / "own").write_text("a certificate")
    with pytest.raises(ConfigError, match="PULSE_OWN_TLS"):
        prepare_certificates(HOST, to, OwnCertificate(tmp_path / "own"), NOW)


def test_certificates_of_ones_own_in_a_folder_that_is_named_and_empty_are_missed(to: Path, tmp_path: Path):
    (tmp_path / "own").mkdir()  # as Docker makes it for a name that is mistyped
    with pytest.raises(ConfigError, match="holds nothing"):
        prepare_certificates(HOST, to, OwnCertificate(tmp_path / "own", "./tsl"), NOW)


@pytest.mark.parametrize("named", ["", "no-own-tls"])
def test_certificates_in_an_empty_folder_that_nobody_named_are_made_by_an_authority_of_our_own(
    to: Path, tmp_path: Path, named: str
):
    (tmp_path / "own").mkdir()
    prepare_certificates(HOST, to, OwnCertificate(tmp_path / "own", named), NOW)
    assert (to / "trust" / "ca.pem").read_bytes() == (to / "authority" / "ca.pem").read_bytes()


def test_certificates_of_ones_own_that_are_given_no_more_are_missed_until_the_way_out_is_taken(
    to: Path, tmp_path: Path
):
    given = own(tmp_path / "own")
    prepare_certificates(HOST, to, given, NOW)
    before = snapshot(to)
    with pytest.raises(ConfigError, match="PULSE_OWN_TLS") as refused:
        prepare_certificates(HOST, to, NONE, NOW)
    assert snapshot(to) == before
    prepare_certificates(HOST, to, given, NOW)
    _, _, marker = str(refused.value).rpartition("--entrypoint=rm certificates ")
    Path(marker).unlink()
    prepare_certificates(HOST, to, NONE, NOW)
    assert (to / "trust" / "ca.pem").read_bytes() == (to / "authority" / "ca.pem").read_bytes()


@pytest.mark.parametrize("missing", ["authority", "trust", "edge", "emqx"])
def test_certificates_without_a_volume_are_refused_by_its_name(to: Path, missing: str):
    (to / missing).rmdir()
    with pytest.raises(ConfigError, match=missing):
        prepare_certificates(HOST, to, NONE, NOW)


def test_secrets_no_cookie_is_taken_for_a_flag_by_the_command_line_it_stands_on(
    to: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: "-like-a-flag")
    prepare_secrets(to)
    assert re.fullmatch(r"[0-9a-f]{64}\n", (to / "emqx" / "cookie").read_text())


def test_secrets_are_made_once_and_shared_with_those_who_need_them_alone(to: Path):
    prepare_secrets(to)
    found = snapshot(to)
    assert set(found) == {
        "postgres/superuser-password",
        "postgres/auth-password",
        "postgres/ingest-password",
        "auth-api/database-password",
        "auth-api/management-key",
        "ingest/database-password",
        "emqx/api_keys",
        "emqx/dashboard-password",
        "emqx/cookie",
        "metrics/ingest-key",
        "grafana/admin-password",
        "grafana/secret-key",
    }
    assert found["auth-api/database-password"] == found["postgres/auth-password"]
    assert found["ingest/database-password"] == found["postgres/ingest-password"]
    assert found["auth-api/management-key"] == found["emqx/api_keys"]
    assert len(set(found.values())) == 9
    assert all(len(text.strip()) >= 43 for text in found.values())
    assert {(to / name).stat().st_mode & 0o777 for name in found} == {0o640}
    prepare_secrets(to)
    assert snapshot(to) == found


@pytest.mark.parametrize(
    "text", ["", "https://pulse.example.org", "pulse.example.org:443", "Pulse", "a b", "a;b", "10.0.0.5"]
)
def test_checked_host_refuses_what_is_no_plain_name(text: str):
    with pytest.raises(ConfigError, match="PULSE_HOST"):
        checked_host(text)


@pytest.mark.parametrize("text", ["pulse.example.org", "localhost", "xn--mnchen-3ya.example"])
def test_checked_host_takes_names(text: str):
    assert checked_host(text) == text
