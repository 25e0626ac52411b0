"""
No secret stands in the repository: every tracked file goes through detect-secrets.

Passwords in assignments are not looked for here: the linter does that for the programs (S105 to S107), and tests sign
in with passwords of their own. What is found and is no secret stands in ``HARMLESS`` with the reason.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from detect_secrets import SecretsCollection
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[2]
# Files of hashes, ids and recorded answers: entropy is all that they are, so it is not looked for there.
ONLY_PATTERNS = re.compile(
    r"-lock\.json$|^requirements/.+\.txt$|^acl/cases/|^broker-config/conformance/|^docs/\w+api\.yaml$"
)
NO_TEXT = {".png", ".webp", ".ico", ".woff2"}
ENTROPY = {"Base64HighEntropyString", "HexHighEntropyString"}
HARMLESS = {
    ("auth-api/src/pulse_auth/db/session.py", "Basic Auth Credentials"): "the form of an address",
    ("auth-api/tests/integration/admin/test_consequences.py", "Base64 High Entropy String"): "a test's own key",
    ("auth-api/tests/unit/accounts/test_access_tokens.py", "JSON Web Token"): "the head of a forged token",
    ("auth-api/tests/unit/devices/test_device_keys.py", "Base64 High Entropy String"): "RFC 8037's own example",
    ("auth-api/tests/unit/test_settings.py", "Basic Auth Credentials"): "an address that has to be refused",
    ("tests/deploy/test_compose.py", "Basic Auth Credentials"): "an address that the API puts together",
    ("dashboard/src/features/access/new-password.ts", "Base64 High Entropy String"): "the alphabet of passwords",
}


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [name for name in done.stdout.split("\0") if name and Path(name).suffix not in NO_TEXT]


def found_in(root: Path, names: Iterable[str], *, entropy: bool) -> set[tuple[str, str]]:
    """Return file and kind of all that looks like a secret."""
    kinds = {one.__name__ for one in get_mapping_from_secret_type_to_class().values()} - {"KeywordDetector"}
    plugins = [{"name": name} for name in sorted(kinds if entropy else kinds - ENTROPY)]
    with transient_settings({"plugins_used": plugins}):
        secrets = SecretsCollection(root=str(root))
        for name in names:
            if (root / name).is_file():
                secrets.scan_file(name)
        return {(file, secret.type) for file, secret in secrets}


def test_repository_holds_no_secret() -> None:
    names = tracked()
    assert len(names) > 500
    hashes = [name for name in names if ONLY_PATTERNS.search(name)]
    found = found_in(ROOT, set(names) - set(hashes), entropy=True) | found_in(ROOT, hashes, entropy=False)
    assert found - HARMLESS.keys() == set(), "remove the secret and change it; what is none goes into HARMLESS"
    assert HARMLESS.keys() - found == set(), "nothing is found there any more"


def private_key() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (private_key(), "Private Key"),
        (f"aws = '{'AKIA' + 'QYLPMN5HNMXVZNLW'}'", "AWS Access Key"),
        (f"url = 'postgresql://pulse:{'w0rd-of-' + 'passage'}@db/pulse'", "Basic Auth Credentials"),
        (f"token = '{'ghp_' + 'aXBYcZDkelFm' * 3}'", "GitHub Token"),
    ],
)
def test_secret_in_a_file_is_found(tmp_path: Path, content: str, kind: str) -> None:
    (tmp_path / "settings.py").write_text(content)
    assert kind in {one for _, one in found_in(tmp_path, ["settings.py"], entropy=True)}
