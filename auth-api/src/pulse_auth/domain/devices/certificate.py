"""
The CA's certificate as this part hands it out: to devices at enrollment, and as a fingerprint in codes.

The broker makes it at its first start, so it may appear while we run; it is read anew when the file changes.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import CertificateMissingError
from .enrollment_codes import ca_fingerprint


class CaCertificate:
    """The certificate in one file."""

    def __init__(self, path: Path) -> None:
        """Read *path* when asked, not now."""
        self._path = path

    def pem(self) -> str:
        """
        Return the certificate (public).

        Raises:
            CertificateMissingError: There is none yet.
        """
        try:
            return self._path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise CertificateMissingError("The CA's certificate is not there yet; start the broker once.") from error

    def fingerprint(self) -> str:
        """
        Return base64url(SHA-256 of its DER), 43 characters.

        Raises:
            CertificateMissingError: There is none yet, or the file holds something else.
        """
        try:
            return ca_fingerprint(self.pem().encode())
        except ValueError as error:
            raise CertificateMissingError("The CA's file holds no certificate.") from error
