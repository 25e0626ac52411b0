"""
When the certificates that browsers and devices meet run out, for ``/metrics``.

Looked at where they are served, as the doctor does, so that one that was renewed and never taken is seen. What cannot
be reached keeps its last figure.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from prometheus_client import CollectorRegistry, Gauge

from ...addresses import CLEAR, where
from ...settings import Settings

# While all are known, and at first until then, twice as long each time: at a start the broker comes after the API.
EVERY_S, AGAIN_S = 600.0, 15.0
WITHIN_S = 5.0
_log = structlog.get_logger()


class ServedCertificates:
    """The gauge, with a sample for each address that is served over TLS, and the loop that sets it."""

    def __init__(self, registry: CollectorRegistry, settings: Settings) -> None:
        self._settings = settings
        self._ends = Gauge(
            "pulse_certificate_expiry_timestamp_seconds",
            "When the certificate runs out that is served at an address; 0: unknown",
            ["address"],
            registry=registry,
        )
        given = {"public": settings.public_url, "mqtts": settings.mqtts_url}
        self._served = {name: url for name, url in given.items() if urlsplit(url).scheme not in CLEAR}
        self._unknown = set(self._served)
        self._seen: dict[str, bool] = {}
        self._again_s = AGAIN_S / 2
        for name in self._served:
            self._ends.labels(name)

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self.wait_s())

    def wait_s(self) -> float:
        """Return the seconds until the next look."""
        return self._again_s if self._unknown else EVERY_S

    async def look(self) -> None:
        """Look once at each; what became of it is logged when it is not as before."""
        for name, url in self._served.items():
            try:
                self._ends.labels(name).set(await _end_at(url, self._settings))
                self._unknown.discard(name)
                if self._seen.get(name) is False:
                    _log.info("health.certificate_seen", address=name)
                self._seen[name] = True
            except (OSError, TimeoutError, ValueError) as error:
                if self._seen.get(name) is not False:
                    _log.info("health.certificate_not_seen", address=name, error=type(error).__name__)
                self._seen[name] = False
        self._again_s = min(2 * self._again_s, EVERY_S)


async def _end_at(url: str, settings: Settings) -> float:
    """Return the end (Unix time) of what is served at *url*."""
    # Only the date is read, also of a certificate that clients refuse; nothing is said over this connection.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    parts = urlsplit(url)
    host, port = where(parts, settings)
    async with asyncio.timeout(WITHIN_S):
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=parts.hostname)
        try:
            met = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    return x509.load_der_x509_certificate(met).not_valid_after_utc.timestamp()
